namespace Boon.Bench;

/// <summary>What one process asks of the database and of the machine while nobody asks anything of it.</summary>
internal static class RestBench
{
    /// <summary>What follows from the start and from the cleaning is over by then.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(30);

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        // A connection of another database: its own looks are not counted.
        var own = new NpgsqlConnectionStringBuilder(connectionString);
        await using var source = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(connectionString) { Database = "postgres", MaxPoolSize = 1 }.ConnectionString);
        await CleanAsync(own, ct);
        await Task.Delay(Settle, ct);
        var before = await LookAsync(source, own.Database!, ct);
        var cpu = host.Cpu();
        var started = Stopwatch.GetTimestamp();
        await Task.Delay(Measured, ct);
        var after = await LookAsync(source, own.Database!, ct);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var (transactions, ids, wal) =
            ((after.Transactions - before.Transactions) / seconds, after.Ids - before.Ids, after.Wal - before.Wal);
        var share = (host.Cpu() - cpu).TotalSeconds / seconds;
        return new Figures($"rest: one idle process, over {seconds:0} s")
            .Add("transactions a second", Figures.Rate(transactions), aim: "< 5/s", met: transactions < 5)
            .Add("transaction ids taken", $"{ids}", aim: "none", met: ids == 0)
            .Add("write-ahead log", $"{wal:N0} bytes", aim: "none", met: wal == 0)
            .Add("CPU of the process", $"{share:P1}", aim: "< 1 %", met: share < 0.01)
            .Note("Checkpoints of PostgreSQL itself can write a few records to its log after a busy time; ids say whether Boon did.");
    }

    /// <summary>
    /// Vacuums and counts what the migrations made, and ends with a checkpoint. Otherwise autovacuum does it at some moment of the next
    /// minutes, and its transactions would be counted as Boon's.
    /// </summary>
    private static async Task CleanAsync(NpgsqlConnectionStringBuilder own, CancellationToken ct)
    {
        foreach (var database in (string[])[own.Database!, "postgres", "template1"])
        {
            await using var connection = new NpgsqlConnection(
                new NpgsqlConnectionStringBuilder(own.ConnectionString) { Database = database, Pooling = false }.ConnectionString);
            await connection.OpenAsync(ct);
            // The second time cleans the statistics that the first one wrote.
            foreach (var statement in (string[])["vacuum analyze", "vacuum", "checkpoint"])
            {
                await using var command = new NpgsqlCommand(statement, connection);
                await command.ExecuteNonQueryAsync(ct);
            }
        }
    }

    private static async Task<(long Transactions, long Ids, long Wal)> LookAsync(
        NpgsqlDataSource source, string database, CancellationToken ct)
    {
        await using var command = source.CreateCommand("""
            select (select xact_commit + xact_rollback from pg_stat_database where datname = $1),
                   pg_snapshot_xmax(pg_current_snapshot())::text::bigint, (pg_current_wal_insert_lsn() - '0/0')::bigint
            """);
        command.Parameters.Add(new() { Value = database });
        await using var reader = await command.ExecuteReaderAsync(ct);
        await reader.ReadAsync(ct);
        return (reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
    }
}
