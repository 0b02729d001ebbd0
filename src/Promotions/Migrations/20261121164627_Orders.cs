using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class Orders : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("""
                -- Orders whose placing or cancelling has come here; an order is redeemed for once, and not at all once it is known as cancelled.
                create table promotions.seen_orders (order_id uuid primary key);

                -- The order that has a redemption: at most one, ever.
                alter table promotions.redemptions add column order_id uuid;
                create unique index redemptions_order on promotions.redemptions (order_id) where order_id is not null;
                """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
