using System.Net.Http.Json;
using System.Text.Json;
using Boon.Support;
using Npgsql;

namespace Boon.Cluster;

/// <summary>The commands, as a user runs them.</summary>
public sealed class CommandLineTests
{
    private const string AnyPort = "http://127.0.0.1:0";

    [Fact]
    public async Task The_demo_holds_every_check_on_its_own_people()
    {
        var folder = Directory.CreateTempSubdirectory("boon-demo-").FullName;
        var server = await TestServer.CreateDatabaseAsync();
        await using var demo = BoonProcess.Start(
            new Dictionary<string, string> { ["ConnectionStrings__Boon"] = server }, "--fast-hash", "demo", "--once", "--urls", AnyPort,
            "--data", folder);
        (await demo.Exited(TimeSpan.FromMinutes(5))).ShouldBe(0, demo.Output);
        demo.Output.ShouldContain("ok     exactly 100 vouchers were issued (100)");
        demo.Output.ShouldContain("ok     everybody registered and signed in (250 of 250)");
        demo.Output.ShouldContain("budget-exhausted");
        demo.Output.ShouldContain("/docs");
        Directory.Delete(folder, recursive: true);
        await TestServer.DropDatabaseAsync(server);
    }

    [Fact]
    public async Task A_file_of_people_with_faults_says_which_and_fails_the_checks()
    {
        var folder = Directory.CreateTempSubdirectory("boon-demo-").FullName;
        var file = Path.Combine(folder, "people.csv");
        await File.WriteAllTextAsync(file, "username,email,phone,password,fullName\nann,ann@example.com,+15550000001,a long enough "
            + "phrase,Ann\nbob,not an address,+15550000002,a long enough phrase,Bob\n");
        var server = await TestServer.CreateDatabaseAsync();
        await using var demo = BoonProcess.Start(
            new Dictionary<string, string> { ["ConnectionStrings__Boon"] = server }, "--fast-hash", "demo", "--once", "--urls", AnyPort,
            "--members", file, "--data", folder);
        (await demo.Exited()).ShouldBe(1, demo.Output);
        demo.Output.ShouldContain("not registered: validation-failed: email");
        await using var missing = BoonProcess.Start(
            new Dictionary<string, string> { ["ConnectionStrings__Boon"] = server }, "demo", "--once", "--members", "/nowhere.csv",
            "--data", folder);
        (await missing.Exited()).ShouldBe(1);
        missing.Output.ShouldContain("boon: /nowhere.csv cannot be read");
        Directory.Delete(folder, recursive: true);
        await TestServer.DropDatabaseAsync(server);
    }

    [Fact]
    public async Task A_file_of_coupons_is_uploaded_in_parts_of_50000_and_a_bad_row_is_named()
    {
        await using var cluster = await TestCluster.CreateAsync(1);
        await cluster.StartAllAsync();
        var folder = Directory.CreateTempSubdirectory("boon-coupons-").FullName;
        var settings = new Dictionary<string, string> { ["Boon__Operator__Password"] = "operator of the cluster" };
        async Task<(int Status, string Output)> Upload(string name, string text)
        {
            var file = Path.Combine(folder, name);
            await File.WriteAllTextAsync(file, text);
            await using var upload = BoonProcess.Start(settings, "coupons", "upload", file, "--url", cluster.Api(0).Url);
            return (await upload.Exited(), upload.Output);
        }
        var rows = string.Concat(Enumerable.Range(0, 60_000).Select(i => $"\"CODE, {i}\",STANDARD,percent,10,2090-01-01T00:00:00Z\n"));
        const string header = "code,type,discountKind,discountValue,expiresAt\n";
        for (var time = 0; time < 2; time++)
        {
            var good = await Upload("good.csv", header + rows);
            good.Status.ShouldBe(0, good.Output);
            good.Output.ShouldContain("60,000 coupons uploaded.");
            (await cluster.ScalarAsync<long>("select count(*) from promotions.codes"))
                .ShouldBe(60_000, "a second time stores nothing twice");
        }
        var bad = await Upload(
            "bad.json", """{"coupons":[{"code":"A","discount":{"kind":"percent","value":200},"expiresAt":"2090-01-01T00:00:00Z"}]}""");
        (bad.Status, bad.Output.Contains("row 1: discount.value must be 1 to 100 percent", StringComparison.Ordinal))
            .ShouldBe((1, true), bad.Output);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task Serve_stops_on_SIGTERM_and_its_sessions_go_on_after_a_restart()
    {
        var folder = Directory.CreateTempSubdirectory("boon-serve-").FullName;
        var database = await TestServer.CreateDatabaseAsync();
        var settings = new Dictionary<string, string>
            { ["ConnectionStrings__Boon"] = database, ["Boon__Operator__Password"] = "operator of the tests" };
        string[] arguments = ["--fast-hash", "serve", "--urls", AnyPort, "--data", folder];
        string token;
        await using (var first = BoonProcess.Start(settings, arguments))
        {
            using var api = new Api(await first.Serving());
            first.Output.ShouldContain($"Database {new NpgsqlConnectionStringBuilder(database).Database} at ");
            first.Output.ShouldContain("modules identity, promotions");
            token = await api.SignIn("operator", "operator of the tests");
            first.Terminate();
            (await first.Exited()).ShouldBe(0, first.Output);
        }
        await using (var second = BoonProcess.Start(settings, arguments))
        {
            using var api = new Api(await second.Serving());
            (await api.Get("/v1/users/me", token)).Code.ShouldBe(200);
        }
        Directory.Delete(folder, recursive: true);
        await TestServer.DropDatabaseAsync(database);
    }

    [Fact]
    public async Task Serve_ends_with_a_word_when_its_database_does_not_answer_and_it_was_not_told_to_wait()
    {
        var folder = Directory.CreateTempSubdirectory("boon-away-").FullName;
        var settings = new Dictionary<string, string>
            { ["ConnectionStrings__Boon"] = $"Host={folder};Database=shop;Username=boon;Password=s3cret" };
        await using var boon = BoonProcess.Start(settings, "--fast-hash", "serve", "--urls", AnyPort, "--data", folder);
        (await boon.Exited()).ShouldBe(1, boon.Output);
        boon.Output.ShouldContain("boon: ");
        boon.Output.ShouldNotContain("   at ");
        boon.Output.ShouldNotContain("s3cret");
        boon.Output.ShouldNotContain("Waiting for the database");
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_sign_out_and_a_new_key_reach_the_other_process()
    {
        await using var cluster = await TestCluster.CreateAsync(2);
        await cluster.StartAllAsync();
        // Each process has a data folder, so a key ring, of its own: each signs with its own key, and both verify both.
        async Task<string> SignIn(int index) => await cluster.Api(index).SignIn("operator", "operator of the cluster");
        var (zero, one) = (await SignIn(0), await SignIn(1));
        Kid(zero).ShouldNotBe(Kid(one));
        (await cluster.Api(1).Get("/v1/users/me", zero)).Code.ShouldBe(200);
        (await cluster.Api(0).Get("/v1/users/me", one)).Code.ShouldBe(200);
        (await cluster.Api(0).Delete("/v1/sessions/current", zero)).Code.ShouldBe(204);
        await Eventually.Holds(
            "the other process to refuse the token", async () => (await cluster.Api(1).Get("/v1/users/me", zero)).Code == 401);
        (await cluster.Api(1).Get("/v1/users/me", one)).Code.ShouldBe(200);

        static string? Kid(string token) =>
            JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[0])).RootElement.GetProperty("kid")
            .GetString();
    }

    [Fact]
    public async Task An_operator_who_cannot_sign_in_is_let_in_again()
    {
        await using var cluster = await TestCluster.CreateAsync(1);
        await cluster.StartAllAsync();
        const string password = "operator of the cluster";
        var folder = Directory.CreateTempSubdirectory("boon-operators-").FullName;
        async Task<(int Status, string Output)> Run(params string[] arguments)
        {
            await using var command = BoonProcess.Start(
                new Dictionary<string, string> { ["ConnectionStrings__Boon"] = cluster.Database },
                ["--fast-hash", "operators", .. arguments, "--data", folder]);
            return (await command.Exited(), command.Output);
        }
        Task<Answer> SignIn(string with) => cluster.Api(0).Post("/v1/sessions", new { identifier = "operator", password = with });
        var token = await cluster.Api(0).SignIn("operator", password);
        while ((await SignIn("not the password")).Code == 401)
        {
            // until it is locked
        }
        (await SignIn(password)).Problem.ShouldBe("too-many-attempts");
        var unlocked = await Run("unlock", "Operator");
        (unlocked.Status, unlocked.Output.Contains("can sign in again", StringComparison.Ordinal)).ShouldBe((0, true), unlocked.Output);
        (await SignIn(password)).Code.ShouldBe(200);

        // An address that is locked for all accounts, and told no more what is taken.
        await cluster.ExecuteAsync("insert into identity.sign_in_failures select key || '127.0.0.1', 1000000, now() + interval '1 hour' "
            + "from unnest(array['address:', 'taken:', 'pair:x|']) key on conflict (key) do update set failures = excluded.failures");
        (await SignIn(password)).Problem.ShouldBe("too-many-attempts");
        var address = await Run("unlock", "--address", "::ffff:127.0.0.1");
        (address.Status, address.Output.Contains("Everybody at", StringComparison.Ordinal)).ShouldBe((0, true), address.Output);
        (await SignIn(password)).Code.ShouldBe(200);
        (await cluster.ScalarAsync<long>("select count(*) from identity.sign_in_failures where key like '%127.0.0.1'")).ShouldBe(0);
        foreach (var (arguments, says) in new[]
            { (new[] { "unlock", "--address", "here" }, "'here' is not an IP address"), (["unlock"], "--address ADDRESS") })
        {
            var (status, output) = await Run(arguments);
            (status, output.Contains(says, StringComparison.Ordinal)).ShouldBe((1, true), output);
        }

        var reset = await Run("reset-password", "operator");
        reset.Status.ShouldBe(0, reset.Output);
        var fresh = System.Text.RegularExpressions.Regex.Match(
            reset.Output, "The new password of 'operator' is ([A-Za-z0-9_-]{24})").Groups[1].Value;
        (await SignIn(password)).Code.ShouldBe(401);
        (await SignIn(fresh)).Code.ShouldBe(200);
        await Eventually.Holds("the old sessions to end", async () => (await cluster.Api(0).Get("/v1/users/me", token)).Code == 401);

        await cluster.Api(0).Post(
            "/v1/users", new
            { username = "a-member", email = "member@example.com", phone = TestBoon.NewPhone(), password = "a long enough phrase",
            fullName = "M" });
        foreach (var (arguments, says) in new[]
            { (new[] { "unlock", "nobody" }, "boon: There is no account 'nobody'"),
            (["reset-password", "a-member"], "boon: 'a-member' is not an operator") })
        {
            var (status, output) = await Run(arguments);
            (status, output.Contains(says, StringComparison.Ordinal)).ShouldBe((1, true), output);
        }
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("ConnectionString__Boon", "Host=db",
        "boon: There is no setting ConnectionString:Boon; did you mean ConnectionStrings:Boon")]
    [InlineData("ConnectionStrings__Boon", "postgres://ann:s3cret@db/shop",
        "boon: ConnectionStrings:Boon is an address; write it as Host=db;Username=ann;Password=...;Database=shop")]
    [InlineData("Boon__SignIn__Window", "abc", "boon: Boon:SignIn:Window is 'abc'; it can be a duration")]
    [InlineData("Boon__Urls", "http://192.0.2.1:5080",
        "boon: Boon:Urls (--urls) is 'http://192.0.2.1:5080'; this machine has no such address")]
    [InlineData("Boon__Urls", "taken", "another program listens there")]
    [InlineData("appsettings.json", "{\"Boon\":", "appsettings.json cannot be read as JSON")]
    [InlineData("Boon__Subscriptions__promotions.issue-voucher__Lanes", "1",
        "boon: There is no subscription promotions.issue-voucher to set")]
    public async Task What_cannot_be_set_is_said_in_one_line_and_nothing_is_made(string setting, string value, string says)
    {
        var folder = Directory.CreateTempSubdirectory("boon-settings-").FullName;
        using var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        if (setting == "appsettings.json")
            await File.WriteAllTextAsync(Path.Combine(folder, setting), value);
        var settings = new Dictionary<string, string> { [setting] = value == "taken" ? $"http://{taken.LocalEndpoint}" : value };
        // A value that only the whole start can judge needs a database; the others stop before.
        var server = setting is "Boon__Urls" || setting.Contains("Subscriptions", StringComparison.Ordinal)
            ? await TestServer.CreateDatabaseAsync() : null;
        if (server is not null)
            settings["ConnectionStrings__Boon"] = server;
        await using var boon = BoonProcess.StartIn(folder, settings, "--fast-hash", "serve");
        (await boon.Exited()).ShouldBe(1, boon.Output);
        boon.Output.ShouldContain(says);
        boon.Output.ShouldNotContain("   at ");
        boon.Output.ShouldNotContain("s3cret");
        Directory.Exists(Path.Combine(folder, ".boon", "postgres")).ShouldBeFalse();
        Directory.Delete(folder, recursive: true);
        if (server is not null)
            await TestServer.DropDatabaseAsync(server);
    }

    [Theory]
    [InlineData("dead-letters", "list")]
    [InlineData("dead-letters", "redrive")]
    [InlineData("replay", "quests")]
    public async Task Commands_that_work_with_data_make_none(params string[] arguments)
    {
        var folder = Directory.CreateTempSubdirectory("boon-empty-").FullName;
        await using var boon = BoonProcess.StartIn(folder, new Dictionary<string, string>(), arguments);
        (await boon.Exited()).ShouldBe(1, boon.Output);
        boon.Output.ShouldStartWith($"boon: There is no data in {folder}");
        Directory.EnumerateFileSystemEntries(folder).ShouldBeEmpty();
        Directory.Delete(folder);
    }

    [Theory]
    [InlineData("--help", "boon [command]")]
    [InlineData("--help", "demo")]
    [InlineData("--version", ".")]
    [InlineData("operators --help", "reset-password")]
    [InlineData("operators unlock --help", "username, e-mail address or phone number")]
    [InlineData("operators unlock --help", "--address")]
    [InlineData("serve --help", "--modules")]
    [InlineData("dead-letters --help", "redrive")]
    public async Task Help_helps(string arguments, string contains)
    {
        await using var help = BoonProcess.Start(new Dictionary<string, string>(), arguments.Split(' '));
        (await help.Exited()).ShouldBe(0);
        help.Output.ShouldContain(contains);
    }
}
