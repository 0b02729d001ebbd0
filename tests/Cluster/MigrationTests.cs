using Boon.Platform;
using Boon.Support;

namespace Boon.Cluster;

/// <summary>Eight processes that migrate one database at once: one does, the others wait, none fails.</summary>
public sealed class MigrationTests
{
    private const int Processes = 8;

    /// <summary>Without the lock, a race decides whether somebody fails: a few databases are enough.</summary>
    private const int Rounds = 4;

    [Theory]
    [Defended(nameof(Defences.MigrationLock))]
    public Task Eight_at_once_migrate_once(DefendedRun run) => Guarantee.Show(run.Defended, async () =>
    {
        for (var round = 0; round < (run.Defended ? 1 : Rounds); round++)
            await MigrateAsync(run);
    });

    private static async Task MigrateAsync(DefendedRun run)
    {
        var database = await TestServer.CreateDatabaseAsync();
        var folder = Directory.CreateTempSubdirectory("boon-migrate-").FullName;
        var settings = new Dictionary<string, string> { ["ConnectionStrings__Boon"] = database };
        string[] arguments = [.. run.Switches, "migrate", "--data", folder];
        var processes = Enumerable.Range(0, Processes).Select(_ => BoonProcess.Start(settings, arguments)).ToList();
        try
        {
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
            await TestServer.DropDatabaseAsync(database);
            Directory.Delete(folder, recursive: true);
        }
    }
}
