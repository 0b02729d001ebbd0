using Boon.Platform.Data;
using Boon.Platform.Log;
using Boon.Platform.Units;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// What a module subscribes to whose events have personal members: when an account is erased, they leave the module's log. Identity does
/// the same in the transaction that erases the account.
/// </summary>
public static class EraseUsers
{
    /// <summary>The name of a module's subscription.</summary>
    public static string NameIn(string module) => $"{module}.erase-users";

    /// <summary>The subscription of a module.</summary>
    public static Subscription In<TContext>(string module)
        where TContext : DbContext => new Subscription<TContext, Eraser<TContext>>(
            NameIn(module), [LogPlaces.Everywhere], eraser => eraser.HandleAsync, SingleLane: true, [UserErased.Name]);

    /// <summary>Refuses a module whose events have personal members that nobody would erase.</summary>
    internal static void Check(string module, IEnumerable<Subscription> subscriptions, EventTypes types)
    {
        var personal = types.Personal.Keys.FirstOrDefault(type => type.StartsWith(module + ".", StringComparison.Ordinal));
        if (personal is not null && module != LogPlaces.Everywhere
            && !subscriptions.Any(subscription => subscription.Name == NameIn(module)))
            throw new InvalidOperationException(
                $"{personal} has personal members: {module} has to subscribe to {nameof(EraseUsers)}.{nameof(In)}.");
    }

    /// <summary>
    /// Removes personal members from a module's log, for users who erase their accounts. With the data of reported events
    /// (<see cref="ReportedData"/>) this is all that a log is ever updated for. Answers how many events had any.
    /// </summary>
    public static async Task<int> EraseAsync(Unit unit, EventTypes types, Guid[] users, CancellationToken ct)
    {
        var module = unit.Database.Module;
        var changed = 0;
        foreach (var (type, members) in types.Personal.Where(type => type.Key.StartsWith(module + ".", StringComparison.Ordinal)))
            changed += await unit.Command($"""
                update {unit.Database.Schema}.event_log
                set payload = (payload::jsonb - $3)::json
                where userid = any ($1) and type = $2 and payload::jsonb ?| $3
                """, users, type, members)
                .ExecuteAsync(ct);
        return changed;
    }

    /// <summary>Handles it.</summary>
    private sealed class Eraser<TContext>(EventTypes types)
        where TContext : DbContext
    {
        internal async Task<BatchEffect> HandleAsync(IReadOnlyList<LoggedEvent> events, Unit<TContext> unit, CancellationToken ct)
        {
            var users = events.Where(e => e.Type == UserErased.Name).Select(e => e.UserId!.Value).Distinct().ToArray();
            return BatchEffect.Of(users.Length > 0 && await EraseAsync(unit, types, users, ct) > 0);
        }
    }
}
