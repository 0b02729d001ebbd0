using Boon.Platform.Log;
using Boon.Platform.Operations;
using Boon.Platform.Subscriptions;
using Boon.Platform.Units;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;
using DeadLetter = Boon.Support.DeadLetter;

namespace Boon.Scenarios;

/// <summary>The list of dead letters, however many there are.</summary>
public sealed class DeadLetterTests
{
    private const int OfPromotions = 1_050;
    private const int OfQuests = 40;

    [Fact]
    public async Task Letters_of_all_modules_are_listed_page_by_page_in_the_order_in_which_they_were_parked()
    {
        await using var boon = await TestBoon.StartAsync();
        var token = await boon.OperatorToken();
        await ParkAsync(boon, "promotions", OfPromotions);
        await ParkAsync(boon, "quests", OfQuests);

        var all = await boon.Api.All<DeadLetter>("/v1/dead-letters", token, limit: 100);
        all.Select(letter => letter.Id).Distinct().Count().ShouldBe(OfPromotions + OfQuests);
        all.Select(letter => letter.ParkedAt).ShouldBeInOrder();
        all.Count(letter => letter.Module == "quests").ShouldBe(OfQuests);
        (await boon.Api.Get("/v1/dead-letters", token))["data"].GetArrayLength().ShouldBe(50);

        var ofCommandLine = 0;
        await foreach (var _ in DeadLetterEndpoints.AllOpenAsync(
            [.. boon.Services.GetServices<SubscriptionRunner>()], CancellationToken.None))
            ofCommandLine++;
        ofCommandLine.ShouldBe(OfPromotions + OfQuests, "boon dead-letters redrive takes all of them");
    }

    [Fact]
    public async Task Redriven_letters_are_a_list_of_their_own_in_pages_and_say_who_redrove_them()
    {
        await using var boon = await TestBoon.StartAsync();
        var token = await boon.OperatorToken();
        await ParkAsync(boon, "promotions", 5);
        await ParkAsync(boon, "quests", 5);
        foreach (var module in (string[])["promotions", "quests"])
            await boon.Execute($"update {module}.dead_letters set redriven_at = now(), redriven_by = '{Actor.CommandLine}' where "
                + $"sequence <= 4");

        (await boon.Api.All<DeadLetter>("/v1/dead-letters", token, limit: 1))
            .ShouldAllBe(letter => letter.Sequence == 5 && letter.RedrivenAt == null && letter.RedrivenBy == null);
        (await boon.Api.All<DeadLetter>("/v1/dead-letters?state=open", token)).Count.ShouldBe(2);
        var redriven = await boon.Api.All<DeadLetter>("/v1/dead-letters?state=redriven", token, limit: 3);
        redriven.Count.ShouldBe(8);
        redriven.ShouldAllBe(letter => letter.RedrivenAt != null && letter.RedrivenBy == "command-line");
        (await boon.Api.Get("/v1/dead-letters?state=closed", token)).Errors["state"].Length.ShouldBe(1);
        (await boon.Api.Get("/v1/dead-letters?cursor=eyJ4IjoxfQ", token)).Code.ShouldBeOneOf(200, 400);
    }

    [Fact]
    public async Task Redriven_letters_are_deleted_when_their_retention_is_over_and_open_ones_stay()
    {
        await using var boon = await TestBoon.StartAsync(("Boon:DeadLetters:Retention", "02:00:00"));
        await ParkAsync(boon, "identity", 3);
        await boon.Execute("update identity.dead_letters set redriven_at = now() - (sequence || ' hours 30 minutes')::interval where "
            + "sequence < 3");
        await boon.Services.GetServices<Microsoft.Extensions.Hosting.IHostedService>().OfType<Housekeeping>().First()
            .RunAsync(CancellationToken.None);
        (await boon.Scalar<long[]>("select array_agg(sequence order by sequence) from identity.dead_letters")).ShouldBe([1, 3]);
    }

    [Fact]
    public async Task A_closed_letter_is_open_again_when_its_event_is_read_again_and_fails_again()
    {
        await using var boon = await TestBoon.StartAsync();
        var token = await boon.OperatorToken();
        // Exceptions carry texts that came in. What stands at the end of the longest error is half a character, and at its beginning U+0000
        // and a lone half.
        async Task<DateTime> ParkedAsync(Exception error)
        {
            await using var scope = boon.Services.CreateAsyncScope();
            await using var unit = scope.ServiceProvider.GetRequiredService<Unit<Boon.Quests.QuestsDb>>();
            await unit.BeginAsync(CancellationToken.None);
            await DeadLetters.ParkAsync(unit, "quests.test", Event, error, attempts: 3, CancellationToken.None);
            await unit.CommitAsync(CancellationToken.None);
            return await boon.Scalar<DateTime>("select parked_at from quests.dead_letters");
        }
        var first = await ParkedAsync(new InvalidOperationException("\0\uD83D " + string.Concat(Enumerable.Repeat("😀", 5_000))));
        (await boon.Scalar<int>("select length(error) from quests.dead_letters")).ShouldBe(4_000);
        var letter = (await boon.Api.All<DeadLetter>("/v1/dead-letters", token)).ShouldHaveSingleItem().Id;

        // Read again while it is open: the letter is the same.
        (await ParkedAsync(new InvalidOperationException("again"))).ShouldBe(first);

        await boon.Execute($"update quests.dead_letters set redriven_at = now(), redriven_by = '{Actor.CommandLine}'");
        (await boon.Api.All<DeadLetter>("/v1/dead-letters", token)).ShouldBeEmpty();
        (await ParkedAsync(new InvalidOperationException("once more"))).ShouldBeGreaterThan(first);
        var again = (await boon.Api.All<DeadLetter>("/v1/dead-letters", token)).ShouldHaveSingleItem();
        (again.Id, again.Error).ShouldBe((letter, "InvalidOperationException: once more"));
        (again.RedrivenAt, again.RedrivenBy).ShouldBe((null, null));
        (await boon.Api.All<DeadLetter>("/v1/dead-letters?state=redriven", token)).ShouldBeEmpty();
    }

    private static readonly LoggedEvent Event = new(
        "intake", 1, Guid.CreateVersion7(), "test.parked", "test", "1", null, "{}"u8.ToArray(), DateTime.UnixEpoch, DateTime.UnixEpoch,
        null, null, null);

    /// <summary>Letters as parking leaves them, each a second after the one before; two of a kind in one moment.</summary>
    private static Task<int> ParkAsync(TestBoon boon, string module, int count) => boon.Execute($"""
        insert into {module}.dead_letters (id, subscription, source, sequence, event_id, event_type, error, attempts, parked_at)
        select gen_random_uuid(), '{module}.test', 'intake', n, gen_random_uuid(), 'test.parked', 'it failed', 3,
            now() - interval '1 day' + n / 2 * interval '1 second'
        from generate_series(1, {count}) n
        """);
}
