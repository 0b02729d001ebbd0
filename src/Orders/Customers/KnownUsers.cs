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
internal sealed class KnownUsers(ModuleDatabase<OrdersDb> module, LogCatchUp log)
{
    /// <summary>The module whose log tells.</summary>
    internal const string Source = "identity";

    /// <summary>The events that tell.</summary>
    internal static string[] Events { get; } = [UserRegistered.Name, UserErased.Name];

    /// <summary>How long it may take until all that Identity had answered is known here.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>
    /// True if there is such a user, false if there is none or it was erased. Somebody who registered a moment ago may not have arrived
    /// here yet: who is not known when everything has, does not exist. Null: that cannot be told now.
    /// </summary>
    internal async Task<bool?> KnowsAsync(Guid user, CancellationToken ct)
    {
        if (await FindAsync(user, ct) is { } erased)
            return !erased;
        var whole = await log.WaitAsync([OrdersModule.LearnUsersSubscription], LongestWait, ct);
        return await FindAsync(user, ct) is { } late ? !late : whole ? false : null;
    }

    private Task<bool?> FindAsync(Guid user, CancellationToken ct) =>
        module.Command("select erased from orders.known_users where user_id = $1", user).ScalarAsync<bool?>(ct);
}
