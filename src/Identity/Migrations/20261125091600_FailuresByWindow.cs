using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Identity.Migrations
{
    /// <inheritdoc />
    public partial class FailuresByWindow : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.CreateIndexWhileOthersWrite(
            "identity", "sign_in_failures_window", "identity.sign_in_failures (window_ends)");

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
