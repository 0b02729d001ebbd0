using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Quests.Migrations
{
    /// <inheritdoc />
    public partial class Start : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "quests");

            migrationBuilder.CreateTable(
                name: "rewards",
                schema: "quests",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    item = table.Column<string>(type: "character varying(60)", maxLength: 60, nullable: false),
                    quantity = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "clock_timestamp()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_rewards", x => x.id);
                    table.CheckConstraint("rewards_quantity", "quantity > 0");
                });

            migrationBuilder.CreateTable(
                name: "quests",
                schema: "quests",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    description = table.Column<string>(type: "character varying(2000)", maxLength: 2000, nullable: true),
                    reward_id = table.Column<Guid>(type: "uuid", nullable: false),
                    trigger = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false),
                    when_json = table.Column<string>(type: "json", nullable: true),
                    streak = table.Column<int>(type: "integer", nullable: false),
                    duplication = table.Column<int>(type: "integer", nullable: false),
                    auto_claim = table.Column<bool>(type: "boolean", nullable: false),
                    window_unit = table.Column<string>(type: "character varying(8)", maxLength: 8, nullable: true),
                    time_zone = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: true),
                    state = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    version = table.Column<int>(type: "integer", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "clock_timestamp()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_quests", x => x.id);
                    table.CheckConstraint("quests_counts", "streak > 0 and duplication > 0");
                    table.CheckConstraint("quests_state", "state in ('draft', 'active', 'paused', 'ended')");
                    table.CheckConstraint("quests_window", "(window_unit is null) = (time_zone is null) and window_unit in ('day', 'week')");
                    table.ForeignKey(
                        name: "FK_quests_rewards_reward_id",
                        column: x => x.reward_id,
                        principalSchema: "quests",
                        principalTable: "rewards",
                        principalColumn: "id",
                        onDelete: ReferentialAction.Cascade);
                });

            migrationBuilder.CreateIndex(
                name: "IX_quests_reward_id",
                schema: "quests",
                table: "quests",
                column: "reward_id");

            migrationBuilder.CreateIndex(
                name: "quests_trigger",
                schema: "quests",
                table: "quests",
                column: "trigger");

            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.Create("quests"));
            migrationBuilder.Sql(Boon.Platform.Rules.RulesLock.Create("quests"));
            migrationBuilder.Sql("""
                -- Counts the changes of the catalog; who changes it holds the row.
                create table quests.catalog_version (only_row boolean primary key default true check (only_row), version bigint not null);
                insert into quests.catalog_version (version) values (0);

                -- The rules of each quest as they were: what is received is judged by the version that it names.
                create table quests.versions (
                    quest_id uuid not null references quests.quests (id),
                    version int not null check (version > 0),
                    changed_at timestamptz not null default clock_timestamp(),
                    changed_by uuid not null,
                    state text not null,
                    reward_id uuid not null references quests.rewards (id),
                    streak int not null,
                    duplication int not null,
                    auto_claim boolean not null,
                    after jsonb not null,
                    primary key (quest_id, version)
                );

                -- The event store: what each quest received, in the order in which it was judged, and what it did. Only ever inserted into.
                create table quests.received (
                    position bigint generated always as identity primary key,
                    quest_id uuid not null,
                    version int not null,
                    user_id uuid not null,
                    source text collate "C" not null,
                    sequence bigint not null,
                    event_id uuid not null,
                    type text not null,
                    happened_at timestamptz not null,
                    recorded_at timestamptz not null,
                    period int,
                    outcome text not null check (outcome in ('progressed', 'completed', 'all-completed', 'already-counted', 'too-late', 'paused')),
                    streak int not null,
                    completions int not null,
                    constraint received_once unique (user_id, quest_id, sequence, source)
                );

                -- Derived from what was received; boon replay rebuilds it.
                create table quests.progress (
                    quest_id uuid not null,
                    user_id uuid not null,
                    streak int not null check (streak >= 0),
                    completions int not null check (completions >= 0),
                    period int,
                    received bigint not null check (received > 0),
                    primary key (quest_id, user_id)
                ) with (fillfactor = 70);

                -- Derived too, but for what became of the reward: claimed once, granted once.
                create table quests.completions (
                    place bigint generated always as identity primary key,
                    quest_id uuid not null,
                    user_id uuid not null,
                    number int not null check (number > 0),
                    version int not null,
                    source text not null,
                    sequence bigint not null,
                    completed_at timestamptz not null,
                    reward_id uuid not null,
                    claimed_at timestamptz,
                    granted_at timestamptz,
                    pending_reason text,
                    constraint completions_once unique (user_id, quest_id, number),
                    check (granted_at is null or claimed_at is not null)
                ) with (fillfactor = 70);
                create index completions_quest on quests.completions (quest_id, place);
                create index completions_unclaimed on quests.completions (user_id, quest_id, number) where claimed_at is null;
                create index completions_pending on quests.completions (place) where claimed_at is not null and granted_at is null;
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
