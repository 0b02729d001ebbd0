using System.Globalization;
using Boon.FaultHost;
using Boon.Platform;
using Boon.Quests;
using Boon.Quests.Progress;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>
/// Random quests and random streams of events, while batches die before and after their commit and events are delivered again: what comes
/// out is what a reference says that knows nothing of all this. A failure names its seed: <c>./test --seed N</c> repeats it, <c>--heavy</c>
/// runs many more rounds.
/// </summary>
[Collection("Defences")]
public sealed class QuestPropertyTests
{
    private static readonly (string Unit, string Zone)?[] Windows =
        [null, null, ("day", "Europe/Amsterdam"), ("day", "America/New_York"), ("week", "Asia/Tokyo"), ("day", "Australia/Lord_Howe")];

    private sealed record RandomQuest(
        Guid Id, string Trigger, string? When, string? ReversedBy, int Streak, int Duplication, bool AutoClaim,
        (string Unit, string Zone)? Window, int Quantity);

    private sealed record RandomEvent(Guid User, string Type, string Kind, string About, DateTime At);

    private const int Rounds = 6;

    /// <summary>Without a defence the first round that fails is the last.</summary>
    private const int RoundsWithout = 30;
    private const int HeavyRounds = 300;

    [Theory]
    [InlineData(null)]
    [InlineData(nameof(Defences.AtomicCheckpoint))]
    [InlineData(nameof(QuestsDefences.OncePerEvent))]
    public Task Completions_ledger_and_replay_are_what_the_reference_says(string? without) =>
        RunAsync(without, without is null ? Rounds : RoundsWithout);

    [Fact(Explicit = true)]
    [Trait("Category", "Heavy")]
    public Task Completions_ledger_and_replay_are_what_the_reference_says_for_long() => RunAsync(null, HeavyRounds);

    private static async Task RunAsync(string? without, int rounds)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("BOON_TEST_SEED"), CultureInfo.InvariantCulture, out var given)
            ? given : Random.Shared.Next();
        var random = new Random(seed);
        await using var boon = await TestBoon.StartAsync(
            ("Boon:Subscriptions:quests.track-progress:BatchSize", "7"), ("Boon:Subscriptions:quests.track-progress:Lanes", "2"));
        if (without == nameof(QuestsDefences.OncePerEvent))
            await boon.Execute("alter table quests.received drop constraint received_once");
        if (without is not null)
            FaultyBoon.TakeOut(without);
        // A sixth of the batches dies, half of those just before the commit and half just after it.
        var faults = new Random(seed);
        void Die(string point)
        {
            lock (faults)
                if (faults.Next(12) == 0)
                    throw new IOException("a crash that the test injects");
        }
        try
        {
            await Guarantee.Show(without is null, async () =>
            {
                for (var round = 0; round < rounds; round++)
                    await RoundAsync(boon, random, Die, redeliver: without != nameof(Defences.AtomicCheckpoint),
                        $"seed {seed}, round {round}");
            });
        }
        finally
        {
            FaultPoints.Reached -= Die;
            if (without is not null)
                FaultyBoon.TakeOut(without, on: true);
        }
    }

    private static async Task RoundAsync(TestBoon boon, Random random, Action<string> die, bool redeliver, string round)
    {
        var prefix = $"test.random.r{Guid.CreateVersion7():N}";
        var members = (await boon.SeedMembers(6)).ToDictionary(member => member.Id, member => member.Token);
        var quests = await CreateQuestsAsync(boon, random, prefix);
        var at = new DateTime(2026, 3, 20, 0, 0, 0, DateTimeKind.Utc);
        var events = new List<RandomEvent>();
        for (var i = random.Next(20, 200); i > 0; i--)
        {
            at = at.AddMinutes(random.Next(-300, 900));
            events.Add(new RandomEvent(
                members.Keys.ElementAt(random.Next(members.Count)), $"{prefix}.{(char)('a' + random.Next(4))}", random.Next(2) == 0
                ? "x" : "y", $"order {random.Next(12)}", at));
        }
        FaultPoints.Reached += die;
        foreach (var chunk in events.Chunk(20))
        {
            await AppendAsync(boon, chunk);
            if (redeliver && random.Next(3) == 0)
                await boon.Rewind("quests", QuestsModule.TrackProgressSubscription, by: random.Next(1, 60));
            if (redeliver && random.Next(5) == 0)
                await boon.Rewind("wallet", "wallet.credit-rewards", by: random.Next(1, 60));
        }
        await boon.CaughtUp();
        if (redeliver)
        {
            await boon.Rewind("quests", QuestsModule.TrackProgressSubscription, by: events.Count);
            await boon.CaughtUp();
        }
        FaultPoints.Reached -= die;

        long gold = 0;
        foreach (var quest in quests)
            foreach (var (user, token) in members)
            {
                var (mine, kept) = Standing(quest, events.FindAll(e => e.User == user));
                var completions = await boon.Scalar<long>(
                    "select count(*) from quests.completions where quest_id = $1 and user_id = $2 and withdrawn_at is null", quest.Id,
                    user);
                completions.ShouldBe(Reference(quest, mine), $"{round}: {quest}");
                (await boon.Scalar<long>("select count(*) from quests.received where quest_id = $1 and user_id = $2", quest.Id, user))
                    .ShouldBe(kept, $"{round}: every event is kept");
                for (var claimed = 0; !quest.AutoClaim; claimed++)
                    if ((await boon.Api.Post($"/v1/quests/{quest.Id}/claims", null, token)).Code != 201)
                    {
                        claimed.ShouldBe((int)completions, round);
                        break;
                    }
                gold += completions * quest.Quantity;
            }
        await boon.CaughtUp();
        (await boon.Scalar<decimal>(
            "select coalesce(sum(amount), 0) from wallet.ledger_entries where user_id = any ($1)", members.Keys.ToArray()))
            .ShouldBe(gold, round);
        var wallets = await Task.WhenAll(members.Values.Select(token => boon.Api.Get("/v1/wallet", token)));
        wallets.Sum(wallet => wallet.As<WalletBalances>().Balances.Gold).ShouldBe(gold, round);
        (await boon.Scalar<long>("select count(*) from quests.dead_letters")).ShouldBe(0, round);
        var replay = await boon.Replay("quests", checkOnly: true);
        replay.Equal.ShouldBeTrue($"{round}: {string.Join("; ", replay.Parts)}");
    }

    private static async Task<List<RandomQuest>> CreateQuestsAsync(TestBoon boon, Random random, string prefix)
    {
        var quests = new List<RandomQuest>();
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var quest = new RandomQuest(
                default, $"{prefix}.{(char)('a' + random.Next(3))}", random.Next(3) == 0
                ? "x" : null, random.Next(2) == 0 ? $"{prefix}.d" : null, random.Next(1, 6), random.Next(1, 5), random.Next(2) == 0,
                Windows[random.Next(Windows.Length)], random.Next(1, 20));
            quests.Add(quest with
            {
                Id = await boon.CreateQuest(new
                {
                    trigger = quest.Trigger,
                    when = quest.When is null ? null : new { kind = quest.When },
                    reversedBy = quest.ReversedBy,
                    streak = quest.Streak,
                    duplication = quest.Duplication,
                    autoClaim = quest.AutoClaim,
                    window = quest.Window is { } window ? new { unit = window.Unit, timeZone = window.Zone } : null,
                    rewardId = await boon.CreateReward("gold", quest.Quantity),
                })
            });
        }
        return quests;
    }

    /// <summary>
    /// A user's events of a quest that nothing about the same thing reversed later, and how many it keeps: all that counted, and what
    /// reversed at least one.
    /// </summary>
    private static (List<RandomEvent> Standing, int Kept) Standing(RandomQuest quest, List<RandomEvent> events)
    {
        var (standing, kept) = (new List<RandomEvent>(), 0);
        foreach (var e in events)
            if (e.Type == quest.ReversedBy)
                kept += standing.RemoveAll(one => one.About == e.About) > 0 ? 1 : 0;
            else if (e.Type == quest.Trigger && (quest.When is null || e.Kind == quest.When))
            {
                standing.Add(e);
                kept++;
            }
        return (standing, kept);
    }

    /// <summary>
    /// Completions by their definition: of the whole streaks without a window; with one, of runs of neighbouring periods that have an
    /// event, in the order recorded.
    /// </summary>
    private static long Reference(RandomQuest quest, List<RandomEvent> mine)
    {
        if (quest.Window is not { } window)
            return Math.Min(quest.Duplication, mine.Count / quest.Streak);
        var calendar = CalendarWindow.Of(window.Unit, window.Zone)!;
        var periods = new List<int>();
        foreach (var e in mine)
            if (periods.Count == 0 || calendar.PeriodOf(e.At) > periods[^1])
                periods.Add(calendar.PeriodOf(e.At));
        var runs = new List<int>();
        for (var i = 0; i < periods.Count; i++)
            if (i > 0 && periods[i] == periods[i - 1] + 1)
                runs[^1]++;
            else
                runs.Add(1);
        return Math.Min(quest.Duplication, runs.Sum(run => run / quest.Streak));
    }

    private static Task<int> AppendAsync(TestBoon boon, RandomEvent[] events) => boon.Execute("""
        insert into identity.event_log (id, aggregatetype, aggregateid, type, payload, userid, time)
        select id, 'test', about, type || '.v1', json_build_object('kind', kind), user_id, at
        from unnest($1, $2, $3, $4, $5, $6) with ordinality e (id, type, kind, user_id, at, about, place) order by place
        """,
        events.Select(_ => Guid.CreateVersion7()).ToArray(), events.Select(e => e.Type).ToArray(), events.Select(e => e.Kind).ToArray(),
        events.Select(e => e.User).ToArray(), events.Select(e => e.At).ToArray(),
        events.Select(e => e.About).ToArray());
}
