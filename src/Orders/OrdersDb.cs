using Boon.Orders.Customers;
using Boon.Orders.Placement;

namespace Boon.Orders;

/// <summary>Orders and the known users.</summary>
public sealed class OrdersDb(DbContextOptions<OrdersDb> options) : DbContext(options)
{
    internal DbSet<Order> Orders => Set<Order>();

    internal DbSet<KnownUser> KnownUsers => Set<KnownUser>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.HasDefaultSchema(OrdersModule.ModuleName);
        modelBuilder.Entity<Order>(order =>
        {
            order.ToTable("orders", table =>
            {
                table.HasCheckConstraint("orders_state", "state in ('pending', 'confirmed', 'rejected', 'cancelled')");
                table.HasCheckConstraint("orders_amount", "amount > 0 and quantity > 0");
                table.HasCheckConstraint("orders_discount", "discount between 0 and amount");
                table.HasCheckConstraint("orders_reason", "(state = 'rejected') = (reason is not null)");
                table.HasCheckConstraint("orders_pending", "state <> 'pending' or (code is not null and settled_at is null)");
            });
            order.Property(o => o.Id).HasColumnName("id").ValueGeneratedNever();
            order.Property(o => o.UserId).HasColumnName("user_id");
            order.Property(o => o.Product).HasColumnName("product").HasMaxLength(Order.LongestProduct);
            order.Property(o => o.Quantity).HasColumnName("quantity");
            order.Property(o => o.Amount).HasColumnName("amount");
            order.Property(o => o.Currency).HasColumnName("currency").HasMaxLength(3);
            order.Property(o => o.Code).HasColumnName("code").HasMaxLength(Order.LongestCode);
            order.Property(o => o.State).HasColumnName("state").HasMaxLength(16);
            order.Property(o => o.PlacedEvent).HasColumnName("placed_event");
            order.Property(o => o.Discount).HasColumnName("discount");
            order.Property(o => o.Reason).HasColumnName("reason").HasMaxLength(64);
            order.Property(o => o.PlacedAt).HasColumnName("placed_at").HasDefaultValueSql("now()");
            order.Property(o => o.SettledAt).HasColumnName("settled_at");
            order.Property(o => o.CancelledAt).HasColumnName("cancelled_at");
            order.HasIndex(o => new { o.UserId, o.Id }).HasDatabaseName("orders_user");
            order.HasIndex(o => o.PlacedEvent).HasDatabaseName("orders_placed_event").IsUnique();
        });
        modelBuilder.Entity<KnownUser>(user =>
        {
            user.ToTable("known_users");
            user.HasKey(u => u.UserId);
            user.Property(u => u.UserId).HasColumnName("user_id").ValueGeneratedNever();
            user.Property(u => u.Erased).HasColumnName("erased");
        });
    }
}

/// <summary>For <c>dotnet ef migrations add</c>: a context without a database.</summary>
internal sealed class OrdersDbDesign : ModuleContextDesign<OrdersDb>;
