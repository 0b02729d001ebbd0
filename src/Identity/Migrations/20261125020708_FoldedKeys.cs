using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Identity.Migrations
{
    /// <inheritdoc />
    public partial class FoldedKeys : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("""
                -- Up to which account the keys of username and e-mail are folded as they are today; FoldKeys goes on from there at each start.
                create table identity.folded_keys (
                    one boolean primary key default true check (one),
                    up_to uuid not null
                );
                insert into identity.folded_keys (up_to) values ('00000000-0000-0000-0000-000000000000');
                """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
