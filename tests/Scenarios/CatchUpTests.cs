using Boon.Platform;
using Boon.Support;
using Npgsql;

namespace Boon.Scenarios;

/// <summary><c>Prefer: wait</c> on what appears through the log.</summary>
[Collection("Defences")]
public sealed class CatchUpTests
{
    private static Task<Answer> Get(TestBoon boon, string path, string token, int wait = 30) =>
        boon.Api.Send(HttpMethod.Get, path, null, token, change: request => request.Headers.TryAddWithoutValidation(
            "Prefer", $"wait={wait}"));

    /// <summary>The subscription is held until the request has come, so that without the wait the answer must be empty.</summary>
    [Theory]
    [Defended(nameof(Defences.CatchUp))]
    public async Task What_was_answered_before_the_request_is_in_the_answer(DefendedRun run)
    {
        await using var boon = await TestBoon.StartAsync();
        await boon.CreateCampaign();
        var (_, username, password) = await boon.Register();
        await boon.CaughtUp();
        using var switched = run.InThisProcess();
        await Guarantee.Show(run.Defended, async () =>
        {
            await using var source = NpgsqlDataSource.Create(boon.Database);
            await using var connection = await source.OpenConnectionAsync();
            await using var hold = await connection.BeginTransactionAsync();
            await using (var rows = new NpgsqlCommand(
                "select from promotions.checkpoints where subscription = 'promotions.issue-vouchers' for update", connection))
                await rows.ExecuteNonQueryAsync();
            var token = await boon.Api.SignIn(username, password);
            var asked = Get(boon, "/v1/vouchers", token);
            if (!run.Defended)
                await asked;
            await hold.RollbackAsync();
            var answer = await asked;
            answer["data"].GetArrayLength().ShouldBe(1, answer.Text);
            answer.Headers.GetValues("Preference-Applied").ShouldBe(["wait=30"]);
        });
    }

    [Fact]
    public async Task A_walk_from_sign_ins_to_the_wallet_needs_no_other_wait()
    {
        await using var boon = await TestBoon.StartAsync();
        var campaign = await boon.CreateCampaign(new { limit = 1 });
        var quest = await boon.CreateQuest();
        var by = await boon.OperatorToken();
        for (var member = 0; member < 5; member++)
        {
            var (user, username, password) = await boon.Register();
            var token = await boon.Api.SignIn(username, password);
            // Only the first gets a voucher; the others' answer says so as soon as it is decided.
            (await Get(boon, "/v1/vouchers", token))["data"].GetArrayLength().ShouldBe(member == 0 ? 1 : 0);
            (await Get(boon, $"/v1/campaigns/{campaign}/decisions", token))["data"].GetArrayLength().ShouldBe(1);
            (await Get(boon, $"/v1/campaigns/{campaign}", by))["issued"].GetInt64().ShouldBe(1);
            for (var i = 0; i < 2; i++)
                token = await boon.Api.SignIn(username, password);
            var progress = (await Get(boon, "/v1/quests/progress", token)).Page<Progress>()[0];
            (progress.QuestId, progress.Claimable).ShouldBe((quest, 1));
            (await Get(boon, "/v1/quests/events", token))["data"].GetArrayLength().ShouldBe(3);
            (await boon.Api.Post($"/v1/quests/{quest}/claims", null, token)).Code.ShouldBe(201);
            (await Get(boon, "/v1/wallet", token)).As<WalletBalances>().Balances.Diamond.ShouldBe(10);
            (await Get(boon, $"/v1/wallet/entries?userId={user}", by))["data"].GetArrayLength().ShouldBe(1);
            (await Get(boon, "/v1/quests/completions", token)).Page<Completion>()[0].State.ShouldBe("granted");
        }
    }
}
