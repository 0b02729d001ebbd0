using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class Rewards : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("""
                -- Rewards of quests that are coupons: recorded once for each completion, granted as far as the pool goes; place is the order in which they were claimed.
                create table promotions.coupon_rewards (
                    place bigint generated always as identity primary key,
                    user_id uuid not null,
                    quest_id uuid not null,
                    number int not null,
                    type text not null,
                    quantity int not null check (quantity > 0),
                    granted int not null default 0 check (granted >= 0 and granted <= quantity),
                    reason text,
                    event_id uuid not null,
                    trace_parent text,
                    created_at timestamptz not null default now(),
                    granted_at timestamptz,
                    constraint coupon_rewards_once unique (user_id, quest_id, number),
                    check ((granted = quantity) = (granted_at is not null))
                );
                create index coupon_rewards_pending on promotions.coupon_rewards (type, place) where granted_at is null;
                create index coupon_rewards_reason on promotions.coupon_rewards (type, coalesce(reason, '')) where granted_at is null;

                -- A claim that is a reward counts for no perUser.
                alter table promotions.claims add column is_reward boolean not null default false;
                """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
