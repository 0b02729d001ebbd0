using Boon.Platform.Data;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Intake.Migrations
{
    /// <inheritdoc />
    public partial class EventsByActor : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.CreateIndexWhileOthersWrite(
                "intake", Boon.Platform.Log.EventLogSchema.EventsByActor,
                Boon.Platform.Log.EventLogSchema.OnEventsByActor("intake"));

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
