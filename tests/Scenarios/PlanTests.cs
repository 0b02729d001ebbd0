using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Boon.Identity;
using Boon.Identity.Sessions;
using Boon.Orders;
using Boon.Platform.Data;
using Boon.Platform.Units;
using Boon.Promotions;
using Boon.Quests;
using Boon.Support;
using Boon.Wallet;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>
/// By which way the database finds what statements ask for: by an index, in the order in which it is wanted, however large the tables are.
/// </summary>
public sealed partial class PlanTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    /// <summary>Tables that stay small, whatever happens.</summary>
    private static readonly string[] Small = ["signing_keys", "erased_secrets", "log_head"];

    [Fact]
    public async Task Erasing_an_account_reads_no_table_as_a_whole()
    {
        var (_, username, password) = await boon.Register();
        var token = await boon.Api.SignIn(username, password);
        using var statements = new Statements();
        (await boon.Api.Send(
            HttpMethod.Delete, "/v1/users/me", JsonContent.Create(new { currentPassword = password }), token,
            change: statements.Mark)).Code.ShouldBe(204);
        var plans = await PlansAsync(Source<IdentityDb>(), statements);
        plans.Keys.ShouldContain(statement => statement.Contains("update identity.event_log", StringComparison.Ordinal));
        plans.Keys.ShouldContain(statement => statement.Contains("delete from identity.idempotency_keys", StringComparison.Ordinal));
        plans.Keys.ShouldContain(statement => statement.Contains("identity.sign_in_failures", StringComparison.Ordinal));
        foreach (var (statement, plan) in plans)
            Wholes(plan).ShouldBeEmpty(statement);
    }

    [Fact]
    public async Task Housekeeping_reads_no_table_as_a_whole()
    {
        using var statements = new Statements();
        using (statements.Begin())
        {
            foreach (var one in boon.Services.GetServices<IHostedService>().OfType<Housekeeping>())
                await one.RunAsync(CancellationToken.None);
            await boon.Services.GetServices<IHostedService>().OfType<SessionHousekeeping>().Single().RunAsync(CancellationToken.None);
        }
        var plans = await PlansAsync(Source<IdentityDb>(), statements);
        foreach (var table in (string[])[
            "identity.sessions", "identity.sign_in_failures", "quests.dead_letters", "promotions.idempotency_keys"])
            plans.Keys.ShouldContain(statement => statement.Contains($"delete from {table}", StringComparison.Ordinal), table);
        foreach (var (statement, plan) in plans)
            Wholes(plan).ShouldBeEmpty(statement);
    }

    [Theory]
    [InlineData("/v1/quests/completions", "quests")]
    [InlineData("/v1/quests/completions?state=claimable", "quests")]
    [InlineData("/v1/quests/completions?state=granted&questId={id}", "quests")]
    [InlineData("/v1/quests/completions?userId={id}&state=pending&questId={id}", "quests", true)]
    [InlineData("/v1/quests/completions", "quests", true)]
    [InlineData("/v1/quests/completions?questId={id}", "quests", true)]
    [InlineData("/v1/quests/completions?state=claimable", "quests", true)]
    [InlineData("/v1/quests/completions?state=pending", "quests", true)]
    [InlineData("/v1/quests/events", "quests")]
    [InlineData("/v1/quests/events?questId={id}", "quests")]
    [InlineData("/v1/coupons", "promotions")]
    [InlineData("/v1/vouchers", "promotions")]
    [InlineData("/v1/orders", "orders")]
    [InlineData("/v1/orders", "orders", true)]
    [InlineData("/v1/wallet/entries", "wallet")]
    public async Task A_page_of_a_list_is_read_in_its_order_and_no_further(string path, string module, bool byOperator = false)
    {
        var token = byOperator ? await boon.OperatorToken() : boon.TokenOf(Guid.CreateVersion7());
        using var statements = new Statements();
        (await boon.Api.Send(
            HttpMethod.Get, path.Replace("{id}", $"{Guid.CreateVersion7()}", StringComparison.Ordinal), null, token,
            change: statements.Mark)).Code.ShouldBe(200);
        var source = module switch
            { "quests" => Source<QuestsDb>(), "promotions" => Source<PromotionsDb>(), "orders" => Source<OrdersDb>(), _ =>
            Source<WalletDb>() };
        var plans = await PlansAsync(source, statements);
        plans.ShouldNotBeEmpty();
        foreach (var (statement, plan) in plans)
        {
            Wholes(plan).ShouldBeEmpty(statement);
            Nodes(plan).Where(node => Type(node).Contains("Sort", StringComparison.Ordinal) && !Nodes(node)
                .Any(below => Type(below) == "Limit")).ShouldBeEmpty($"all rows are sorted for a page: {statement}\n{plan}");
        }
    }

    private NpgsqlDataSource Source<TContext>()
        where TContext : Microsoft.EntityFrameworkCore.DbContext =>
            boon.Services.GetRequiredService<ModuleDatabase<TContext>>().Database.Source;

    /// <summary>
    /// What reads a large table from its beginning to its end: every row of it, or every entry of an index without a limit above it.
    /// </summary>
    private static List<string> Wholes(JsonElement plan)
    {
        var found = new List<string>();
        Look(plan, limited: false);
        return found;

        void Look(JsonElement node, bool limited)
        {
            var whole = Type(node) is "Seq Scan"
                || (Type(node) is "Index Scan" or "Index Only Scan" && !limited && !node.TryGetProperty("Index Cond", out _));
            if (whole && !Small.Contains(node.GetProperty("Relation Name").GetString()))
                found.Add(node.ToString());
            foreach (var below in Below(node))
                Look(below, limited || Type(node) == "Limit");
        }
    }

    private static string Type(JsonElement node) => node.GetProperty("Node Type").GetString()!;

    private static JsonElement[] Below(JsonElement node) => node.TryGetProperty("Plans", out var plans) ? [.. plans.EnumerateArray()] : [];

    private static IEnumerable<JsonElement> Nodes(JsonElement node) => Below(node).SelectMany(Nodes).Prepend(node);

    /// <summary>The plans of what was sent, for any values, as the host's sessions make them.</summary>
    private static async Task<Dictionary<string, JsonElement>> PlansAsync(NpgsqlDataSource source, Statements statements)
    {
        var plans = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        await using var connection = await source.OpenConnectionAsync();
        foreach (var statement in statements.Sent.SelectMany(text => Between.Split(text)).Where(text => Planned.IsMatch(text)).Distinct())
            plans.Add(statement, await PlanAsync(connection, statement));
        return plans;
    }

    private static async Task<JsonElement> PlanAsync(NpgsqlConnection connection, string statement)
    {
        var names = new List<string>();
        var numbered = Named.Replace(statement, match =>
        {
            if (!names.Contains(match.Value))
                names.Add(match.Value);
            return $"${names.IndexOf(match.Value) + 1}";
        });
        await PrepareAsync(connection, numbered);
        try
        {
            var parameters = (int)(
                await ExecuteAsync(connection, "select cardinality(parameter_types) from pg_prepared_statements where name = 'asked'"))!;
            var values = parameters == 0 ? "" : $"({string.Join(", ", Enumerable.Repeat("null", parameters))})";
            return JsonSerializer.Deserialize<JsonElement>(
                (string)(await ExecuteAsync(connection, $"explain (format json) execute asked{values}"))!)[0].GetProperty("Plan");
        }
        finally
        {
            await ExecuteAsync(connection, "deallocate asked");
        }
    }

    /// <summary>
    /// Prepares a statement whose parameters have the types that the statement gives them. Where it leaves one open, the host says the type
    /// beside the value: an id, and anything where the parameter is not used.
    /// </summary>
    private static async Task PrepareAsync(NpgsqlConnection connection, string statement)
    {
        var types = new List<string>();
        while (true)
            try
            {
                await ExecuteAsync(connection, $"prepare asked{(types.Count > 0 ? $"({string.Join(", ", types)})" : "")} as {statement}");
                return;
            }
            catch (PostgresException error) when (OpenParameter.Match(error.MessageText) is { Success: true } open)
            {
                var number = int.Parse(open.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
                while (types.Count < number)
                    types.Add("unknown");
                types[number - 1] = types[number - 1] == "unknown" ? "uuid" : throw new InvalidOperationException(statement, error);
            }
    }

    private static async Task<object?> ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync();
    }

    /// <summary>Between the statements of a batch.</summary>
    [GeneratedRegex(";\\s*\\n")]
    private static partial Regex Between { get; }

    [GeneratedRegex("^\\s*(select|with|insert|update|delete)\\b", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture)]
    private static partial Regex Planned { get; }

    [GeneratedRegex("could not determine data type of parameter \\$([0-9]+)")]
    private static partial Regex OpenParameter { get; }

    /// <summary>A parameter as EF Core writes it.</summary>
    [GeneratedRegex("@\\w+")]
    private static partial Regex Named { get; }
}
