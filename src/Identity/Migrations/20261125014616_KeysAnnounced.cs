using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Identity.Migrations
{
    /// <inheritdoc />
    public partial class KeysAnnounced : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
            alter table identity.signing_keys add column signs_from timestamptz not null default now();
            update identity.signing_keys set signs_from = created_at;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
