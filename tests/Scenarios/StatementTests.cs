using System.Net.Http.Json;
using Boon.Identity;
using Boon.Platform.Data;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>What requests ask of the database: how often, and by which way it finds the answer.</summary>
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
        var hold = await OpenTransaction.BeginAsync(boon, "select from promotions.checkpoints where subscription = 'promotions.redeem-orders' for update");
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

    [Fact]
    public async Task Erasing_an_account_reads_no_table_as_a_whole()
    {
        var (_, username, password) = await boon.Register();
        var token = await boon.Api.SignIn(username, password);
        using var statements = new Statements();
        (await boon.Api.Send(HttpMethod.Delete, "/v1/users/me", JsonContent.Create(new { currentPassword = password }), token, change: statements.Mark)).Code.ShouldBe(204);
        var sent = statements.Sent.SelectMany(text => text.Split(";\n", StringSplitOptions.RemoveEmptyEntries)).Where(IsPlanned).Distinct().ToList();
        sent.ShouldContain(statement => statement.Contains("update identity.event_log", StringComparison.Ordinal));
        sent.ShouldContain(statement => statement.Contains("delete from identity.idempotency_keys", StringComparison.Ordinal));

        await using var connection = await boon.Services.GetRequiredService<ModuleDatabase<IdentityDb>>().Database.Source.OpenConnectionAsync();
        foreach (var statement in sent)
            (await PlanAsync(connection, statement)).ShouldNotContain("Seq Scan", customMessage: statement);
    }

    private static bool IsPlanned(string statement) =>
        ((string[])["select", "with", "insert", "update", "delete"]).Any(verb => statement.TrimStart().StartsWith(verb, StringComparison.OrdinalIgnoreCase));

    /// <summary>The plan for any values, as the host's sessions make it.</summary>
    private static async Task<string> PlanAsync(NpgsqlConnection connection, string statement)
    {
        await ExecuteAsync(connection, $"prepare asked as {statement}");
        try
        {
            int parameters;
            await using (var count = new NpgsqlCommand("select cardinality(parameter_types) from pg_prepared_statements where name = 'asked'", connection))
                parameters = (int)(await count.ExecuteScalarAsync())!;
            var values = parameters == 0 ? "" : $"({string.Join(", ", Enumerable.Repeat("null", parameters))})";
            await using var explain = new NpgsqlCommand($"explain execute asked{values}", connection);
            await using var reader = await explain.ExecuteReaderAsync();
            var lines = new List<string>();
            while (await reader.ReadAsync())
                lines.Add(reader.GetString(0));
            return string.Join('\n', lines);
        }
        finally
        {
            await ExecuteAsync(connection, "deallocate asked");
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
