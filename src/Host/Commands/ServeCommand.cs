using System.CommandLine;

namespace Boon.Host.Commands;

/// <summary><c>boon serve</c>: serves until Ctrl-C or SIGTERM.</summary>
internal static class ServeCommand
{
    internal static Command Create(Signals signals)
    {
        var modules = new Option<string?>("--modules") { Description = "The modules to run, separated by commas (default: all); or "
            + "gateway, alone: it forwards to the processes that Boon__Gateway__Modules names.", HelpName = "a,b" };
        var urls = Cli.UrlsOption();
        var data = Cli.DataOption();
        var wait = new Option<bool>("--wait")
            { Description = "Wait for a database that does not answer yet, instead of ending with an error." };
        var command = new Command("serve", "Serves the API until Ctrl-C. It is ready when /health/ready answers 200.")
            { modules, urls, data, wait };
        command.SetAction((result, ct) => RunAsync(new HostOptions(
            result.GetValue(data), result.GetValue(urls),
            result.GetValue(modules)?.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
                result.GetValue(wait), signals, ct));
        return command;
    }

    private static async Task<int> RunAsync(HostOptions options, bool wait, Signals signals, CancellationToken ct)
    {
        await using var host = await BoonHost.BuildAsync(options, ct);
        if (wait)
            await host.WaitForDatabasesAsync(ct);
        await host.StartAsync(ct);
        foreach (var line in host.Describe())
            Console.WriteLine(line);
        var url = host.Url;
        Console.WriteLine($"Boon serves at {url}  (docs {url}/docs, metrics {host.ManagementUrl}/metrics). Ctrl-C stops it.");
        await host.WaitAsync(ct);
        if (signals.Terminated)
            await host.DrainAsync();
        Console.WriteLine("Stopping...");
        return ct.IsCancellationRequested ? 0 : 1;
    }
}
