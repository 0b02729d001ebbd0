using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class Coupons : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("""
                -- A coupon is a code with a place in the pool of its type ('' is the pool of coupons without one); a voucher has neither.
                alter table promotions.codes
                    add column type text,
                    add column position bigint,
                    add column purged_at timestamptz,
                    add constraint codes_pool_place check ((type is null) = (position is null));
                create unique index codes_pool on promotions.codes (type, position) where position is not null and purged_at is null;
                create index codes_expiry on promotions.codes (type, expires_at, position) where position is not null and purged_at is null;

                -- A pool: its rules and its cursor. Every code before next_position is claimed or purged; who moves the cursor holds the row.
                create table promotions.coupon_types (
                    name text primary key,
                    per_user int check (per_user = 1),
                    per_second int check (per_second > 0),
                    concurrency int check (concurrency > 0),
                    max_queue int check (max_queue > 0),
                    max_wait_seconds int check (max_wait_seconds > 0),
                    next_position bigint not null default 1,
                    last_ticket bigint not null default 0,
                    recent_grants timestamptz[] not null default '{}',
                    created_at timestamptz not null default now(),
                    check (num_nulls(per_second, concurrency, max_queue, max_wait_seconds) in (0, 4))
                ) with (fillfactor = 50);
                insert into promotions.coupon_types (name, per_user) values ('', 1), ('STANDARD', 1), ('FREE', 1);
                insert into promotions.coupon_types (name, per_user, per_second, concurrency, max_queue, max_wait_seconds) values ('MEGADEAL', 1, 10, 5, 100, 10);

                -- Uploads take turns here, so that positions become visible in their order and no cursor runs past one that is still open.
                create table promotions.upload_turn (
                    only_row boolean primary key default true check (only_row),
                    last_position bigint not null
                );
                insert into promotions.upload_turn (last_position) values (0);

                -- Changes of the counters, added up by who reads them and folded now and then: written with the rows that they count, under no lock.
                create table promotions.coupon_counts (
                    type text not null,
                    uploaded bigint not null default 0,
                    claimed bigint not null default 0,
                    redeemed bigint not null default 0,
                    purged bigint not null default 0
                );

                -- nth is 0 for the one claim of a type that perUser 1 allows; others have the code's position, and queued ones beyond that or refused ones -ticket.
                create table promotions.claims (
                    id uuid primary key,
                    type text not null,
                    user_id uuid not null,
                    nth bigint not null,
                    state text not null check (state in ('queued', 'working', 'granted', 'refused')),
                    code_id uuid,
                    reason text,
                    created_at timestamptz not null default now(),
                    ticket bigint,
                    started_at timestamptz,
                    working_until timestamptz,
                    worker uuid,
                    settled_at timestamptz,
                    constraint claims_once unique (user_id, type, nth),
                    constraint claims_code unique (code_id),
                    check ((state = 'granted') = (code_id is not null)),
                    check ((state = 'refused') = (reason is not null)),
                    check ((state = 'working') = (worker is not null))
                );
                create unique index claims_waiting on promotions.claims (type, ticket) where state in ('queued', 'working');
                """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
