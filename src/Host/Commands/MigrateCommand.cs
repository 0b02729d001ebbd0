using System.CommandLine;

namespace Boon.Host.Commands;

/// <summary><c>boon migrate</c>: applies the missing migrations, each once, however many run it at the same time.</summary>
internal static class MigrateCommand
{
    internal static Command Create()
    {
        var data = Cli.DataOption();
        var command = new Command("migrate", "Brings the database up to date. Several processes can do this at the same time.") { data };
        command.SetAction((result, ct) => RunAsync(new HostOptions(result.GetValue(data), Quiet: true), ct));
        return command;
    }

    private static async Task<int> RunAsync(HostOptions options, CancellationToken ct)
    {
        await using var host = await BoonHost.BuildAsync(options, ct);
        foreach (var line in host.Describe())
            Console.WriteLine(line);
        var applied = await host.MigrateAsync(ct);
        foreach (var (module, migration) in applied)
            Console.WriteLine($"{module}: applied {migration}");
        Console.WriteLine(applied.Count == 0 ? "The database is up to date." : $"Applied {applied.Count} migration(s).");
        return 0;
    }
}
