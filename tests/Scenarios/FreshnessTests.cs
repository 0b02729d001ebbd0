using Boon.Platform;
using Boon.Platform.Access;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>What a process may do while it does not hear from Identity, and how fast it hears.</summary>
[Collection("Defences")]
public sealed class FreshnessTests
{
    [Theory, Defended(nameof(Defences.FreshAccess))]
    public Task Operators_wait_while_nobody_can_know_whether_their_sessions_still_run_and_members_go_on(DefendedRun run) =>
        Defended.Show(run, async boon =>
        {
            var token = await boon.OperatorToken();
            var (_, member) = (await boon.SeedMembers(1))[0];
            (await boon.Api.Get("/v1/campaigns", token)).Code.ShouldBe(200);
            (await boon.Api.Get("/v1/vouchers", member)).Code.ShouldBe(200);
            await using (await OpenTransaction.BeginAsync(boon, "lock table identity.log_head in access exclusive mode"))
            {
                await Eventually.Holds(
                    "staleness", () => Task.FromResult(boon.Services.GetRequiredService<AccessState>().IsStale));
                var refused = await boon.Api.Get("/v1/campaigns", token);
                (refused.Code, refused.Problem).ShouldBe((503, "access-stale"), refused.Text);
                refused.Headers.RetryAfter.ShouldNotBeNull();
                (await boon.Api.Get("/v1/vouchers", member)).Code.ShouldBe(200);
                (await boon.Api.Get("/v1/vouchers", token)).Code.ShouldBe(200, "what every member may do");
                (await boon.Api.Get("/v1/campaigns", member)).Code.ShouldBe(403);
            }
            await Eventually.Holds("operators to be let in again", async () => (await boon.Api.Get("/v1/campaigns", token)).Code == 200);
        }, TestBoon.StartAsync(("Boon:Tokens:MaxStaleness", "00:00:01")));

    [Fact]
    public async Task Nobody_orders_for_a_user_whose_registration_is_still_on_its_way_and_the_answer_says_so()
    {
        await using var boon = await TestBoon.StartAsync();
        var token = await boon.OperatorToken();
        await boon.CaughtUp();
        Task<Answer> OrderFor(Guid user) => boon.Api.Post(
            "/v1/orders", new { product = "p", quantity = 1, total = new { amount = 1, currency = "USD" }, userId = user }, token);
        (await OrderFor(Guid.CreateVersion7())).Problem.ShouldBe("user-unknown", "all that Identity logged is here, so there is none");
        Guid late;
        await using (await OpenTransaction.BeginAsync(
            boon, "select from orders.checkpoints where subscription = 'orders.learn-users' for update"))
        {
            (late, _, _) = await boon.Register();
            var behind = await OrderFor(late);
            (behind.Code, behind.Problem).ShouldBe((503, "source-behind"), behind.Text);
            behind.Headers.RetryAfter.ShouldNotBeNull();
        }
        (await OrderFor(late)).Code.ShouldBe(201);
    }

    [Fact]
    public async Task Who_signs_out_in_a_process_of_one_module_is_refused_in_those_of_others()
    {
        var identity = await TestServer.CreateDatabaseAsync();
        try
        {
            (string, string)[] settings = [("ConnectionStrings:Identity", identity)];
            await using var one = await TestBoon.StartModulesAsync(["identity"], settings);
            await using var other = await TestBoon.StartModulesAsync(["promotions", "wallet"], settings);
            for (var i = 0; i < 3; i++)
            {
                var (_, username, password) = await one.Register();
                var token = await one.Api.SignIn(username, password);
                (await other.Api.Get("/v1/wallet", token)).Code.ShouldBe(200, "its key is known, or asked for");
                (await one.Api.Delete("/v1/sessions/current", token)).Code.ShouldBe(204);
                await Eventually.Holds("the session to be refused", async () => (await other.Api.Get("/v1/wallet", token)).Code == 401);
            }
        }
        finally
        {
            await TestServer.DropDatabaseAsync(identity);
        }
    }
}
