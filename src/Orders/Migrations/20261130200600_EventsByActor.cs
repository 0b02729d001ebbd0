using Boon.Platform.Data;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Orders.Migrations
{
    /// <inheritdoc />
    public partial class EventsByActor : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.CreateIndexWhileOthersWrite(
                "orders", Boon.Platform.Log.EventLogSchema.EventsByActor,
                Boon.Platform.Log.EventLogSchema.OnEventsByActor("orders"));

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
