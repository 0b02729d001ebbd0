using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Wallet.Migrations
{
    /// <inheritdoc />
    public partial class Start : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "wallet");

            migrationBuilder.CreateTable(
                name: "ledger_entries",
                schema: "wallet",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    item = table.Column<string>(type: "character varying(16)", maxLength: 16, nullable: false),
                    amount = table.Column<long>(type: "bigint", nullable: false),
                    quest_id = table.Column<Guid>(type: "uuid", nullable: false),
                    number = table.Column<int>(type: "integer", nullable: false),
                    event_id = table.Column<Guid>(type: "uuid", nullable: false),
                    created_at = table.Column<DateTimeOffset>(type: "timestamp with time zone", nullable: false, defaultValueSql: "now()")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_ledger_entries", x => x.id);
                    table.CheckConstraint("ledger_entries_amount", "amount > 0");
                    table.CheckConstraint("ledger_entries_item", "item in ('gold', 'diamond')");
                });

            migrationBuilder.CreateIndex(
                name: "ledger_entries_user",
                schema: "wallet",
                table: "ledger_entries",
                columns: new[] { "user_id", "id" })
                .Annotation("Npgsql:IndexInclude", new[] { "item", "amount" });

            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.Create("wallet"));
            migrationBuilder.Sql("""
                -- A completion is credited once, ever.
                create unique index ledger_entries_once on wallet.ledger_entries (user_id, quest_id, number);

                -- A ledger is only ever appended to.
                create function wallet.refuse_change() returns trigger language plpgsql as
                    $$ begin raise exception 'the ledger is append-only'; end $$;
                create trigger ledger_entries_append_only before update or delete or truncate on wallet.ledger_entries
                    for each statement execute function wallet.refuse_change();
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
