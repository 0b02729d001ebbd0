using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class CouponsAtSize : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("""
                -- Ranges of expired coupons that a cursor passed over: what is not claimed in them is purged in pages, and then the range goes.
                create table promotions.coupon_gaps (
                    id bigint generated always as identity primary key,
                    type text not null,
                    first bigint not null,
                    last bigint not null,
                    created_at timestamptz not null default now()
                );

                -- Everything that had expired by then was purged, or is claimed: the next purge looks at what expired since.
                alter table promotions.coupon_types add column expired_until timestamptz not null default 'epoch';

                -- What people see of a code whose own text is the key that it is found by; null: the code itself.
                alter table promotions.codes add column shown text;

                create index coupon_counts_type on promotions.coupon_counts (type);
                """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
