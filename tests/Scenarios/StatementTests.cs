using Boon.Support;

namespace Boon.Scenarios;

/// <summary>What requests ask of the database: how often.</summary>
public sealed class StatementTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    /// <summary>As many other orders end meanwhile; a look for each of them would be one for each event of the log.</summary>
    private const int Others = 40;

    [Fact]
    public async Task Who_waits_for_an_order_looks_when_that_order_ends_and_not_with_every_event()
    {
        using var statements = new Statements();
        var members = await boon.SeedMembers(2);
        object Order(string? code) => new { product = "p", quantity = 1, total = new { amount = 1000, currency = "USD" }, code };
        var hold = await OpenTransaction.BeginAsync(
            boon, "select from promotions.checkpoints where subscription = 'promotions.redeem-orders' for update");
        Task<Answer> waiting;
        await using (hold)
        {
            var placed = await boon.Api.Post("/v1/orders", Order("NO-SUCH-CODE"), members[0].Token);
            waiting = boon.Api.Send(HttpMethod.Get, $"/v1/orders/{placed.Id}", null, members[0].Token, change: request =>
            {
                statements.Mark(request);
                request.Headers.Add("Prefer", "wait=30");
            });
            await Eventually.Holds("the first look", () => Task.FromResult(Looks() > 0));
            for (var i = 0; i < Others; i++)
                (await boon.Api.Post("/v1/orders", Order(null), members[1].Token)).Code.ShouldBe(201);
        }
        (await waiting).Code.ShouldBe(200);
        // Before it waits, when it begins to be woken, and when the order has ended; once more when the wait is over.
        Looks().ShouldBeInRange(2, 4, string.Join('\n', statements.Sent));

        int Looks() => statements.Sent.Count(statement => statement.Contains("orders.orders", StringComparison.Ordinal));
    }
}
