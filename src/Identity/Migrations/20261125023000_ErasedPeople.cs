using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Identity.Migrations
{
    /// <inheritdoc />
    public partial class ErasedPeople : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
            -- The value is a constant: no row is rewritten.
            alter table identity.users add column returned boolean not null default false;

            create table identity.erased_secrets (
                id uuid primary key,
                secret bytea not null,
                created_at timestamptz not null default now()
            );

            create table identity.erased_identifiers (
                hash bytea primary key,
                erased_at timestamptz not null default now()
            );
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
