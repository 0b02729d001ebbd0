using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Quests.Migrations
{
    /// <inheritdoc />
    public partial class Reversals : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "reversed_by",
                schema: "quests",
                table: "quests",
                type: "character varying(200)",
                maxLength: 200,
                nullable: true);
            migrationBuilder.Sql("""
                -- What an event is about, of quests whose events can be reversed; and the place of the reversal that took it back. A reversal is a row too.
                alter table quests.received
                    add column subject text,
                    add column reversed_by bigint,
                    drop constraint received_outcome_check,
                    -- Every row has met a narrower one: nobody waits until all of them are looked at.
                    add constraint received_outcome_check check (
                        outcome in ('progressed', 'completed', 'all-completed', 'already-counted', 'too-late', 'paused', 'reversed')) not valid,
                    add constraint received_reversal check (outcome <> 'reversed' or subject is not null and reversed_by is null) not valid;

                -- Completions that were taken back: their numbers are not given again.
                alter table quests.progress add column withdrawn int not null default 0;
                alter table quests.completions add column withdrawn_at timestamptz;
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
