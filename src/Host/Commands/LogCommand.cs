using System.CommandLine;
using Boon.Platform;
using Boon.Platform.Subscriptions;

namespace Boon.Host.Commands;

/// <summary>
/// <c>boon log new-epoch|accept-epoch MODULE</c>: what to do after a log was restored to an earlier state while its readers were not.
/// </summary>
internal static class LogCommand
{
    internal static Command Create()
    {
        var data = Cli.DataOption();
        var module = new Argument<string>("module") { Description = "The module whose log it is." };
        var begin = new Command("new-epoch", "Gives a module's log a new id after a restore. Readers in other databases then stop until "
            + "accept-epoch says from where they go on.") { module, data };
        begin.SetAction((result, ct) => BeginAsync(result.GetValue(module)!, new HostOptions(result.GetValue(data), Quiet: true), ct));
        var from = new Option<long?>("--from") { Description = "Lanes whose last event is gone go on after this sequence. Without it they "
            + "stay stopped. Other lanes go on where they are." };
        var accept = new Command(
            "accept-epoch", "Accepts a module's log as it is now for all of its readers, and says from where they go on.")
            { module, from, data };
        accept.SetAction((result, ct) =>
            AcceptAsync(result.GetValue(module)!, result.GetValue(from), new HostOptions(result.GetValue(data), Quiet: true), ct));
        return new Command("log", "Tells the readers of a restored log from where to go on.") { begin, accept };
    }

    private static async Task<int> BeginAsync(string module, HostOptions options, CancellationToken ct)
    {
        Check(module);
        await using var host = await BoonHost.BuildAsync(options, ct);
        Console.WriteLine($"The log of {module} has the id "
            + $"{await host.App.Services.GetRequiredService<LogEpochs>().BeginAsync(module, ct)}. Its readers in other databases go on "
            + $"when you run: boon log accept-epoch {module}");
        return 0;
    }

    private static async Task<int> AcceptAsync(string module, long? from, HostOptions options, CancellationToken ct)
    {
        Check(module);
        if (from < 0)
            throw new SetupException("--from must be a sequence, which is 0 or more.");
        await using var host = await BoonHost.BuildAsync(options, ct);
        var lanes = await host.App.Services.GetRequiredService<LogEpochs>().AcceptAsync(module, from, ct);
        foreach (var lane in lanes)
            Console.WriteLine($"{lane.Subscription} lane {lane.Lane}  " + lane switch
            {
                { Difference: null } => $"reads it already, and stands at {lane.Stood}",
                { GoesOn: { } after } => $"goes on after {after}; it stood at {lane.Stood} ({lane.Difference})",
                _ => $"STOPPED at {lane.Stood}: {lane.Difference}",
            });
        if (lanes.All(lane => lane.GoesOn is not null))
            return 0;
        await Console.Error.WriteLineAsync($"To say from where they go on, run: boon log accept-epoch {module} --from SEQUENCE. The events "
            + $"after it are handled, including those that were handled before the restore.");
        return 1;
    }

    private static void Check(string module)
    {
        if (BoonHost.AllModules.All(one => one.Name != module))
            throw new SetupException(
                $"There is no module {module}; there are {string.Join(", ", BoonHost.AllModules.Select(one => one.Name))}.");
    }
}
