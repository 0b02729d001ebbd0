using System.Text;
using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// One statement over all logs of a database that this process knows: which have events without a number, and which heads have moved since
/// the last look. It takes no transaction id and writes nothing.
/// </summary>
internal sealed class LogLook(Databases databases, LogPlaces places, NpgsqlDataSource pool)
{
    /// <summary>Another process may migrate a schema that was not there: the statement is made anew after so many looks.</summary>
    private const int LooksToRebuild = 20;

    private readonly Dictionary<string, long> heads = new(StringComparer.Ordinal);
    private string? statement;
    private int looksToRebuild;

    /// <summary>Looks, and wakes whom it concerns.</summary>
    internal async Task RunAsync(NpgsqlConnection connection, LogSignals signals, int longest, CancellationToken ct)
    {
        if (looksToRebuild-- <= 0)
            (statement, looksToRebuild) = (await StatementAsync(connection, ct), LooksToRebuild);
        if (statement is null)
            return;
        var (waiting, moved) = (new List<string>(), new List<string>());
        try
        {
            var look = connection.Command(statement);
            look.CommandTimeout = longest;
            await look.ReadEachAsync(row =>
            {
                var (module, head) = (row.GetString(0), row.GetInt64(1));
                if (row.GetBoolean(2))
                    waiting.Add(module);
                if (!heads.TryGetValue(module, out var last) || last != head)
                    moved.Add(module);
                heads[module] = head;
            }, ct);
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            looksToRebuild = 0; // a schema was dropped
            return;
        }
        waiting.ForEach(signals.Appended);
        moved.ForEach(module => signals.Sequenced(module));
    }

    private async Task<IEnumerable<LogPlace>> CopiesAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var copies = places.Copies.Where(copy => ReferenceEquals(copy.Database.Background, pool)).ToList();
        var there = await connection.Command(
            "select s from unnest($1) s where to_regclass(s || '.log_head') is not null", copies.Select(copy => copy.Schema).ToArray())
            .ReadAllAsync(row => row.GetString(0), ct);
        return copies.Where(copy => there.Contains(copy.Schema));
    }

    private async Task<string?> StatementAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var schemas = databases.All.Where(database => ReferenceEquals(database.Background, pool)).Select(database => database.Schema);
        var there = await connection.Command("""
            select s
            from unnest($1) s
            where exists (select from pg_attribute where attrelid = to_regclass(s || '.log_head') and attname = 'floor')
            """, schemas.Order(StringComparer.Ordinal).ToArray())
            .ReadAllAsync(row => row.GetString(0), ct);
        var logs = there.Select(schema =>
            $"select '{schema}', h.last, exists ({Sequencer.NewRows(schema)}) from {LogHead.Of(schema)} h");
        // Nobody waits for a number in a copy.
        var copies = (await CopiesAsync(connection, ct)).Select(copy =>
            $"select '{copy.Source}', h.last, false from {LogHead.Of(copy.Schema)} h");
        return new StringBuilder().AppendJoin("\nunion all\n", logs.Concat(copies)) is { Length: > 0 } all ? all.ToString() : null;
    }
}
