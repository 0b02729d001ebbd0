using System.Collections.Concurrent;
using Boon.Platform.Data;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Log;

/// <summary>How a log is reached by who reads it.</summary>
public enum LogReach
{
    /// <summary>It is in the reader's own database.</summary>
    Here,

    /// <summary>It is in another database, and the reader's has a copy that a broker feeds.</summary>
    Copy,

    /// <summary>It is in another database, and read there.</summary>
    Away,
}

/// <summary>Where a module's log is read.</summary>
/// <param name="Source">The module whose log it is.</param>
/// <param name="Schema">The schema with the tables that are read.</param>
/// <param name="Database">The pools of the database with that schema.</param>
/// <param name="Reach">How it is reached.</param>
public sealed record LogPlace(string Source, string Schema, ModuleDatabase Database, LogReach Reach)
{
    /// <summary>True where the tables are a copy.</summary>
    public bool IsCopy => Reach == LogReach.Copy;

    /// <summary>True where one statement can read the log and the reader's own tables.</summary>
    public bool IsHere => Reach != LogReach.Away;

    /// <summary>A module's own log.</summary>
    public static LogPlace Own(ModuleDatabase database) => new(database.Module, database.Schema, database, LogReach.Here);

    /// <summary>
    /// What a reader has to compare: the id of a log in the same database plays no role, because both are restored as one.
    /// </summary>
    public LogMark Compared(LogMark mark) => Reach == LogReach.Here ? mark with { LogId = null } : mark;

    /// <summary>Reads it on the reader's own connection where it is here, else on one of its database.</summary>
    internal Task<T> ReadAsync<T>(NpgsqlConnection own, Func<NpgsqlConnection, Task<T>> read, CancellationToken ct) =>
        IsHere ? read(own) : AskAsync(async () =>
        {
            await using var connection = await Database.Background.OpenConnectionAsync(ct);
            return await read(connection);
        });

    /// <summary>
    /// Asks the database that it is in. That another database is away is noted as what it is, and the reader's own is not taken for it: the
    /// error names the source and has no cause.
    /// </summary>
    internal async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception error) when (!IsHere && Database.Outages.Note(Database.Background, error))
        {
#pragma warning disable MA0054 // With its cause it would be taken for an outage of the reader's own database.
            throw new SourceAwayException($"The database of {Source} is away: {error.Message}");
#pragma warning restore MA0054
        }
    }
}

/// <summary>
/// Decides where each log is read, for everybody who reads one: in the same database the log itself; elsewhere, with a broker, the copy in
/// the reader's database, and without one, the log in its own database. The log of Identity is read by every process, for
/// <see cref="Access.AccessState"/>: so every database has a copy of it.
/// </summary>
public sealed class LogPlaces
{
    /// <summary>The module whose log everybody reads.</summary>
    public const string Everywhere = "identity";

    private readonly ConcurrentDictionary<(string Reader, string Source), LogPlace> places = new();
    private readonly Databases databases;
    private readonly List<string> hosted;
    private readonly Lazy<IReadOnlyList<LogPlace>> copies;

    /// <summary>The places of a process.</summary>
    /// <param name="databases">Its databases.</param>
    /// <param name="configuration">Says whether there is a broker.</param>
    /// <param name="hosted">The modules that it hosts.</param>
    /// <param name="readers">What their subscriptions read.</param>
    internal LogPlaces(
        Databases databases, IConfiguration configuration, IEnumerable<string> hosted, IEnumerable<LaneConnections> readers)
    {
        this.databases = databases;
        HasBroker = Settings.BrokerUrl.Of(configuration) is not null;
        this.hosted = [.. hosted];
        copies = new(() => !HasBroker ? []
            : [.. CopiesIn(configuration, this.hosted, readers).Select(copy => Of(copy.Reader, copy.Source))]);
    }

    /// <summary>True when a broker is set: logs of other databases are read from copies.</summary>
    public bool HasBroker { get; }

    /// <summary>The schema of a copy.</summary>
    internal static string CopyOf(string source) => $"copy_{source}";

    /// <summary>Every copy in a database of this process that one of its modules, or this process itself, reads.</summary>
    public IReadOnlyList<LogPlace> Copies => copies.Value;

    /// <summary>Where a module reads the log of another one, or its own.</summary>
    public LogPlace Of(string reader, string source) => places.GetOrAdd((reader, source), key =>
        databases.AreTogether(key.Reader, key.Source) ? LogPlace.Own(databases.Of(key.Source))
            : !HasBroker ? new(key.Source, key.Source, databases.Of(key.Source), LogReach.Away)
            : new(key.Source, CopyOf(key.Source), databases.Of(key.Reader), LogReach.Copy));

    /// <summary>
    /// Where this process reads a log for itself, not for a module; null: it cannot, because none of its databases has it or a copy.
    /// </summary>
    public LogPlace? OfProcess(string source)
    {
        if (!HasBroker)
            return LogPlace.Own(databases.Of(source));
        if (hosted.Find(module => databases.AreTogether(module, source)) is { } together)
            return Of(together, source);
        return Copies.FirstOrDefault(copy => copy.Source == source);
    }

    /// <summary>
    /// The copies of a process with a broker, each once: of the logs in other databases that its modules read, and of the log of
    /// <see cref="Everywhere"/>.
    /// </summary>
    /// <param name="configuration">Says which modules share a database.</param>
    /// <param name="hosted">The modules of the process.</param>
    /// <param name="readers">What their subscriptions read.</param>
    public static IEnumerable<(string Reader, string Source)> CopiesIn(
        IConfiguration configuration, IEnumerable<string> hosted, IEnumerable<LaneConnections> readers) => hosted
        .Select(module => (Reader: module, Source: Everywhere))
        .Concat(readers.SelectMany(reader => reader.Sources.Select(source => (Reader: reader.Module, Source: source))))
        .Where(one => Databases.TextOf(configuration, one.Reader) != Databases.TextOf(configuration, one.Source))
        .DistinctBy(one => (Databases.TextOf(configuration, one.Reader), one.Source));
}
