using Boon.Platform;
using Boon.Platform.Log;
using Boon.Platform.Operations;
using Boon.Platform.Services;
using Boon.Support;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>What processes of other modules ask, and how they ask it.</summary>
public sealed class ServicesTests
{
    private const string Secret = "the-secret-of-the-services-of-the-tests";

    [Fact]
    public async Task A_log_is_settled_for_others_and_downloaded_whole_without_what_is_personal()
    {
        await using var boon = await TestBoon.StartAsync(("Boon:Services:Secret", Secret));
        await boon.Append("test.deep.v1", Guid.CreateVersion7(), """{"a":[1.50,{"b":"é\u0065\u0301"}],"when":null}""");
        var (user, username, _) = await boon.Register();
        using var client = Client(boon.Api.Url);
        var settled = await client.SettleAsync("identity", CancellationToken.None);
        settled.Head.ShouldBe(await boon.Scalar<long>("select count(*) from identity.event_log"), "all that was answered is numbered");
        settled.LogId.ShouldBe(await boon.Scalar<Guid>("select logid from identity.log_head"));

        var place = boon.Services.GetRequiredService<LogPlaces>().OfProcess("identity")!;
        await using var connection = await place.Database.Source.OpenConnectionAsync();
        var log = (await EventReader.ReadAsync(connection, place, 0, 1_000, CancellationToken.None)).Events;
        await using var stream = await client.OpenLogAsync("identity", 1, CancellationToken.None);
        var copied = new List<LoggedEvent>();
        await foreach (var e in LogLines.ReadAsync(stream, "identity", CancellationToken.None))
            copied.Add(e);
        copied.ShouldBe(log.Skip(1), new Columns());
        foreach (var (copy, e) in copied.Zip(log.Skip(1)))
            Text(copy).ShouldBe(Text(e.WithoutPersonal(boon.Services.GetRequiredService<EventTypes>())));
        copied.Single(e => e.Type == "test.deep.v1").Payload.ShouldBe(log.Single(e => e.Type == "test.deep.v1").Payload);
        var registered = copied.Single(e => e.Type == "identity.user-registered.v1" && e.UserId == user);
        Text(registered).ShouldContain(user.ToString());
        copied.ShouldAllBe(e => !Text(e).Contains(username, StringComparison.Ordinal));
        log.ShouldContain(e => Text(e).Contains(username, StringComparison.Ordinal), "it is in the log itself");
    }

    [Fact]
    public async Task Another_process_of_a_module_is_asked_when_one_is_away_and_what_fails_is_told()
    {
        await using var boon = await TestBoon.StartAsync(("Boon:Services:Secret", Secret));
        using var one = Client($"http://127.0.0.1:1,{boon.Api.Url}");
        for (var i = 0; i < 10; i++)
            (await one.SettleAsync("wallet", CancellationToken.None)).Head.ShouldBe(0);
        (await Fails("http://127.0.0.1:1")).ShouldContain("The module wallet did not answer: http://127.0.0.1:1/");
        (await Fails(null)).ShouldContain("Boon__Gateway__Modules__Wallet");
        (await Fails(boon.Api.Url, secret: new string('x', 32))).ShouldContain("answered 401");
        await using var without = await TestBoon.StartOnAsync(boon.Database);
        (await Fails(without.Api.Url)).ShouldContain("answered 401");
    }

    private static async Task<string> Fails(string? addresses, string secret = Secret)
    {
        using var client = Client(addresses, secret);
        return (await Should.ThrowAsync<SourceUnreachableException>(() => client.SettleAsync("wallet", CancellationToken.None))).Message;
    }

    private static ModuleClient Client(string? addresses, string secret = Secret)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
            { [Settings.GatewayModules.Key] = addresses, [Settings.ServicesSecret.Key] = secret }).Build();
        return new(configuration, new ServicesSecret(configuration));
    }

    private static string Text(LoggedEvent e) => System.Text.Encoding.UTF8.GetString(e.Payload);

    /// <summary>All of an event but its data.</summary>
    private sealed class Columns : IEqualityComparer<LoggedEvent>
    {
        private static LoggedEvent Of(LoggedEvent e) => e with { Payload = None };

        private static readonly byte[] None = [];

        public bool Equals(LoggedEvent? one, LoggedEvent? other) => Of(one!) == Of(other!);

        public int GetHashCode(LoggedEvent e) => e.Sequence.GetHashCode();
    }
}
