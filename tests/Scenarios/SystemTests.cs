using Boon.Support;

namespace Boon.Scenarios;

/// <summary>What operators see of the installation.</summary>
public sealed class SystemTests
{
    [Fact]
    public async Task Each_module_tells_its_log_its_subscriptions_and_what_waits()
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.OperatorToken(); // signing in is an event too
        await boon.AppendMany("test.system.v1", 20);
        await boon.CaughtUp();
        await using (await OpenTransaction.BeginAsync(boon, """
            select from promotions.checkpoints where subscription = 'promotions.issue-vouchers' for update
            """))
        {
            await boon.AppendMany("test.system.v1", 7);
            await Eventually.Holds("the lag of the lane that is held", async () => await Lag(boon) == 7);
        }
        await boon.CaughtUp();
        await boon.Execute("""
            insert into wallet.dead_letters (id, subscription, source, sequence, event_id, event_type, error, attempts)
            values (gen_random_uuid(), 'wallet.credit-rewards', 'quests', 1, gen_random_uuid(), 'quests.reward-created.v1', 'x', 3)
            """);
        var system = await boon.Api.Get("/v1/system", await boon.OperatorToken());
        system.Code.ShouldBe(200, system.Text);
        var modules = system["data"].EnumerateArray().ToDictionary(module => module.GetProperty("module").GetString()!);
        modules.Keys.ShouldBe(["identity", "intake", "orders", "promotions", "quests", "wallet"]);
        foreach (var (name, module) in modules)
        {
            module.GetProperty("log").GetProperty("head").GetInt64()
                .ShouldBe(await boon.Scalar<long>($"select last from {name}.log_head"), name);
            module.GetProperty("log").GetProperty("id").GetGuid().ShouldBe(await boon.Scalar<Guid>($"select logid from {name}.log_head"));
            module.GetProperty("process").GetProperty("id").GetInt32().ShouldBe(Environment.ProcessId);
            module.GetProperty("process").GetProperty("version").GetString()!.ShouldMatch("^[0-9]+[.][0-9]+[.][0-9]+");
            module.GetProperty("copies").GetArrayLength().ShouldBe(0);
            module.GetProperty("deadLetters").GetInt64().ShouldBe(name == "wallet" ? 1 : 0);
        }
        var lanes = modules["promotions"].GetProperty("subscriptions").EnumerateArray()
            .Single(one => one.GetProperty("subscription").GetString() == "promotions.issue-vouchers").GetProperty("lanes");
        lanes.EnumerateArray().Select(lane => lane.GetProperty("source").GetString())
            .ShouldBe(["identity", "intake", "orders", "quests", "wallet"]);
        lanes.EnumerateArray().ShouldAllBe(lane => lane.GetProperty("lag").GetInt64() == 0);
        system.Text.ShouldNotContain("stopped");
    }

    private static async Task<long> Lag(TestBoon boon) =>
        (await boon.Api.Get("/v1/system", await boon.OperatorToken()))["data"].EnumerateArray()
            .Single(module => module.GetProperty("module").GetString() == "promotions").GetProperty("subscriptions").EnumerateArray()
            .Single(one => one.GetProperty("subscription").GetString() == "promotions.issue-vouchers").GetProperty("lanes").EnumerateArray()
            .Single(lane => lane.GetProperty("source").GetString() == "identity").GetProperty("lag").GetInt64();
}
