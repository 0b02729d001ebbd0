using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class Start : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "promotions");

            migrationBuilder.CreateTable(
                name: "campaigns",
                schema: "promotions",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    description = table.Column<string>(type: "character varying(2000)", maxLength: 2000, nullable: true),
                    trigger = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    when_json = table.Column<string>(type: "json", nullable: true),
                    issue_limit = table.Column<long>(type: "bigint", nullable: false),
                    per_user = table.Column<int>(type: "integer", nullable: false),
                    benefit = table.Column<string>(type: "json", nullable: false),
                    voucher_valid_for = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: false),
                    max_uses = table.Column<int>(type: "integer", nullable: false),
                    starts_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    ends_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: true),
                    state = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    issued = table.Column<long>(type: "bigint", nullable: false),
                    ranked = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "clock_timestamp()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_campaigns", x => x.id);
                    table.CheckConstraint("campaigns_issued_within_limit", "issued >= 0 and issued <= issue_limit");
                    table.CheckConstraint("campaigns_state", "state in ('draft', 'active', 'paused', 'ended')");
                });

            migrationBuilder.CreateIndex(
                name: "campaigns_trigger",
                schema: "promotions",
                table: "campaigns",
                column: "trigger");

            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.Create("promotions"));
            migrationBuilder.Sql("""
                create table promotions.rules_lock (only_row boolean primary key default true check (only_row));
                insert into promotions.rules_lock default values;

                create table promotions.campaign_changes (
                    id bigint generated always as identity primary key,
                    campaign_id uuid not null references promotions.campaigns (id),
                    changed_at timestamptz not null default clock_timestamp(),
                    changed_by uuid not null,
                    state text not null,
                    issue_limit bigint not null,
                    ends_at timestamptz,
                    after jsonb not null
                );
                create index campaign_changes_campaign on promotions.campaign_changes (campaign_id);

                -- Everything that can be redeemed, whatever it came from: one code, one holder, one redemption path.
                create table promotions.codes (
                    id uuid primary key,
                    code text not null,
                    campaign_id uuid references promotions.campaigns (id),
                    user_id uuid,
                    benefit json not null,
                    max_uses int not null check (max_uses > 0),
                    uses int not null default 0,
                    expires_at timestamptz not null,
                    voided boolean not null default false,
                    created_at timestamptz not null default now(),
                    constraint codes_code unique (code),
                    constraint codes_uses check (uses >= 0 and uses <= max_uses)
                );
                create index codes_user on promotions.codes (user_id, id) where user_id is not null;
                create index codes_campaign_user on promotions.codes (campaign_id, user_id) where campaign_id is not null;

                create table promotions.decisions (
                    campaign_id uuid not null references promotions.campaigns (id),
                    source text not null,
                    sequence bigint not null,
                    user_id uuid not null,
                    rank bigint,
                    reason text,
                    at timestamptz not null,
                    voucher_code text,
                    primary key (campaign_id, source, sequence),
                    check ((reason is null) = (voucher_code is not null))
                );
                create unique index decisions_rank on promotions.decisions (campaign_id, rank) where rank is not null;
                create index decisions_user on promotions.decisions (campaign_id, user_id);

                create table promotions.redemptions (
                    id uuid primary key,
                    code_id uuid not null references promotions.codes (id),
                    user_id uuid not null,
                    amount bigint not null,
                    currency text not null,
                    product text,
                    reference text,
                    discount bigint not null check (discount >= 0 and discount <= amount),
                    redeemed_at timestamptz not null default now(),
                    released_at timestamptz
                );
                create index redemptions_code on promotions.redemptions (code_id);
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
