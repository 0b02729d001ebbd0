using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class CountsAfter : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<string>(
                name: "counts_after",
                schema: "promotions",
                table: "campaigns",
                type: "jsonb",
                nullable: false,
                defaultValueSql: "'{}'");

            migrationBuilder.Sql("""
                drop trigger rule_changed on promotions.campaigns;
                create trigger rule_changed before update on promotions.campaigns for each row when (
                    (old.trigger, old.when_json::text, old.state, old.starts_at, old.ends_at, old.issue_limit, old.per_user, old.benefit::text,
                        old.counts_after, old.issued >= old.issue_limit and old.ranked - old.issued >= 10000)
                    is distinct from (new.trigger, new.when_json::text, new.state, new.starts_at, new.ends_at, new.issue_limit, new.per_user, new.benefit::text,
                        new.counts_after, new.issued >= new.issue_limit and new.ranked - new.issued >= 10000)
                ) execute function promotions.count_rule_change();
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
