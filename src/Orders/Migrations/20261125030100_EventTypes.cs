using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Orders.Migrations
{
    /// <inheritdoc />
    public partial class EventTypes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            foreach (var statement in Boon.Platform.Log.EventLogSchema.AddTypeIndex("orders"))
                migrationBuilder.Sql(statement, suppressTransaction: true);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
