using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Orders.Migrations
{
    /// <inheritdoc />
    public partial class Start : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "orders");

            migrationBuilder.CreateTable(
                name: "known_users",
                schema: "orders",
                columns: table => new
                {
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    erased = table.Column<bool>(type: "boolean", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_known_users", x => x.user_id);
                });

            migrationBuilder.CreateTable(
                name: "orders",
                schema: "orders",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    product = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false),
                    quantity = table.Column<int>(type: "integer", nullable: false),
                    amount = table.Column<long>(type: "bigint", nullable: false),
                    currency = table.Column<string>(type: "character varying(3)", maxLength: 3, nullable: false),
                    code = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true),
                    state = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    placed_event = table.Column<Guid>(type: "uuid", nullable: false),
                    discount = table.Column<long>(type: "bigint", nullable: true),
                    reason = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true),
                    placed_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()"),
                    settled_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    cancelled_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_orders", x => x.id);
                    table.CheckConstraint("orders_amount", "amount > 0 and quantity > 0");
                    table.CheckConstraint("orders_discount", "discount between 0 and amount");
                    table.CheckConstraint("orders_pending", "state <> 'pending' or (code is not null and settled_at is null)");
                    table.CheckConstraint("orders_reason", "(state = 'rejected') = (reason is not null)");
                    table.CheckConstraint("orders_state", "state in ('pending', 'confirmed', 'rejected', 'cancelled')");
                });

            migrationBuilder.CreateIndex(
                name: "orders_placed_event",
                schema: "orders",
                table: "orders",
                column: "placed_event",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "orders_user",
                schema: "orders",
                table: "orders",
                columns: new[] { "user_id", "id" });

            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.Create("orders"));
            migrationBuilder.Sql("""
                -- An order changes its state once or twice, in the place where it is.
                alter table orders.orders set (fillfactor = 70);
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
