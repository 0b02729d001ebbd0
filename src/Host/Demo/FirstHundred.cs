using System.Collections.Concurrent;
using System.Text.Json;
using Boon.Platform;
using Spectre.Console;

namespace Boon.Host.Demo;

/// <summary>
/// Boon's first job over real HTTP: a campaign "first 100 sign-ins get 30 % off mobile top-up"; people register and sign in concurrently;
/// the report says who won, who did not and why; the checks compare it with the log.
/// </summary>
internal sealed class FirstHundred(DemoClient client, string operatorPassword, List<Member> members)
{
    internal const int Connections = 32;
    private const int Limit = 100;
    private static readonly string[] Products = ["mobile-top-up"];
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <summary>How one person fared.</summary>
    private sealed record Person(Member Member, Guid? Id, string? Refusal)
    {
        internal string? Token { get; set; }
    }

    /// <summary>Runs it all; true when every check holds.</summary>
    internal async Task<bool> RunAsync(CancellationToken ct)
    {
        var operatorToken = await SignInAsync("operator", operatorPassword, ct) ?? throw new SetupException(
            "The operator could not sign in.");
        var campaign = await client.SendAsync(HttpMethod.Post, "/v1/campaigns", new
        {
            name = "First 100 sign-ins get 30 % off mobile top-up",
            trigger = "identity.user-signed-in",
            when = new { first = true },
            limit = Limit,
            perUser = 1,
            benefit = new { kind = "percent", value = 30, products = Products },
            voucherValidFor = "P30D",
            maxUses = 1,
        }, operatorToken, ct);
        if (!campaign.Ok)
            throw new SetupException($"The campaign was refused: {campaign.Refusal}");
        var campaignId = campaign.Body.GetProperty("id").GetGuid();

        var people = await WithProgressAsync($"Registering {members.Count} people", members, member => RegisterAsync(member, ct), ct);
        var registered = people.Where(person => person.Id is not null).ToList();
        await WithProgressAsync($"Signing {registered.Count} people in, {Connections} at a time", registered, async person =>
        {
            person.Token = await SignInAsync(person.Member.Email, person.Member.Password, ct);
            return person;
        }, ct);
        var decisions = await WaitForDecisionsAsync(campaignId, operatorToken, registered.Count(person => person.Token is not null), ct);

        Report(people, decisions);
        return await CheckAsync(people, decisions, operatorToken, campaignId, ct);
    }

    private async Task<Person> RegisterAsync(Member member, CancellationToken ct)
    {
        var answer = await client.SendAsync(HttpMethod.Post, "/v1/users", member, null, ct);
        return answer.Ok ? new Person(member, answer.Body.GetProperty("id").GetGuid(), null) : new Person(member, null, answer.Refusal);
    }

    private async Task<string?> SignInAsync(string identifier, string password, CancellationToken ct)
    {
        var answer = await client.SendAsync(HttpMethod.Post, "/v1/sessions", new { identifier, password }, null, ct);
        return answer.Ok ? answer.Body.GetProperty("accessToken").GetString() : null;
    }

    private static async Task<List<TResult>> WithProgressAsync<TItem, TResult>(
        string title, List<TItem> items, Func<TItem, Task<TResult>> work, CancellationToken ct)
    {
        var results = new ConcurrentDictionary<int, TResult>();
        await AnsiConsole.Progress()
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(),
            new ElapsedTimeColumn())
            .StartAsync(async progress =>
            {
                var task = progress.AddTask(Markup.Escape(title), maxValue: items.Count);
                await Parallel.ForEachAsync(
                    items.Index(), new ParallelOptions { MaxDegreeOfParallelism = Connections, CancellationToken = ct }, async (item, _) =>
                {
                    results[item.Index] = await work(item.Item);
                    task.Increment(1);
                });
            });
        return [.. results.OrderBy(result => result.Key).Select(result => result.Value)];
    }

    /// <summary>Vouchers follow sign-ins within milliseconds; polls until all are decided.</summary>
    private async Task<List<JsonElement>> WaitForDecisionsAsync(Guid campaign, string token, int expected, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(LongestWait);
        while (true)
        {
            var decisions = await client.ListAsync($"/v1/campaigns/{campaign}/decisions", token, ct);
            if (decisions.Count >= expected || limit.IsCancellationRequested)
                return decisions;
            await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
        }
    }

    private static void Report(List<Person> people, List<JsonElement> decisions)
    {
        var byId = people.Where(person => person.Id is not null).ToDictionary(person => person.Id!.Value);
        var winners = new Table().Title("Winners, in sign-in order").Border(TableBorder.Simple)
            .AddColumns("rank", "name", "username", "voucher", "signed in at (UTC)");
        winners.Columns[0].RightAligned();
        foreach (var decision in decisions.Where(Issued))
        {
            var member = byId[decision.GetProperty("userId").GetGuid()].Member;
            winners.AddRow(decision.GetProperty("rank").GetInt64().ToString(), Markup.Escape(Clip(member.FullName, 40)),
                Markup.Escape(Clip(member.Username, 24)),
                decision.GetProperty("voucherCode").GetString()!, decision.GetProperty("at").GetDateTimeOffset().UtcDateTime.ToString(
                    "HH:mm:ss.fff"));
        }
        AnsiConsole.Write(winners);

        var others = new Table().Title("Not among them, and why").Border(TableBorder.Simple)
            .AddColumns("rank", "name", "username", "reason");
        others.Columns[0].RightAligned();
        foreach (var decision in decisions.Where(decision => !Issued(decision)))
        {
            var member = byId[decision.GetProperty("userId").GetGuid()].Member;
            others.AddRow(decision.GetProperty("rank").ToString(), Markup.Escape(Clip(member.FullName, 40)),
                Markup.Escape(Clip(member.Username, 24)), decision.GetProperty("reason").GetString()!);
        }
        foreach (var person in people.Where(person => person.Id is null || person.Token is null))
            others.AddRow("", Markup.Escape(Clip(person.Member.FullName, 40)), Markup.Escape(Clip(person.Member.Username, 24)),
                Markup.Escape(person.Refusal is null ? "could not sign in" : "not registered: " + person.Refusal));
        AnsiConsole.Write(others);
    }

    private async Task<bool> CheckAsync(
        List<Person> people, List<JsonElement> decisions, string token, Guid campaignId, CancellationToken ct)
    {
        var signedIn = people.Where(person => person.Token is not null).ToList();
        var issued = decisions.Where(Issued).ToList();
        var expected = Math.Min(Limit, signedIn.Count);
        var ids = signedIn.Select(person => person.Id!.Value).ToHashSet();
        var log = (await client.ListAsync("/v1/events?type=identity.user-signed-in", token, ct))
            .Where(e => e.GetProperty("data").GetProperty("first").GetBoolean()
                && ids.Contains(e.GetProperty("data").GetProperty("userId").GetGuid()))
            .OrderBy(e => e.GetProperty("sequence").GetInt64()).ToList();
        var view = await client.SendAsync(HttpMethod.Get, $"/v1/campaigns/{campaignId}", null, token, ct);
        var vouchers = await WithProgressAsync("Looking into everybody's vouchers", signedIn, async person => (
            Person: person, Count: (await client.ListAsync("/v1/vouchers", person.Token!, ct)).Count), ct);
        var winners = issued.Select(decision => decision.GetProperty("userId").GetGuid()).ToHashSet();

        var all = true;
        Check("everybody registered and signed in", signedIn.Count == people.Count, $"{signedIn.Count} of {people.Count}");
        Check($"exactly {expected} vouchers were issued", issued.Count == expected && view.Body.GetProperty("issued")
            .GetInt64() == expected, $"{issued.Count}");
        Check("the winners are the lowest places of the log", log.Take(expected).Select(e => e.GetProperty("sequence").GetInt64())
            .SequenceEqual(issued.Select(decision => decision.GetProperty("eventSequence").GetInt64())),
            $"sequences up to {(issued.Count == 0 ? 0 : issued[^1].GetProperty("eventSequence").GetInt64())}");
        Check("ranks are 1, 2, 3, ... in sign-in order", decisions.Select(decision => decision.GetProperty("rank").GetInt64())
            .SequenceEqual(Enumerable.Range(1, decisions.Count).Select(rank => (long)rank)), $"1 to {decisions.Count}");
        Check("everybody who signed in has one decision", decisions.Count == signedIn.Count
            && decisions.Select(decision => decision.GetProperty("userId").GetGuid()).Distinct().Count() == signedIn.Count,
            $"{decisions.Count}");
        Check("each winner holds one voucher, nobody else any",
            vouchers.All(pair => pair.Count == (winners.Contains(pair.Person.Id!.Value) ? 1 : 0)),
            $"{vouchers.Sum(pair => pair.Count)} vouchers");
        return all;

        void Check(string what, bool holds, string seen)
        {
            all &= holds;
            AnsiConsole.MarkupLine($"{(holds ? "[green]ok[/]    " : "[red]FAILED[/]")} {Markup.Escape(what)} ({Markup.Escape(seen)})");
        }
    }

    private static bool Issued(JsonElement decision) => decision.GetProperty("outcome").GetString() == "issued";

    private static string Clip(string text, int longest)
    {
        var elements = System.Globalization.StringInfo.ParseCombiningCharacters(text);
        return elements.Length <= longest ? text : text[..elements[longest - 1]] + "…";
    }
}
