using System.CommandLine;
using Boon.Platform.Log;
using Boon.Platform.Operations;
using Boon.Platform.Subscriptions;

namespace Boon.Host.Commands;

/// <summary><c>boon dead-letters list|redrive</c>: the events that a subscription could not handle.</summary>
internal static class DeadLettersCommand
{
    internal static Command Create()
    {
        var data = Cli.DataOption();
        var list = new Command("list", "Lists parked events with their errors.") { data };
        list.SetAction((result, ct) => ListAsync(new HostOptions(result.GetValue(data), Quiet: true, MustExist: true), ct));
        var ids = new Argument<Guid[]>("id")
            { Description = "The ids of the letters to redrive. Without an id, all letters are redriven, oldest first.",
            Arity = ArgumentArity.ZeroOrMore };
        var redrive = new Command("redrive", "Handles parked events again. Each event is one transaction, which also closes its letter.")
            { ids, data };
        redrive.SetAction((result, ct) =>
            RedriveAsync(new HostOptions(result.GetValue(data), Quiet: true, MustExist: true), result.GetValue(ids) ?? [], ct));
        return new Command("dead-letters", "Shows and redrives the events that a subscription could not handle.") { list, redrive };
    }

    private static async Task<int> ListAsync(HostOptions options, CancellationToken ct)
    {
        await using var host = await BoonHost.BuildAsync(options, ct);
        var count = 0;
        await foreach (var letter in DeadLetterEndpoints.AllOpenAsync([.. host.App.Services.GetServices<SubscriptionRunner>()], ct))
        {
            count++;
            Console.WriteLine($"{letter.Id}  {letter.ParkedAt:u}  {letter.Subscription}  {letter.EventType}  "
                + $"{letter.Source}#{letter.Sequence}\n    {letter.Error}");
        }
        Console.WriteLine(count == 0
            ? "No event is parked." : $"{count} parked. Remove the cause, then run: boon dead-letters redrive [ID...]");
        return 0;
    }

    private static async Task<int> RedriveAsync(HostOptions options, Guid[] ids, CancellationToken ct)
    {
        await using var host = await BoonHost.BuildAsync(options, ct);
        var subscriptions = host.App.Services.GetServices<SubscriptionRunner>().ToList();
        var (applied, failed) = (0, 0);
        await foreach (var id in ids.Length > 0
            ? ids.ToAsyncEnumerable() : DeadLetterEndpoints.AllOpenAsync(subscriptions, ct).Select(letter => letter.Id))
        {
            var outcome = await RedriveAsync(subscriptions, id, ct);
            if (outcome is null)
            {
                applied++;
                Console.WriteLine($"{id}  applied");
            }
            else
            {
                failed++;
                await Console.Error.WriteLineAsync($"{id}  {outcome}");
            }
        }
        Console.WriteLine($"{applied} applied, {failed} not.");
        return failed == 0 ? 0 : 1;
    }

    private static async Task<string?> RedriveAsync(List<SubscriptionRunner> subscriptions, Guid id, CancellationToken ct)
    {
        foreach (var subscription in subscriptions)
            try
            {
                switch (await subscription.RedriveAsync(id, Actor.CommandLine, ct))
                {
                    case Redrive.Applied:
                        return null;
                    case Redrive.InFlight:
                        return "somebody else redrives it at this moment";
                }
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                return $"failed again: {error.Message}";
            }
        return "there is no open letter with this id";
    }
}
