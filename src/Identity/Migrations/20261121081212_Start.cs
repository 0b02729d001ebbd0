using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Identity.Migrations
{
    /// <inheritdoc />
    public partial class Start : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "identity");

            migrationBuilder.CreateTable(
                name: "users",
                schema: "identity",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    username = table.Column<string>(type: "character varying(64)", maxLength: 64, nullable: true),
                    username_key = table.Column<string>(type: "character varying(128)", maxLength: 128, nullable: true),
                    email = table.Column<string>(type: "character varying(254)", maxLength: 254, nullable: true),
                    email_key = table.Column<string>(type: "character varying(508)", maxLength: 508, nullable: true),
                    phone = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: true),
                    full_name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: true),
                    birthday = table.Column<DateOnly>(type: "date", nullable: true),
                    password_hash = table.Column<string>(type: "character varying(512)", maxLength: 512, nullable: true),
                    status = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    roles = table.Column<string[]>(type: "text[]", nullable: false),
                    sign_ins = table.Column<long>(type: "bigint", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_users", x => x.id);
                });

            migrationBuilder.CreateIndex(
                name: "users_email_key",
                schema: "identity",
                table: "users",
                column: "email_key",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "users_phone_key",
                schema: "identity",
                table: "users",
                column: "phone",
                unique: true);

            migrationBuilder.CreateIndex(
                name: "users_username_key",
                schema: "identity",
                table: "users",
                column: "username_key",
                unique: true);

            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.Create("identity"));
            migrationBuilder.Sql("""
                -- Keys and ended sessions are read by every process at its start, past millions of other events.
                create index event_log_access on identity.event_log (position)
                    where type in ('identity.signing-key-created.v1', 'identity.session-ended.v1');

                create table identity.sessions (
                    id uuid primary key,
                    user_id uuid not null references identity.users (id),
                    created_at timestamptz not null default now(),
                    expires_at timestamptz not null,
                    ended_at timestamptz
                );
                create index sessions_user on identity.sessions (user_id);
                create index sessions_expiry on identity.sessions (expires_at);

                create table identity.refresh_tokens (
                    hash bytea primary key,
                    session_id uuid not null references identity.sessions (id) on delete cascade deferrable initially deferred,
                    expires_at timestamptz not null,
                    used_at timestamptz
                );
                create index refresh_tokens_session on identity.refresh_tokens (session_id);

                create table identity.sign_in_failures (
                    key text primary key,
                    failures int not null,
                    window_ends timestamptz not null
                );

                create table identity.signing_keys (
                    kid text primary key,
                    private_key bytea not null,
                    created_at timestamptz not null default now(),
                    signs_until timestamptz not null,
                    retires_at timestamptz not null
                );
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
