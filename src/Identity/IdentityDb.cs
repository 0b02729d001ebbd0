using Boon.Identity.Accounts;

namespace Boon.Identity;

/// <summary>
/// Identity's tables that EF Core maps; sessions, refresh tokens, failed tries and keys are reached by SQL beside their use cases.
/// </summary>
public sealed class IdentityDb(DbContextOptions<IdentityDb> options) : DbContext(options)
{
    internal DbSet<User> Users => Set<User>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(IdentityModule.ModuleName);
        modelBuilder.Entity<User>(user =>
        {
            user.ToTable("users");
            user.Property(u => u.Id).HasColumnName("id").ValueGeneratedNever();
            user.Property(u => u.Username).HasColumnName("username").HasMaxLength(UserRules.LongestUsername);
            user.Property(u => u.UsernameKey).HasColumnName("username_key").HasMaxLength(UserRules.LongestUsername * 2);
            user.Property(u => u.Email).HasColumnName("email").HasMaxLength(UserRules.LongestEmail);
            user.Property(u => u.EmailKey).HasColumnName("email_key").HasMaxLength(UserRules.LongestEmail * 2);
            user.Property(u => u.Phone).HasColumnName("phone").HasMaxLength(16);
            user.Property(u => u.FullName).HasColumnName("full_name").HasMaxLength(UserRules.LongestFullName);
            user.Property(u => u.Birthday).HasColumnName("birthday");
            user.Property(u => u.PasswordHash).HasColumnName("password_hash").HasMaxLength(512);
            user.Property(u => u.Status).HasColumnName("status").HasMaxLength(16);
            user.Property(u => u.Roles).HasColumnName("roles").HasColumnType("text[]");
            user.Property(u => u.SignIns).HasColumnName("sign_ins");
            user.Property(u => u.CreatedAt).HasColumnName("created_at").HasDefaultValueSql("now()");
            user.HasIndex(u => u.UsernameKey).IsUnique().HasDatabaseName(UserRules.UniqueUsername);
            user.HasIndex(u => u.EmailKey).IsUnique().HasDatabaseName(UserRules.UniqueEmail);
            user.HasIndex(u => u.Phone).IsUnique().HasDatabaseName(UserRules.UniquePhone);
        });
    }
}

/// <summary>For <c>dotnet ef migrations add</c>: a context without a database.</summary>
internal sealed class IdentityDbDesign : ModuleContextDesign<IdentityDb>;
