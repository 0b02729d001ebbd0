using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Quests.Migrations
{
    /// <inheritdoc />
    public partial class CountSteps : Migration
    {
        /// <summary>
        /// Records, as a change, what was there before changes were recorded: in one statement, so in one snapshot, and under no lock; a migration of its own, after
        /// the triggers. Run again it changes nothing.
        /// </summary>
        internal const string Count = """
            set local enable_seqscan = on; set local enable_hashjoin = on;
            insert into quests.step_changes (quest_id, completions, streak, users)
            select quest_id, completions, streak, sum(users)
            from (
                select quest_id, completions, streak, count(*) as users from quests.progress group by quest_id, completions, streak
                union all
                select quest_id, completions, streak, -users from quests.step_changes
                union all
                select quest_id, completions, streak, -users from quests.steps) c
            group by quest_id, completions, streak having sum(users) <> 0;
            """;

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql(Count);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
