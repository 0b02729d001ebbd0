using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Quests.Migrations
{
    /// <inheritdoc />
    public partial class CompletionsByUser : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.CreateIndexWhileOthersWrite(
            "quests", "completions_user", "quests.completions (user_id, place) include (quest_id, claimed_at, granted_at)");

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
