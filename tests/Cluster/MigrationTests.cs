using Boon.Support;

namespace Boon.Cluster;

/// <summary>Eight processes that migrate one database at once: one does, the others wait, none fails.</summary>
public sealed class MigrationTests
{
    private const int Processes = 8;

    /// <summary>Without the lock, a race decides whether somebody fails: a few databases are enough.</summary>
    private const int Rounds = 4;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public Task Eight_at_once_migrate_once(bool defended) => Guarantee.Show(defended, async () =>
    {
        for (var round = 0; round < (defended ? 1 : Rounds); round++)
            await MigrateAsync(defended);
    });

    private static async Task MigrateAsync(bool defended)
    {
        var database = await TestServer.CreateDatabaseAsync();
        var folder = Directory.CreateTempSubdirectory("boon-migrate-").FullName;
        string[] without = defended ? [] : ["--without", "MigrationLock"];
        var processes = Enumerable.Range(0, Processes).Select(_ => BoonProcess.Start(
            new Dictionary<string, string> { ["ConnectionStrings__Boon"] = database }, [.. without, "migrate", "--data", folder])).ToList();
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
