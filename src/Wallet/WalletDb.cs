using Boon.Wallet.Entries;

namespace Boon.Wallet;

/// <summary>The wallet's ledger.</summary>
public sealed class WalletDb(DbContextOptions<WalletDb> options) : DbContext(options)
{
    internal DbSet<LedgerEntry> Entries => Set<LedgerEntry>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(WalletModule.ModuleName);
        modelBuilder.Entity<LedgerEntry>(entry =>
        {
            entry.ToTable("ledger_entries", table =>
            {
                table.HasCheckConstraint("ledger_entries_item", "item in ('gold', 'diamond')");
                table.HasCheckConstraint("ledger_entries_amount", "amount <> 0 and number <> 0 and (amount > 0) = (number > 0)");
            });
            entry.Property(e => e.Id).HasColumnName("id").ValueGeneratedNever();
            entry.Property(e => e.UserId).HasColumnName("user_id");
            entry.Property(e => e.Item).HasColumnName("item").HasMaxLength(16);
            entry.Property(e => e.Amount).HasColumnName("amount");
            entry.Property(e => e.QuestId).HasColumnName("quest_id");
            entry.Property(e => e.Number).HasColumnName("number");
            entry.Property(e => e.EventId).HasColumnName("event_id");
            entry.Property(e => e.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("now()");
            entry.HasIndex(e => new { e.UserId, e.Id }).HasDatabaseName("ledger_entries_user")
                .IncludeProperties(e => new { e.Item, e.Amount });
        });
    }
}

/// <summary>For <c>dotnet ef migrations add</c>: a context without a database.</summary>
internal sealed class WalletDbDesign : ModuleContextDesign<WalletDb>;
