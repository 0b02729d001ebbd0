using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class RuleVersions : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql(Boon.Platform.Rules.RulesLock.Versions("promotions", "campaigns", """
                (old.trigger, old.when_json::text, old.state, old.starts_at, old.ends_at, old.issue_limit, old.per_user, old.benefit::text,
                    old.issued >= old.issue_limit and old.ranked - old.issued >= 10000)
                is distinct from (new.trigger, new.when_json::text, new.state, new.starts_at, new.ends_at, new.issue_limit, new.per_user, new.benefit::text,
                    new.issued >= new.issue_limit and new.ranked - new.issued >= 10000)
                """));

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
