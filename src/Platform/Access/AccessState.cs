using System.Collections.Concurrent;
using System.Text.Json;
using Boon.Platform.Access.Tokens;
using Boon.Platform.Data;
using Boon.Platform.Log;
using Microsoft.Extensions.Hosting;

namespace Boon.Platform.Access;

/// <summary>
/// What a process must know to judge a token: the public keys and the sessions that ended early. It learns both from Identity's log, as
/// every module learns everything, and holds them in memory: a request asks no database.
/// </summary>
public sealed partial class AccessState(
    LogPlaces places, LogSignals signals, LogBarrier barrier, CopyFreshness copies, TokenOptions tokens, TimeProvider time,
    ILogger<AccessState> logger)
    : BackgroundService
{
    /// <summary>
    /// From one read for an unknown key to the next: whoever sends tokens of made-up keys makes the process read no oftener.
    /// </summary>
    private static readonly TimeSpan BetweenReads = TimeSpan.FromMilliseconds(50);

    /// <summary>How long nothing is read while nothing happens: what is known must not grow old.</summary>
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(10);

    /// <summary>An ended session is remembered for as long as one of its tokens may live, and a little.</summary>
    private readonly TimeSpan remember = tokens.Lifetime + TimeSpan.FromMinutes(5);
    private readonly LogPlace log = places.OfProcess(LogPlaces.Everywhere)!;
    private readonly ConcurrentDictionary<string, VerificationKey> keys = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, SigningKeyCreated> announced = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Guid, DateTimeOffset> ended = new();
    private readonly SemaphoreSlim reading = new(1, 1);
    private readonly SemaphoreSlim refreshing = new(1, 1);
    private readonly Lock gate = new();
    private Task? nextRead;
    private LogMark mark = new(null, null, null);
    private long after;
    private long lastRead;
    private long? wholeAt;

    /// <summary>The key with an id, or null when it is unknown or retired.</summary>
    public VerificationKey? Find(string kid) =>
        announced.TryGetValue(kid, out var key) && key.RetiresAt > time.GetUtcNow() ? keys.GetValueOrDefault(kid) : null;

    /// <summary>True when the session ended before its time.</summary>
    public bool HasEnded(Guid sessionId) => ended.ContainsKey(sessionId);

    /// <summary>
    /// True when this process has not known for too long that it knows every ended session and every key: the log of Identity, or the copy
    /// of it here, could not be read or was not whole.
    /// </summary>
    public bool IsStale => wholeAt is not { } at || time.GetElapsedTime(at) > tokens.MaxStaleness
        || (log.IsCopy && !(copies.Age(log) <= tokens.MaxStaleness));

    /// <summary>The public keys that verify today.</summary>
    public IReadOnlyList<JsonWebKey> PublicKeys => [.. announced.Values.Where(key => key.RetiresAt > time.GetUtcNow())
        .OrderBy(key => key.Kid, StringComparer.Ordinal).Select(key => keys[key.Kid].ToJwk())];

    /// <summary>Takes note of a key at once, in the process that made it.</summary>
    public void Add(SigningKeyCreated key)
    {
        keys[key.Kid] = VerificationKey.FromJwk(new JsonWebKey("RSA", "sig", "RS256", key.Kid, key.N, key.E));
        announced[key.Kid] = key;
    }

    /// <summary>Takes note of an ended session at once, in the process that ended it.</summary>
    public void End(Guid sessionId) => ended[sessionId] = time.GetUtcNow() + remember;

    /// <summary>
    /// Reads the log because a token names a key that is not known here: another process has just made it, or this one has just started.
    /// When this returns, a read that began after the call has ended. All who call meanwhile share that read, and wait for it.
    /// </summary>
    internal Task RefreshAsync(CancellationToken ct)
    {
        lock (gate)
            return (nextRead ??= ReadSoonAsync()).WaitAsync(ct);
    }

    private async Task ReadSoonAsync()
    {
        var pause = BetweenReads - time.GetElapsedTime(lastRead);
        await Task.Delay(pause > TimeSpan.Zero ? pause : TimeSpan.Zero, time)
            .ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // not under the caller's lock
        // One at a time, and one that waits: made-up names of keys cost no more connections while the database is slow.
        await refreshing.WaitAsync();
        try
        {
            lock (gate)
                nextRead = null; // whoever calls from here on may need what this read does not see
            lastRead = time.GetTimestamp();
            await ReadSettledAsync(CancellationToken.None);
        }
        finally
        {
            refreshing.Release();
        }
    }

    /// <summary>
    /// Reads all that was committed before the call; only what has its number while a frozen process keeps others from numbering.
    /// </summary>
    private async Task ReadSettledAsync(CancellationToken ct)
    {
        try
        {
            try
            {
                if (!log.IsCopy) // what a copy lacks is on its way
                    await barrier.SettleAsync(log.Database.ForBackground, ct);
            }
            catch (TimeoutException error)
            {
                LogFailed(logger, error.Message);
            }
            await ReadAsync(ct);
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            LogFailed(logger, "Identity has no log yet; start it, or migrate its database");
        }
    }

    /// <summary>Reads what is there, so that the first request finds it.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await ReadSettledAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var wake = new WakeSignal();
        using var subscription = signals.OnSequenced(LogPlaces.Everywhere, wake);
        var rest = tokens.MaxStaleness / 4 < LongestRest ? tokens.MaxStaleness / 4 : LongestRest;
        await log.Database.Loops.RepeatAsync(
            async () =>
            {
                await wake.WaitAsync(rest, stoppingToken);
                await ReadAsync(stoppingToken);
            },
            (error, _) => LogFailed(logger, error.Message), stoppingToken);
    }

    private async Task ReadAsync(CancellationToken ct)
    {
        await reading.WaitAsync(ct);
        try
        {
            var began = time.GetTimestamp();
            await using var connection = await log.Database.Background.OpenConnectionAsync(ct);
            if (!await TryReadAsync(connection, ct))
            {
                // What is held in memory costs little to read again: nobody has to say from where. What was known stays known.
                (after, mark) = (0, new(null, null, null));
                await TryReadAsync(connection, ct);
            }
            wholeAt = began;
            foreach (var (session, until) in ended)
                if (until < time.GetUtcNow())
                    ended.TryRemove(session, out _);
        }
        finally
        {
            reading.Release();
        }
    }

    /// <summary>False when Identity's log is not the one that was read before.</summary>
    private async Task<bool> TryReadAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var trip = new RoundTrip(connection);
        var asked = LogState.Ask(trip, log.Schema, mark);
        var news = (after == 0 ? AddAll(trip) : AddNews(trip))
            .All(row => (Type: row.GetString(0), Payload: row.GetFieldValue<byte[]>(1), Time: row.GetFieldValue<DateTimeOffset>(2)));
        await trip.RunAsync(ct);
        var state = asked.Value!;
        if (Defences.Epochs.On && state.Difference(log, after, mark) is { } difference)
        {
            LogDiverged(logger, difference);
            return false;
        }
        var unknown = news.Select(one => one.Type).FirstOrDefault(type => type != SigningKeyCreated.Name && type != SessionEnded.Name);
        foreach (var (type, payload, time) in news)
            Apply(type, payload, time);
        if (Defences.KnownVersions.On && unknown is not null) // read again and again, and so never whole, until this build is upgraded
            throw new UnknownVersionException(LogPlaces.Everywhere, unknown);
        (after, mark) = (state.Head, new(state.LogId, state.HeadEvent is null ? null : state.Head, state.HeadEvent));
        return true;
    }

    /// <summary>
    /// All keys, and the sessions that ended while their tokens may live: by the index on the type, newest first, until they are too old.
    /// </summary>
    private SqlStatement AddAll(RoundTrip trip) => trip.Add($"""
        select l.type, l.payload, l.time
        from {log.Schema}.event_log l
        where l.type collate "C" = '{SigningKeyCreated.Name}'
            and exists (select from {log.Schema}.event_order o where o.position = l.position)
        union all
        select l.type, l.payload, l.time
        from {log.Schema}.event_log l
        where l.type collate "C" = '{SessionEnded.Name}'
            and exists (select from {log.Schema}.event_order o where o.position = l.position)
            and l.position > (
                select coalesce(max(e.position), 0)
                from {log.Schema}.event_log e
                where e.type collate "C" = '{SessionEnded.Name}' and e.time < now() - $1)
        {OtherVersion(SigningKeyCreated.Name)}
        {OtherVersion(SessionEnded.Name)}
        """, remember * 2); // a transaction can be open for a while between its time and its position

    private static readonly char[] Version = [.. "0123456789"];

    /// <summary>One event of a type in a version that comes after the one that is known.</summary>
    private string OtherVersion(string type) => $"""
        union all
        (select l.type, l.payload, l.time
        from {log.Schema}.event_log l
        where l.type collate "C" > '{type}' and l.type collate "C" < '{type.TrimEnd(Version)[..^1]}w'
        limit 1)
        """;

    private SqlStatement AddNews(RoundTrip trip) => trip.Add($"""
        select l.type, l.payload, l.time
        from {log.Schema}.event_order o
        cross join lateral (
            select *
            from {log.Schema}.event_log e
            where e.position = o.position
            offset 0) l
        where o.sequence > $1
            and rtrim(l.type, '0123456789') in ('{SigningKeyCreated.Name.TrimEnd(Version)}', '{SessionEnded.Name.TrimEnd(Version)}')
        order by o.sequence
        """, after);

    private void Apply(string type, byte[] payload, DateTimeOffset at)
    {
        if (type == SigningKeyCreated.Name)
            Add(JsonSerializer.Deserialize(payload, EventJson.Default.SigningKeyCreated)!);
        else if (type == SessionEnded.Name && at + remember > time.GetUtcNow())
            ended[JsonSerializer.Deserialize(payload, EventJson.Default.SessionEnded)!.SessionId] = at + remember;
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not read keys and ended sessions from Identity's log; trying again: {Error}",
        EventName = "access-state-failed")]
    private static partial void LogFailed(ILogger logger, string error);

    [LoggerMessage(2, LogLevel.Warning,
        "Identity's log is not the one that was read before ({Difference}); keys and ended sessions are read again from the beginning",
        EventName = "access-state-anew")]
    private static partial void LogDiverged(ILogger logger, string difference);

    /// <inheritdoc/>
    public override void Dispose()
    {
        reading.Dispose();
        refreshing.Dispose();
        base.Dispose();
    }
}
