using Boon.Platform;
using Boon.Support;
using Npgsql;

namespace Boon.Cluster;

/// <summary>Eight processes that migrate one database at once: one does, the others wait, none fails.</summary>
public sealed class MigrationTests
{
    private const int Processes = 8;

    [Theory]
    [Defended(nameof(Defences.MigrationLock))]
    public Task Eight_at_once_migrate_once(DefendedRun run) => Guarantee.Show(run.Defended, () => MigrateAsync(run));

    private static async Task MigrateAsync(DefendedRun run)
    {
        var database = await TestServer.CreateDatabaseAsync();
        var folder = Directory.CreateTempSubdirectory("boon-migrate-").FullName;
        var settings = new Dictionary<string, string> { ["ConnectionStrings__Boon"] = database };
        string[] arguments = [.. run.Switches, "migrate", "--data", folder];
        // Somebody else makes the first schema, and will not: who migrates waits for that. Without the lock these are several, which then
        // migrate at the same time.
        await using var source = NpgsqlDataSource.Create(TestServer.ForTest(database));
        await using var held = await OpenTransaction.BeginAsync(database, "create schema identity");
        var processes = Enumerable.Range(0, run.Defended ? Processes : 2).Select(_ => BoonProcess.Start(settings, arguments)).ToList();
        try
        {
            await Eventually.Holds("processes that migrate", async () =>
            {
                await using var waiting = source.CreateCommand("""
                    select count(*)
                    from pg_stat_activity
                    where datname = current_database() and wait_event_type = 'Lock' and strpos(query, 'create schema') > 0
                    """);
                return (long)(await waiting.ExecuteScalarAsync())! >= (run.Defended ? 1 : 2);
            });
            await held.DisposeAsync();
            foreach (var process in processes)
                (await process.Exited()).ShouldBe(0, process.Output);
            var outputs = processes.ConvertAll(process => process.Output);
            foreach (var module in (string[])["identity", "promotions"])
                outputs.Count(output => output.Contains($"{module}: applied", StringComparison.Ordinal))
                    .ShouldBe(1, string.Join('\n', outputs));
        }
        finally
        {
            foreach (var process in processes)
                await process.DisposeAsync();
            await source.DisposeAsync();
            await TestServer.DropDatabaseAsync(database);
            Directory.Delete(folder, recursive: true);
        }
    }
}
