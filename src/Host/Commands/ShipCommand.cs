using System.CommandLine;
using Boon.Broker.Shipping;
using Boon.Broker.Transport;
using Boon.Platform;
using Boon.Platform.Data;

namespace Boon.Host.Commands;

/// <summary><c>boon ship MODULE</c>: how far a module's log is on the broker, and to publish a part of it again.</summary>
internal static class ShipCommand
{
    internal static Command Create()
    {
        var module = new Argument<string>("module") { Description = "The module whose log it is." };
        var from = new Option<long?>("--from") { Description = "Publish again what comes after this sequence; 0 is everything. The process "
            + "that publishes the log does it; a copy that has an event passes it." };
        var topics = new Option<bool>("--create-topics") { Description = "Make the module's topic or stream on the broker." };
        var data = Cli.DataOption();
        var command = new Command("ship", "Shows how far a module's log is on the broker, and publishes a part of it again.")
            { module, from, topics, data };
        command.SetAction((result, ct) => RunAsync(
            result.GetValue(module)!, result.GetValue(from), result.GetValue(topics),
            new HostOptions(result.GetValue(data), Modules: [result.GetValue(module)!], Quiet: true), ct));
        return command;
    }

    private static async Task<int> RunAsync(string module, long? from, bool topics, HostOptions options, CancellationToken ct)
    {
        if (from < 0)
            throw new SetupException("--from must be a sequence, which is 0 or more.");
        await using var host = await BoonHost.BuildAsync(options, ct);
        var services = host.App.Services;
        if (services.GetService<LogTransport>() is not { } transport)
            throw new SetupException("There is no broker: set Boon:Broker:Url.");
        try
        {
            if (topics)
                await transport.CreateAsync(module, ct);
        }
        catch (BrokerException error)
        {
            throw new SetupException(error.Message, error);
        }
        var database = services.GetServices<HostedModule>().Single().Database;
        if (from is { } sequence)
            await ShippedLog.SetBackAsync(database, sequence, ct);
        var (shipped, head) = await ShippedLog.ReadAsync(database, ct);
        Console.WriteLine($"The log of {module} ends at {head}, and is on the broker up to {shipped}.");
        return 0;
    }
}
