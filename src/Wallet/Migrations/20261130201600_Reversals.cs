using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Wallet.Migrations
{
    /// <inheritdoc />
    public partial class Reversals : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("""
                -- What is taken back is negative, and so is the number of its completion: one key says that each happens once.
                alter table wallet.ledger_entries
                    drop constraint ledger_entries_amount,
                    -- Every row has met a narrower one: nobody waits until all of them are looked at.
                    add constraint ledger_entries_amount check (amount <> 0 and number <> 0 and (amount > 0) = (number > 0)) not valid;
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
