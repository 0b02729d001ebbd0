using Boon.Intake.Keys;

namespace Boon.Intake;

/// <summary>API keys; what was received is hot and reached by SQL beside its use case.</summary>
public sealed class IntakeDb(DbContextOptions<IntakeDb> options) : DbContext(options)
{
    internal DbSet<ApiKey> ApiKeys => Set<ApiKey>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(IntakeModule.ModuleName);
        modelBuilder.Entity<ApiKey>(key =>
        {
            key.ToTable("api_keys");
            key.Property(k => k.Id).HasColumnName("id").ValueGeneratedNever();
            key.Property(k => k.Name).HasColumnName("name").HasMaxLength(ApiKey.LongestName);
            key.Property(k => k.Start).HasColumnName("start").HasMaxLength(16);
            key.Property(k => k.Hash).HasColumnName("hash");
            key.Property(k => k.CreatedBy).HasColumnName("created_by");
            key.Property(k => k.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("now()");
            key.Property(k => k.RevokedAt).HasColumnName("revoked_at");
            key.HasIndex(k => k.Hash).HasDatabaseName("api_keys_hash").IsUnique();
        });
    }
}

/// <summary>For <c>dotnet ef migrations add</c>: a context without a database.</summary>
internal sealed class IntakeDbDesign : ModuleContextDesign<IntakeDb>;
