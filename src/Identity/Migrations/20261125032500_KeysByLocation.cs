using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Identity.Migrations
{
    /// <inheritdoc />
    public partial class KeysByLocation : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.CreateIndexWhileOthersWrite(
            "identity", "idempotency_keys_location", "identity.idempotency_keys (location) where location is not null");

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
