using System.Text;
using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// One statement over all logs of a database that this process knows: which have events without a number, and which heads have moved since the last look.
/// It takes no transaction id and writes nothing.
/// </summary>
internal sealed class LogLook(Databases databases, NpgsqlDataSource pool)
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
            await using var command = new NpgsqlCommand(statement, connection) { CommandTimeout = longest };
            await using var reader = await command.ExecuteReaderAsync(ct);
            while (await reader.ReadAsync(ct))
            {
                var (module, head) = (reader.GetString(0), reader.GetInt64(1));
                if (reader.GetBoolean(2))
                    waiting.Add(module);
                if (!heads.TryGetValue(module, out var last) || last != head)
                    moved.Add(module);
                heads[module] = head;
            }
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            looksToRebuild = 0; // a schema was dropped
            return;
        }
        waiting.ForEach(signals.Appended);
        moved.ForEach(module => signals.Sequenced(module, here: false));
    }

    private async Task<string?> StatementAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        await using var exists = new NpgsqlCommand("""
            select s from unnest($1::text[]) s
            where exists (select from pg_attribute where attrelid = to_regclass(s || '.log_head') and attname = 'floor')
            """, connection)
        { Parameters = { new() { Value = databases.All.Where(database => ReferenceEquals(database.Background, pool)).Select(database => database.Schema).Order(StringComparer.Ordinal).ToArray() } } };
        var there = new List<string>();
        await using (var reader = await exists.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                there.Add(reader.GetString(0));
        return there.Count == 0 ? null : new StringBuilder().AppendJoin("\nunion all\n", there.Select(schema =>
            $"select '{schema}', h.last, exists ({Sequencer.NewRows(schema)}) from {schema}.log_head h")).ToString();
    }
}
