using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class Reason : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.AddReason("promotions"));

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
