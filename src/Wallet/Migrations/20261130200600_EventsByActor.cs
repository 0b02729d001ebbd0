using Boon.Platform.Data;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Wallet.Migrations
{
    /// <inheritdoc />
    public partial class EventsByActor : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.CreateIndexWhileOthersWrite(
                "wallet", Boon.Platform.Log.EventLogSchema.EventsByActor,
                Boon.Platform.Log.EventLogSchema.OnEventsByActor("wallet"));

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
