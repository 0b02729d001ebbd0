using Boon.FaultHost;
using Boon.Host;
using Boon.Identity;
using Boon.Identity.Keys;
using Boon.Identity.Passwords;
using Boon.Platform.Access.Tokens;
using Boon.Platform.Hosting;
using Boon.Platform.Replay;
using Boon.Platform.Rules;
using Boon.Platform.Units;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Boon.Support;

/// <summary>The real host, in this process, on a database and a port of its own.</summary>
public sealed class TestBoon : IAsyncDisposable
{
    public const string OperatorPassword = "operator of the tests";
    private readonly BoonHost host;
    private readonly string data;
    private readonly IReadOnlyList<IModule> modules;
    private readonly Looks looks = new();
    private string? operatorToken;
    private bool ownsDatabase;
    private TestTopology? topology;

    private TestBoon(BoonHost host, string database, string data, IReadOnlyList<IModule> modules, string url)
    {
        this.host = host;
        this.data = data;
        this.modules = modules;
        Database = database;
        Api = new Api(url);
    }

    public string Database { get; }

    /// <summary>The host's data folder.</summary>
    public string Data => data;

    public Api Api { get; }

    public IServiceProvider Services => host.App.Services;

    /// <summary>All addresses that it listens at.</summary>
    public IEnumerable<string> Urls => host.App.Urls;

    public static async Task<TestBoon> StartAsync(params (string Key, string Value)[] settings) =>
        await StartOnAsync(
            // Where modules have databases of their own, this one has no tables of theirs.
            TestTopology.Asked == Topology.Services
                || settings.Any(setting => setting.Key.StartsWith("ConnectionStrings:", StringComparison.Ordinal))
                ? await TestServer.CreateDatabaseAsync() : await TestServer.CreateMigratedAsync(),
            ownsDatabase: true, modules: null, settings);

    /// <summary>A host that has more modules than Boon's own.</summary>
    public static async Task<TestBoon> StartWithAsync(params IModule[] more) =>
        await StartOnAsync(await TestServer.CreateMigratedAsync(), ownsDatabase: true, modules: null, [], more);

    /// <summary>A host of some modules, on a database that the others have never seen.</summary>
    public static async Task<TestBoon> StartModulesAsync(string[] modules, params (string Key, string Value)[] settings) =>
        await StartOnAsync(await TestServer.CreateDatabaseAsync(), ownsDatabase: true, modules, settings);

    /// <summary>A host on a database that is there, and stays.</summary>
    public static Task<TestBoon> StartOnAsync(string database, params (string Key, string Value)[] settings) =>
        StartOnAsync(database, ownsDatabase: false, modules: null, settings);

    /// <summary>Another host on the same database.</summary>
    public Task<TestBoon> StartBesideAsync(params (string Key, string Value)[] settings) =>
        StartOnAsync(Database, ownsDatabase: false, modules: null, settings);

    static TestBoon()
    {
        EventTriggers.TestPrefix = "test.";
        FaultyBoon.BePatient();
        // What a hash costs by design would be most of what many tests cost.
        PasswordHashing.Rounds = FaultyBoon.FastRounds;
    }

    private static async Task<TestBoon> StartOnAsync(
        string database, bool ownsDatabase, string[]? modules, (string Key, string Value)[] settings, params IModule[] more)
    {
        IReadOnlyList<IModule> known = [.. BoonHost.AllModules, .. more];
        var data = Directory.CreateTempSubdirectory("boon-test-").FullName;
        var all = settings.ToDictionary(setting => setting.Key, setting => (string?)setting.Value);
        all["ConnectionStrings:Boon"] = database;
        all["Boon:Operator:Password"] = OperatorPassword;
        all["Boon:Log:Level"] = all.GetValueOrDefault("Boon:Log:Level") ?? "Fatal";
        // Only a whole Boon of its own can be spread over processes.
        var topology = TestTopology.Asked != Topology.One && ownsDatabase && modules is null && more.Length == 0
            ? await TestTopology.PrepareAsync(database, all) : null;
        if (topology is not null)
            modules = TestTopology.OwnModules;
        var host = await BoonHost.BuildAsync(
            new HostOptions(data, topology?.Own ?? "http://127.0.0.1:0", modules, Settings: all, Known: known), CancellationToken.None);
        await host.StartAsync(CancellationToken.None);
        if (topology is not null)
            await topology.StartAsync(all);
        var here = known.Where(module => modules?.Contains(module.Name) != false);
        return new TestBoon(host, database, data, [.. here], topology?.Gateway ?? host.Url)
            { ownsDatabase = ownsDatabase, topology = topology };
    }

    public async Task<string> OperatorToken() => operatorToken ??= await Api.SignIn("operator", OperatorPassword);

    /// <summary>Registers a member over HTTP.</summary>
    public async Task<(Guid Id, string Username, string Password)> Register(string? username = null)
    {
        username ??= "u" + Guid.CreateVersion7().ToString("N");
        const string password = "a pass phrase of a member";
        var answer = await Api.Post(
            "/v1/users", new { username, email = $"{username}@example.com", phone = NewPhone(), password, fullName = "A Member" });
        return answer.Code == 201 ? (answer.Id, username, password) : throw new InvalidOperationException(answer.Text);
    }

    private static int phones;

    public static string NewPhone() => $"+1555{Environment.ProcessId % 1000:000}{Interlocked.Increment(ref phones):0000000}";

    /// <summary>Seeds members by SQL and signs their tokens with the host's own key.</summary>
    public async Task<List<(Guid Id, string Token)>> SeedMembers(int count)
    {
        var ids = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).ToArray();
        await Execute("""
            insert into identity.users (id, username, username_key, full_name, status, roles, sign_ins)
            select id, 'seed' || id, 'seed' || id, 'Seeded', 'active', array['member'], 0 from unnest($1::uuid[]) id
            """, ids);
        return [.. ids.Select(id => (id, TokenOf(id)))];
    }

    /// <summary>A token for a user, as a sign-in would give.</summary>
    public string TokenOf(Guid user, params string[] roles)
    {
        var options = Services.GetRequiredService<TokenOptions>();
        var claims = AccessToken.New(user, Guid.CreateVersion7(), ["member", .. roles], TimeProvider.System.GetUtcNow(), options);
        return AccessTokenIssuer.Issue(Services.GetRequiredService<SigningKeys>().Current, claims, options);
    }

    /// <summary>
    /// Appends an event to Identity's log, in a transaction of its own; without <paramref name="about"/> it is about the user.
    /// </summary>
    public async Task Append(string type, Guid? user, string payload, string? about = null)
    {
        await using var scope = Services.CreateAsyncScope();
        await using var unit = scope.ServiceProvider.GetRequiredService<Unit<IdentityDb>>();
        await unit.BeginAsync(CancellationToken.None);
        unit.AppendRaw(type, "test", about ?? (user ?? Guid.Empty).ToString(), user, payload);
        await unit.CommitAsync(CancellationToken.None);
    }

    /// <summary>Appends events of new users to Identity's log, in one transaction.</summary>
    public Task AppendMany(string type, int count) => AppendMany(type, [.. Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7())]);

    /// <summary>Appends an event of each of these users to Identity's log, in one transaction.</summary>
    public async Task AppendMany(string type, IReadOnlyList<Guid> users)
    {
        await using var scope = Services.CreateAsyncScope();
        await using var unit = scope.ServiceProvider.GetRequiredService<Unit<IdentityDb>>();
        await unit.BeginAsync(CancellationToken.None);
        foreach (var user in users)
            unit.AppendRaw(type, "test", "many", user, "{}");
        await unit.CommitAsync(CancellationToken.None);
    }

    /// <summary>Creates a campaign; the members given win over those of a plain one.</summary>
    public async Task<Guid> CreateCampaign(object? change = null)
    {
        var body = new Dictionary<string, object?>
        {
            ["name"] = "A campaign",
            ["trigger"] = "identity.user-signed-in",
            ["limit"] = 100,
            ["benefit"] = new { kind = "percent", value = 30 },
            ["voucherValidFor"] = "P30D",
        };
        foreach (var property in change?.GetType().GetProperties() ?? [])
            body[property.Name] = property.GetValue(change);
        var answer = await Api.Post("/v1/campaigns", body, await OperatorToken());
        return answer.Code == 201 ? answer.Id : throw new InvalidOperationException(answer.Text);
    }

    /// <summary>The decisions of a campaign, once there are as many as expected.</summary>
    public async Task<List<Decision>> Decisions(Guid campaign, int expected)
    {
        var token = await OperatorToken();
        return await Eventually.Get($"{expected} decisions", async () =>
            await Api.All<Decision>($"/v1/campaigns/{campaign}/decisions", token) is { } found && found.Count >= expected ? found : null);
    }

    /// <summary>Waits until it says that it is ready: on a busy machine the database may be too slow for one look.</summary>
    public Task Ready() => Eventually.Holds("readiness", async () => (await Api.Get("/health/ready")).Code == 200);

    /// <summary>The lines of its log files that are written to their end; the host goes on writing.</summary>
    public List<string> LogLines(string files = "*")
    {
        var lines = new List<string>();
        foreach (var file in Directory.GetFiles(Path.Combine(data, "logs"), files))
        {
            using var reader = new StreamReader(
                new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
            var text = reader.ReadToEnd();
            lines.AddRange(text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }
        return lines;
    }

    /// <summary>Waits until every subscription has read everything that was logged.</summary>
    public Task CaughtUp(TimeSpan? within = null) => Eventually.Holds("the subscriptions", () =>
        topology?.DatabaseOf("identity") is null ? Scalar<bool>(Quiet.Of(modules)) : topology.IsQuietAsync(), within);

    /// <summary>Waits until a statement that contains this text waits for a lock that another transaction holds.</summary>
    public Task WaitsForLock(string text) => Eventually.Holds($"a statement with {text} to wait", () => Scalar<bool>("""
        select exists (
            select from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock' and strpos(query, $1) > 0
        )
        """, text));

    /// <summary>Delivers events again: moves a subscription's checkpoints back, as a restored backup would.</summary>
    public async Task Rewind(string module, string subscription, long by)
    {
        await Execute($"update {module}.checkpoints set sequence = greatest(sequence - $2, 0) where subscription = $1", subscription, by);
        await Execute($"select pg_notify('boon_log', source) from {module}.checkpoints where subscription = $1", subscription);
    }

    /// <summary>Rebuilds what a module derives from events, as <c>boon replay</c> does.</summary>
    public Task<ReplayReport> Replay(string module, bool checkOnly) =>
        Services.GetServices<ModuleReplay>().Single(replay => replay.Module == module)
            .Run(new ReplayOptions(checkOnly), new Progress<long>(), CancellationToken.None);

    /// <summary>Creates a reward; answers its id.</summary>
    public async Task<Guid> CreateReward(string item = "diamond", int quantity = 10)
    {
        var answer = await Api.Post("/v1/rewards", new { name = $"{quantity} of {item}", item, quantity }, await OperatorToken());
        return answer.Code == 201 ? answer.Id : throw new InvalidOperationException(answer.Text);
    }

    /// <summary>Creates a quest (three sign-ins, 10 diamonds, at most twice); the members given win over those of a plain one.</summary>
    public async Task<Guid> CreateQuest(object? change = null)
    {
        var body = new Dictionary<string, object?>
            { ["name"] = "A quest", ["trigger"] = "identity.user-signed-in", ["streak"] = 3, ["duplication"] = 2 };
        foreach (var property in change?.GetType().GetProperties() ?? [])
            body[property.Name] = property.GetValue(change);
        if (!body.ContainsKey("rewardId"))
            body["rewardId"] = await CreateReward();
        var answer = await Api.Post("/v1/quests", body, await OperatorToken());
        return answer.Code == 201 ? answer.Id : throw new InvalidOperationException(answer.Text);
    }

    /// <summary>Where modules have databases of their own: that of the module whose schema a statement names, which must be one.</summary>
    private string DatabaseOf(string sql)
    {
        var named = BoonHost.AllModules.Where(module => sql.Contains(module.Name + ".", StringComparison.Ordinal)).ToList();
        return topology?.DatabaseOf(named.Count == 0 ? "identity" : named[0].Name) is not { } database ? Database
            : named.Count <= 1 ? database
            : throw new InvalidOperationException($"This statement names several modules, which are apart here: {sql}");
    }

    public async Task<int> Execute(string sql, params object[] values)
    {
        await using var source = NpgsqlDataSource.Create(TestServer.ForTest(DatabaseOf(sql)));
        await using var command = source.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return await command.ExecuteNonQueryAsync();
    }

    public Task<T> Scalar<T>(string sql, params object[] values) => looks.ScalarAsync<T>(DatabaseOf(sql), sql, values);

    public async ValueTask DisposeAsync()
    {
        Api.Dispose();
        await looks.DisposeAsync();
        if (topology is not null)
            await topology.DisposeAsync();
        await host.DisposeAsync();
        if (topology is not null)
            await topology.DropDatabasesAsync();
        if (ownsDatabase)
            await TestServer.DropDatabaseAsync(Database);
        Directory.Delete(data, recursive: true);
    }
}
