using Boon.Promotions.Campaigns;

namespace Boon.Promotions;

/// <summary>
/// Promotions' tables that EF Core maps; vouchers, decisions and redemptions are hot and reached by SQL beside their use cases.
/// </summary>
public sealed class PromotionsDb(DbContextOptions<PromotionsDb> options) : DbContext(options)
{
    internal DbSet<Campaign> Campaigns => Set<Campaign>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(PromotionsModule.ModuleName);
        modelBuilder.Entity<Campaign>(campaign =>
        {
            campaign.ToTable("campaigns", table =>
            {
                table.HasCheckConstraint("campaigns_issued_within_limit", "issued >= 0 and issued <= issue_limit");
                table.HasCheckConstraint("campaigns_state", "state in ('draft', 'active', 'paused', 'ended')");
            });
            campaign.Property(c => c.Id).HasColumnName("id").ValueGeneratedNever();
            campaign.Property(c => c.Name).HasColumnName("name").HasMaxLength(CampaignRules.LongestName);
            campaign.Property(c => c.Description).HasColumnName("description").HasMaxLength(CampaignRules.LongestDescription);
            campaign.Property(c => c.Trigger).HasColumnName("trigger").HasMaxLength(EventTriggers.LongestName);
            campaign.Property(c => c.WhenJson).HasColumnName("when_json").HasColumnType("json");
            campaign.Property(c => c.Limit).HasColumnName("issue_limit");
            campaign.Property(c => c.PerUser).HasColumnName("per_user");
            campaign.Property(c => c.BenefitJson).HasColumnName("benefit").HasColumnType("json");
            campaign.Property(c => c.VoucherValidFor).HasColumnName("voucher_valid_for").HasMaxLength(64);
            campaign.Property(c => c.MaxUses).HasColumnName("max_uses");
            campaign.Property(c => c.StartsAt).HasColumnName("starts_at");
            campaign.Property(c => c.EndsAt).HasColumnName("ends_at");
            campaign.Property(c => c.State).HasColumnName("state").HasMaxLength(16);
            campaign.Property(c => c.Issued).HasColumnName("issued");
            campaign.Property(c => c.Ranked).HasColumnName("ranked");
            campaign.Property(c => c.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("clock_timestamp()");
            campaign.Property(c => c.CountsAfterJson).HasColumnName(RuleStart.Column).HasColumnType("jsonb").HasDefaultValueSql("'{}'")
                .ValueGeneratedNever();
            campaign.HasIndex(c => c.Trigger).HasDatabaseName("campaigns_trigger");
        });
    }
}

/// <summary>For <c>dotnet ef migrations add</c>: a context without a database.</summary>
internal sealed class PromotionsDbDesign : ModuleContextDesign<PromotionsDb>;
