using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class CountCampaignUses : Migration
    {
        /// <summary>
        /// Records, as a change, what was there before changes were recorded: in one statement, so in one snapshot, and under no lock; a migration of its own, after
        /// the triggers. Run again it changes nothing.
        /// </summary>
        internal const string Count = """
            set local enable_seqscan = on; set local enable_hashjoin = on;
            insert into promotions.use_changes (campaign_id, uses)
            select campaign_id, sum(uses)
            from (
                select campaign_id, uses from promotions.codes where campaign_id is not null and uses > 0
                union all
                select campaign_id, -uses from promotions.use_changes
                union all
                select campaign_id, -uses from promotions.campaign_uses) c
            group by campaign_id having sum(uses) <> 0;
            """;

        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql(Count);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
