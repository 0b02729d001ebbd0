using Boon.Quests.Catalog;

namespace Boon.Quests;

/// <summary>
/// The catalog, which EF Core maps; the event store, progress and completions are hot and reached by SQL beside their use cases.
/// </summary>
public sealed class QuestsDb(DbContextOptions<QuestsDb> options) : DbContext(options)
{
    internal DbSet<Reward> Rewards => Set<Reward>();

    internal DbSet<Quest> Quests => Set<Quest>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(QuestsModule.ModuleName);
        modelBuilder.Entity<Reward>(reward =>
        {
            reward.ToTable("rewards", table => table.HasCheckConstraint("rewards_quantity", "quantity > 0"));
            reward.Property(r => r.Id).HasColumnName("id").ValueGeneratedNever();
            reward.Property(r => r.Name).HasColumnName("name").HasMaxLength(RewardRules.LongestName);
            reward.Property(r => r.Item).HasColumnName("item").HasMaxLength(RewardRules.LongestItem);
            reward.Property(r => r.Quantity).HasColumnName("quantity");
            reward.Property(r => r.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("clock_timestamp()");
        });
        modelBuilder.Entity<Quest>(quest =>
        {
            quest.ToTable("quests", table =>
            {
                table.HasCheckConstraint("quests_state", "state in ('draft', 'active', 'paused', 'ended')");
                table.HasCheckConstraint("quests_counts", "streak > 0 and duplication > 0");
                table.HasCheckConstraint("quests_window", "(window_unit is null) = (time_zone is null) and window_unit in ('day', 'week')");
            });
            quest.Property(q => q.Id).HasColumnName("id").ValueGeneratedNever();
            quest.Property(q => q.Name).HasColumnName("name").HasMaxLength(QuestChecks.LongestName);
            quest.Property(q => q.Description).HasColumnName("description").HasMaxLength(QuestChecks.LongestDescription);
            quest.Property(q => q.RewardId).HasColumnName("reward_id");
            quest.Property(q => q.Trigger).HasColumnName("trigger").HasMaxLength(EventTriggers.LongestName);
            quest.Property(q => q.WhenJson).HasColumnName("when_json").HasColumnType("json");
            quest.Property(q => q.ReversedBy).HasColumnName("reversed_by").HasMaxLength(EventTriggers.LongestName);
            quest.Property(q => q.Streak).HasColumnName("streak");
            quest.Property(q => q.Duplication).HasColumnName("duplication");
            quest.Property(q => q.AutoClaim).HasColumnName("auto_claim");
            quest.Property(q => q.WindowUnit).HasColumnName("window_unit").HasMaxLength(8);
            quest.Property(q => q.TimeZone).HasColumnName("time_zone").HasMaxLength(QuestChecks.LongestTimeZone);
            quest.Property(q => q.State).HasColumnName("state").HasMaxLength(16);
            quest.Property(q => q.Version).HasColumnName("version");
            quest.Property(q => q.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("clock_timestamp()");
            quest.Property(q => q.CountsAfterJson).HasColumnName(RuleStart.Column).HasColumnType("jsonb").HasDefaultValueSql("'{}'")
                .ValueGeneratedNever();
            quest.Ignore(q => q.Window);
            quest.HasOne<Reward>().WithMany().HasForeignKey(q => q.RewardId);
            quest.HasIndex(q => q.Trigger).HasDatabaseName("quests_trigger");
        });
    }
}

/// <summary>For <c>dotnet ef migrations add</c>: a context without a database.</summary>
internal sealed class QuestsDbDesign : ModuleContextDesign<QuestsDb>;
