using Boon.Greetings.Sending;

namespace Boon.Greetings;

public sealed class GreetingsDb(DbContextOptions<GreetingsDb> options) : DbContext(options)
{
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(GreetingsModule.ModuleName);
        modelBuilder.Entity<Greeting>(greeting =>
        {
            greeting.ToTable("greetings");
            greeting.Property(g => g.Id).HasColumnName("id").ValueGeneratedNever();
            greeting.Property(g => g.UserId).HasColumnName("user_id");
            greeting.Property(g => g.Text).HasColumnName("text").HasMaxLength(Greeting.LongestText);
        });
    }
}

/// <summary>For <c>dotnet ef migrations add</c>: a context without a database.</summary>
internal sealed class GreetingsDbDesign : ModuleContextDesign<GreetingsDb>;
