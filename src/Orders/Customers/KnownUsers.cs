namespace Boon.Orders.Customers;

/// <summary>
/// A user that Orders knows from Identity's log. Nothing but the id is kept; an erased one stays as erased, so that no late event brings it
/// back.
/// </summary>
internal sealed class KnownUser
{
    public required Guid UserId { get; init; }
    public bool Erased { get; init; }
}

/// <summary>Who there is, as far as the log has told.</summary>
internal sealed class KnownUsers(ModuleDatabase<OrdersDb> module, TimeProvider time)
{
    /// <summary>The module whose log tells.</summary>
    internal const string Source = "identity";

    /// <summary>The events that tell.</summary>
    internal static string[] Events { get; } = [UserRegistered.Name, UserErased.Name];

    /// <summary>A registration that was answered is here within milliseconds; who is not known after this long does not exist.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(25);

    /// <summary>True if the user is known, or is before the wait is over; false for an erased one.</summary>
    internal async Task<bool> WaitForAsync(Guid user, CancellationToken ct)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            if (await FindAsync(user, ct) is { } erased)
                return !erased;
            if (time.GetElapsedTime(began) > LongestWait)
                return false;
            await Task.Delay(BetweenLooks, time, ct);
        }
    }

    private Task<bool?> FindAsync(Guid user, CancellationToken ct) =>
        module.Command("select erased from orders.known_users where user_id = $1", user).ScalarAsync<bool?>(ct);
}
