using System.Diagnostics;
using System.Runtime.InteropServices;
using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Units;

/// <summary>A unit of work of any module: what its idempotency key and its log need to know of it.</summary>
public abstract class Unit : ISqlSource
{
    /// <summary>The module's schema and pool.</summary>
    public abstract ModuleDatabase Database { get; }

    /// <summary>The open connection; statements on it are part of the transaction.</summary>
    public abstract NpgsqlConnection Connection { get; }

    /// <inheritdoc/>
    public NpgsqlCommand CreateCommand(string sql) => new(sql, Connection);

    /// <inheritdoc/>
    public NpgsqlBatch CreateBatch() => new(Connection);

    /// <inheritdoc/>
    public bool InTransaction => true;
}

/// <summary>
/// One unit of work: one transaction on a module's schema that holds its change of state and the events that the change
/// causes. Nothing is seen, logged or published unless <see cref="CommitAsync"/> succeeds.
/// </summary>
public sealed class Unit<TContext>(ModuleDatabase<TContext> database, LogSignals signals) : Unit, IAsyncDisposable
    where TContext : DbContext
{
    private readonly List<PendingEvent> events = [];
    private NpgsqlConnection? connection;
    private NpgsqlTransaction? transaction;
    private TContext? db;
    private readonly Dictionary<(string Type, string? Refusal), int> written = [];

    /// <inheritdoc/>
    public override ModuleDatabase Database => database.Database;

    /// <summary>True between <see cref="BeginAsync"/> and the end of the transaction.</summary>
    public bool Begun => transaction is not null;

    /// <summary>See <see cref="KeepRefusal"/>.</summary>
    public bool KeepsRefusal { get; private set; }

    /// <summary>Who causes the events of this unit, see <see cref="Actor"/>; null: Boon itself.</summary>
    public string? By { get; set; }

    /// <summary>Why the events of this unit are caused, as <see cref="By"/> said; null: nothing was said.</summary>
    public string? Reason { get; set; }

    /// <summary>The key that makes this request repeatable, if the caller sent one; claimed when the transaction begins.</summary>
    public IdempotencyClaim? Idempotency { get; set; }

    /// <inheritdoc/>
    public override NpgsqlConnection Connection => connection ?? throw new InvalidOperationException("BeginAsync first.");

    /// <summary>The module's context, on this transaction.</summary>
    public TContext Db => db ??= CreateContext();

    /// <summary>Opens the connection and the transaction, and claims the request's idempotency key if it has one.</summary>
    /// <exception cref="IdempotencyException">The key is in flight, was used for another body, or has its answer already.</exception>
    public async Task BeginAsync(CancellationToken ct)
    {
        if (transaction is not null)
            return;
        Model.Make();
        connection = await Database.Source.OpenConnectionAsync(ct);
        transaction = await connection.BeginTransactionAsync(ct);
        if (Idempotency is not null)
            await Idempotency.ClaimAsync(this, ct);
    }

    /// <summary>Adds an event to what the commit will log; answers its id.</summary>
    /// <param name="event">The event.</param>
    /// <param name="cause">The logged event that caused it, if one did.</param>
    public Guid Append<TEvent>(TEvent @event, LoggedEvent? cause = null)
        where TEvent : IEvent => Append(@event, TraceParent(cause), cause?.Id);

    /// <summary>Adds an event on behalf of another request than the one that runs.</summary>
    /// <param name="event">The event.</param>
    /// <param name="traceParent">The W3C trace context of that request, if it is traced.</param>
    /// <param name="causationId">The id of the logged event that caused it, if one did.</param>
    /// <param name="by">Who caused it; null: who causes the events of this unit.</param>
    public Guid Append<TEvent>(TEvent @event, string? traceParent, Guid? causationId = null, string? by = null)
        where TEvent : IEvent
    {
        var pending = PendingEvent.From(@event, traceParent, causationId, by ?? ByOf(causationId)) with { Because = Reason };
        events.Add(pending);
        return pending.Id;
    }

    /// <summary>
    /// Commits although the answer is an error: what was written tells of the refusal (an event, a count of failed tries) and changes
    /// nothing else.
    /// </summary>
    public void KeepRefusal() => KeepsRefusal = true;

    /// <summary>Adds an event of a type that is not in <see cref="EventCatalog"/>, with its payload as JSON text.</summary>
    /// <param name="type">Its wire name.</param>
    /// <param name="aggregateType">The kind of thing that it is about.</param>
    /// <param name="aggregateId">The id of that thing.</param>
    /// <param name="userId">The user whom it concerns, if any.</param>
    /// <param name="payload">Its data.</param>
    /// <param name="cause">The logged event that caused it, if one did.</param>
    /// <param name="time">When it happened; null: now.</param>
    /// <param name="traceParent">The W3C trace context that it was caused in; null: that of this request.</param>
    public Guid AppendRaw(
        string type, string aggregateType, string aggregateId, Guid? userId, string payload, LoggedEvent? cause = null,
        DateTimeOffset? time = null, string? traceParent = null)
    {
        var pending = new PendingEvent(
            OrderedId.New(), type, aggregateType, aggregateId, userId, payload, traceParent ?? TraceParent(cause), cause?.Id,
            ByOf(cause?.Id), time?.UtcDateTime) { Because = Reason };
        events.Add(pending);
        return pending.Id;
    }

    /// <summary>Writes what is pending, state first and then events, without committing.</summary>
    public async Task SaveAsync(CancellationToken ct)
    {
        if (db is not null)
            await db.SaveChangesAsync(ct);
        if (events.Count == 0)
            return;
        await EventWriter.AppendAsync(Connection, Database.Schema, events, ct);
        foreach (var e in events)
            CollectionsMarshal.GetValueRefOrAddDefault(written, (e.CountedAs, e.Refusal), out _)++;
        events.Clear();
    }

    /// <summary>Saves, commits, and wakes the log's readers.</summary>
    public async Task CommitAsync(CancellationToken ct)
    {
        await SaveAsync(ct);
        if (transaction is null)
            return;
        await transaction.CommitAsync(ct);
        if (written.Count > 0)
        {
            foreach (var ((type, refusal), count) in written)
                LogMetrics.Appended(Database.Module, type, refusal, count);
            signals.Appended(Database.Module);
        }
        await EndAsync();
    }

    /// <summary>Undoes everything since <see cref="BeginAsync"/>.</summary>
    public async Task RollbackAsync()
    {
        events.Clear();
        await EndAsync();
    }

    /// <summary>An effect of an event names that event instead.</summary>
    private string? ByOf(Guid? causationId) => By ?? (causationId is null ? Actor.System : null);

    private static string? TraceParent(LoggedEvent? cause) => cause is null
        ? Activity.Current?.Id
        : cause.Activity?.Id ?? cause.TraceParent;

    private TContext CreateContext()
    {
        var context = ModuleContext.Create<TContext>(Connection);
        context.Database.UseTransaction(transaction);
        // A save that fails ends the transaction; a savepoint before each would cost two round trips.
        context.Database.AutoSavepointsEnabled = false;
        return context;
    }

    /// <summary>
    /// EF's model of the context, which is made once in a process. On a busy machine that takes seconds, and a session may not be idle in
    /// its transaction for so long: so it is made before the first one begins.
    /// </summary>
    private static class Model
    {
        static Model()
        {
            using var context = ModuleContext.Create<TContext>(connection: null);
            _ = context.Model;
        }

        internal static void Make()
        {
        }
    }

    private async ValueTask EndAsync()
    {
        if (db is not null)
            await db.DisposeAsync();
        if (transaction is not null)
            await transaction.DisposeAsync();
        if (connection is not null)
            await connection.DisposeAsync();
        db = null;
        transaction = null;
        connection = null;
        written.Clear();
        KeepsRefusal = false;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => EndAsync();
}
