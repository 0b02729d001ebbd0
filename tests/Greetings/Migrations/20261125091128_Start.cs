using System;
using Boon.Platform.Data;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Greetings.Migrations
{
    /// <inheritdoc />
    public partial class Start : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.EnsureSchema(
                name: "greetings");

            migrationBuilder.CreateTable(
                name: "greetings",
                schema: "greetings",
                columns: table => new
                {
                    id = table.Column<Guid>(type: "uuid", nullable: false),
                    user_id = table.Column<Guid>(type: "uuid", nullable: false),
                    text = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_greetings", x => x.id);
                });

            migrationBuilder.Sql("""
                create table greetings.voucher_notes (
                    user_id uuid not null,
                    voucher_id uuid primary key
                );
                """);
            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.Create("greetings"));
            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.AddBy("greetings"));
            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.AddReason("greetings"));
            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.AddEpochs("greetings"));
            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.AddRedrivenBy("greetings"));
            migrationBuilder.Sql(Boon.Platform.Log.EventLogSchema.AddWantedLanes("greetings"));
            foreach (var statement in Boon.Platform.Log.EventLogSchema.AddTypeIndex("greetings"))
                migrationBuilder.Sql(statement, suppressTransaction: true);
            migrationBuilder.CreateIndexWhileOthersWrite(
                "greetings", Boon.Platform.Log.EventLogSchema.EventsByActor,
                Boon.Platform.Log.EventLogSchema.OnEventsByActor("greetings"));
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
