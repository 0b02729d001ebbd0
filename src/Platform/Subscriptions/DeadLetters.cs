using System.Text;
using Boon.Platform.Data;
using Boon.Platform.Input;
using Boon.Platform.Log;
using Boon.Platform.Units;

namespace Boon.Platform.Subscriptions;

/// <summary>An event that a subscription could not handle: parked with its error, to be redriven once the cause is mended.</summary>
/// <param name="Id">Its id here.</param>
/// <param name="Module">The module whose subscription failed.</param>
/// <param name="Subscription">That subscription.</param>
/// <param name="Source">The module whose log holds the event.</param>
/// <param name="Sequence">The event's place in that log.</param>
/// <param name="EventId">The event's id.</param>
/// <param name="EventType">The event's wire name.</param>
/// <param name="Error">Why it failed when it was parked.</param>
/// <param name="Attempts">How often it was tried before it was parked.</param>
/// <param name="ParkedAt">When it was parked.</param>
/// <param name="RedrivenAt">When it was redriven; null while it is open.</param>
/// <param name="RedrivenBy">Who redrove it, as the <c>by</c> of events says it.</param>
/// <example>
/// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "module": "promotions", "subscription": "promotions.issue-vouchers", "source":
/// "identity", "sequence": 1234, "eventId": "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "eventType": "identity.user-signed-in.v1",
/// "error": "FormatException: ...", "attempts": 3, "parkedAt": "2026-05-01T09:30:00Z"}
/// </example>
public sealed record DeadLetter(
    Guid Id, string Module, string Subscription, string Source, long Sequence, Guid EventId, string EventType, string Error, int Attempts,
    DateTime ParkedAt,
    DateTime? RedrivenAt, string? RedrivenBy);

/// <summary>Where a page of dead letters begins, over all modules: after the letter that was parked then and has this id.</summary>
/// <param name="ParkedAt">When that letter was parked.</param>
/// <param name="Id">Its id.</param>
public sealed record DeadLetterPlace(DateTime ParkedAt, Guid Id)
{
    internal static DeadLetterPlace Of(DeadLetter letter) => new(letter.ParkedAt, letter.Id);
}

/// <summary>How a redrive ended.</summary>
public enum Redrive
{
    /// <summary>The event was handled; the letter is closed.</summary>
    Applied,

    /// <summary>There is no open letter with this id.</summary>
    NotFound,

    /// <summary>Somebody else is redriving this event at this moment.</summary>
    InFlight,
}

/// <summary>Reads and writes a module's dead letters.</summary>
internal static class DeadLetters
{
    private const int LongestError = 4000;

    internal static async Task ParkAsync<TContext>(
        Unit<TContext> unit, string subscription, LoggedEvent e, Exception error, int attempts, CancellationToken ct)
        where TContext : DbContext
    {
        await unit.Command($"""
            insert into {unit.Database.Schema}.dead_letters as letter (id, subscription, source, sequence, event_id, event_type, error,
                attempts)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (subscription, source, sequence) do update set
                redriven_at = null, redriven_by = null, error = excluded.error, attempts = excluded.attempts, parked_at = now(),
                event_id = excluded.event_id, event_type = excluded.event_type
                where letter.redriven_at is not null
            """, OrderedId.New(), subscription, e.Source, e.Sequence, e.Id, e.Type, Storable(e, error), attempts)
            .ExecuteAsync(ct);
    }

    /// <summary>
    /// An exception's words may hold whatever came in: parts that no text of the database can hold are replaced, so that parking never
    /// fails.
    /// </summary>
    private static string Storable(LoggedEvent e, Exception error)
    {
        var whole = new StringBuilder();
        var words = e.Type.StartsWith(EventTypes.External, StringComparison.Ordinal) ? Kinds(error) : Describe(error);
        foreach (var rune in words.Replace('\0', ' ').EnumerateRunes()) // a half of a character is read as U+FFFD
            whole.Append(rune);
        return TextRules.Cut(whole.ToString(), LongestError);
    }

    /// <summary>
    /// What failed on an event that another system reported: its words may quote data that has to be erased one day, so they are in the
    /// process's log only.
    /// </summary>
    private static string Kinds(Exception error)
    {
        var kinds = new List<string>();
        for (var one = error; one is not null; one = one.InnerException)
            kinds.Add(one is PostgresException { SqlState: var state } ? $"{one.GetType().Name} {state}" : one.GetType().Name);
        return $"{string.Join(" <- ", kinds)}: the process's log has the words";
    }

    /// <summary>What failed, with what caused it; where in the code is in the log only.</summary>
    internal static string Describe(Exception error)
    {
        var messages = new List<string>();
        for (var one = error; one is not null; one = one.InnerException)
            messages.Add($"{one.GetType().Name}: {one.Message.ReplaceLineEndings(" ")}");
        return string.Join(" <- ", messages);
    }

    /// <summary>The letters of a module that are open, or those that were redriven, in the order in which they were parked.</summary>
    internal static async Task<List<DeadLetter>> ListAsync(
        ModuleDatabase database, bool redriven, DeadLetterPlace? after, int limit, CancellationToken ct)
    {
        return await database.Command($"""
            select id, subscription, source, sequence, event_id, event_type, error, attempts, parked_at, redriven_at, redriven_by
            from {database.Schema}.dead_letters
            where redriven_at is {(redriven ? "not null" : "null")} and (parked_at, id) > ($1, $2)
            order by parked_at, id
            limit $3
            """, after?.ParkedAt.ToUniversalTime() ?? DateTime.UnixEpoch, after?.Id ?? Guid.Empty, limit)
            .ReadAllAsync(row => new DeadLetter(
                row.GetGuid(0), database.Module, row.GetString(1), row.GetString(2), row.GetInt64(3), row.GetGuid(4), row.GetString(5),
                row.GetString(6).Split('\n')[0].TrimEnd(), row.GetInt32(7), row.GetDateTime(8), row.GetNullable<DateTime>(9),
                row.GetNullable<string>(10)), ct);
    }

    /// <summary>
    /// Locks an open letter for this transaction: where its event is, or null when there is none; throws 55P03 when somebody has it.
    /// </summary>
    internal static async Task<(string Subscription, string Source, long Sequence, Guid EventId)?> TakeAsync<TContext>(
        Unit<TContext> unit, Guid id, CancellationToken ct)
        where TContext : DbContext
    {
        var found = await unit.Command($"""
            select subscription, source, sequence, event_id
            from {unit.Database.Schema}.dead_letters
            where id = $1 and redriven_at is null
            for update nowait
            """, id)
            .ReadAllAsync(row => (row.GetString(0), row.GetString(1), row.GetInt64(2), row.GetGuid(3)), ct);
        return found.Count == 0 ? null : found[0];
    }

    internal static async Task CloseAsync<TContext>(Unit<TContext> unit, Guid id, string by, CancellationToken ct)
        where TContext : DbContext
    {
        await unit.Command($"""
            update {unit.Database.Schema}.dead_letters
            set redriven_at = now(), redriven_by = $2
            where id = $1
            """, id, by)
            .ExecuteAsync(ct);
    }
}
