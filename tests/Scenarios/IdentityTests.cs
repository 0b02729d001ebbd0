using System.Globalization;
using System.Net;
using Boon.Identity.Passwords;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

public sealed class IdentityTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    private static object Someone(string username, string? email = null, string? phone = null) =>
        new { username, email = email ?? $"{username}@example.com", phone = phone ?? TestBoon.NewPhone(),
            password = "a long enough phrase", fullName = "Somebody" };

    [Fact]
    public async Task A_user_registers_signs_in_by_each_identifier_and_sees_the_account()
    {
        var phone = TestBoon.NewPhone();
        var registered = await boon.Api.Post(
            "/v1/users", new
            { username = "José", email = "Jose@Example.com", phone, password = "un largo secreto", fullName = "José O'Neill",
            birthday = "2000-02-29" });
        registered.Code.ShouldBe(201);
        registered.Headers.Location!.ToString().ShouldBe($"/v1/users/{registered.Id}");
        registered.Text.ShouldNotContain("password");
        foreach (var identifier in (string[])["josé", "jose@example.COM", phone])
        {
            var token = await boon.Api.SignIn(identifier, "un largo secreto");
            var me = await boon.Api.Get("/v1/users/me", token);
            me["username"].GetString().ShouldBe("José");
            me["birthday"].GetString().ShouldBe("2000-02-29");
            me["roles"].EnumerateArray().Select(role => role.GetString()).ShouldBe(["member"]);
        }
        var events = await boon.Api.All<Event>(
            $"/v1/events?type=identity.user-signed-in&userId={registered.Id}", await boon.OperatorToken());
        events.Select(e => (e["number"].GetInt64(), e["first"].GetBoolean())).ShouldBe([(3, false), (2, false), (1, true)]);
    }

    [Fact]
    public async Task Taken_names_are_refused_by_field_even_when_requests_race()
    {
        var phone = TestBoon.NewPhone();
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 12).Select(_ => boon.Api.Post("/v1/users", Someone("racer", "racer@example.com", phone))));
        answers.Count(answer => answer.Code == 201).ShouldBe(1);
        foreach (var refused in answers.Where(answer => answer.Code != 201))
        {
            refused.Code.ShouldBe(409);
            refused.Problem.ShouldBe("already-registered");
            refused["errors"].EnumerateObject().Select(error => error.Name).ShouldBe(["username", "email", "phone"]);
        }
        (await boon.Api.Post("/v1/users", Someone("RACER", "another@example.com")))["errors"].EnumerateObject().Select(error => error.Name)
            .ShouldBe(["username"]);
        (await boon.Api.Post("/v1/users", Someone("other-racer", "RACER@example.com")))["errors"].EnumerateObject()
            .Select(error => error.Name).ShouldBe(["email"]);
        (await boon.Api.Post("/v1/users", Someone("third-racer", phone: phone)))["errors"].EnumerateObject().Select(error => error.Name)
            .ShouldBe(["phone"]);
    }

    [Fact]
    public async Task Wrong_and_unknown_are_alike_and_too_many_are_stopped()
    {
        var person = await boon.Register();
        var wrong = await boon.Api.Post("/v1/sessions", new { identifier = person.Username, password = "not the password" });
        var unknown = await boon.Api.Post("/v1/sessions", new { identifier = "nobody-" + person.Username, password = "not the password" });
        (wrong.Code, wrong.Problem).ShouldBe((401, "invalid-credentials"));
        wrong.Text.ShouldBe(unknown.Text);

        var tries = await Task.WhenAll(
            Enumerable.Range(0, 15)
            .Select(_ => boon.Api.Post("/v1/sessions", new { identifier = person.Username, password = "not the password" })));
        tries.Count(answer => answer.Code == 401).ShouldBe(9);
        var locked = await boon.Api.Post("/v1/sessions", new { identifier = person.Username, password = person.Password });
        (locked.Code, locked.Problem).ShouldBe((429, "too-many-attempts"));
        locked.Headers.RetryAfter!.Delta!.Value.TotalSeconds.ShouldBeInRange(1, 900);
    }

    [Fact]
    public async Task Others_are_hidden_and_roles_are_needed()
    {
        var (one, other) = (await boon.Register(), await boon.Register());
        var token = await boon.Api.SignIn(one.Username, one.Password);
        (await boon.Api.Get($"/v1/users/{other.Id}", token)).Code.ShouldBe(404);
        (await boon.Api.Get($"/v1/users/{one.Id}", token)).Code.ShouldBe(200);
        (await boon.Api.Get($"/v1/users/{other.Id}", await boon.OperatorToken())).Code.ShouldBe(200);
        (await boon.Api.Get("/v1/campaigns", token)).Problem.ShouldBe("forbidden");
        (await boon.Api.Get("/v1/users/me")).Problem.ShouldBe("unauthenticated");
        (await boon.Api.Get($"/v1/vouchers?userId={other.Id}", token)).Code.ShouldBe(404);
    }

    [Fact]
    public async Task An_operator_grants_the_role_and_taking_it_signs_out()
    {
        var person = await boon.Register();
        (await boon.Api.Put($"/v1/users/{person.Id}/roles", new { roles = new[] { "member", "operator" } }, await boon.OperatorToken(
            ))).Code.ShouldBe(200);
        var token = await boon.Api.SignIn(person.Username, person.Password);
        (await boon.Api.Get("/v1/campaigns", token)).Code.ShouldBe(200);
        (await boon.Api.Put($"/v1/users/{person.Id}/roles", new { roles = new[] { "member" } }, await boon.OperatorToken())).Code
            .ShouldBe(200);
        (await boon.Api.Get("/v1/users/me", token)).Code.ShouldBe(401);
        var operatorId = (await boon.Api.Get("/v1/users/me", await boon.OperatorToken())).Id;
        (await boon.Api.Put($"/v1/users/{operatorId}/roles", new { roles = new[] { "member" } }, await boon.OperatorToken(
            ))).Problem.ShouldBe("operator-protected");
    }

    [Fact]
    public async Task A_user_changes_the_account_and_the_password()
    {
        var person = await boon.Register();
        var token = await boon.Api.SignIn(person.Username, person.Password);
        var other = await boon.Api.SignIn(person.Username, person.Password);
        var changed = await boon.Api.Patch("/v1/users/me", new { fullName = "Another Name", birthday = "1990-05-01" }, token);
        (changed["fullName"].GetString(), changed["birthday"].GetString(), changed["username"].GetString())
            .ShouldBe(("Another Name", "1990-05-01", person.Username));
        (await boon.Api.Patch("/v1/users/me", new { password = "a new long phrase", currentPassword = "wrong" }, token)).Problem
            .ShouldBe("invalid-credentials");
        (await boon.Api.Patch(
            "/v1/users/me", new { password = "a new long phrase", currentPassword = person.Password }, token)).Code.ShouldBe(200);
        (await boon.Api.Get("/v1/users/me", token)).Code.ShouldBe(200);
        (await boon.Api.Get("/v1/users/me", other)).Code.ShouldBe(401);
        await boon.Api.SignIn(person.Username, "a new long phrase");
    }

    [Fact]
    public async Task Another_email_or_phone_needs_the_password_and_the_same_one_does_not()
    {
        var person = await boon.Register();
        var token = await boon.Api.SignIn(person.Username, person.Password);
        var me = await boon.Api.Get("/v1/users/me", token);
        var (email, phone) = ("new-" + me["email"].GetString(), TestBoon.NewPhone());
        foreach (var change in (object[])[new { email }, new { phone }])
        {
            var missing = await boon.Api.Patch("/v1/users/me", change, token);
            (missing.Code, missing["errors"].EnumerateObject().Single().Name).ShouldBe((400, "currentPassword"));
        }
        (await boon.Api.Patch("/v1/users/me", new { email, currentPassword = "wrong" }, token)).Problem.ShouldBe("invalid-credentials");
        (await boon.Api.Get("/v1/users/me", token)).Text.ShouldBe(me.Text);
        (await boon.Api.Patch(
            "/v1/users/me", new { email = me["email"].GetString(), phone = me["phone"].GetString(), fullName = "A Member" },
            token)).Code.ShouldBe(200);
        var changed = await boon.Api.Patch("/v1/users/me", new { email, phone, currentPassword = person.Password }, token);
        (changed["email"].GetString(), changed["phone"].GetString()).ShouldBe((email, phone));
        await boon.Api.SignIn(email, person.Password);

        var guesses = await Task.WhenAll(Enumerable.Range(0, 14).Select(_ => boon.Api.Erase(token, "not the password")));
        guesses.Count(guess => guess.Code == 403).ShouldBe(9, "a wrong one was counted above");
        (await boon.Api.Erase(token, person.Password)).Problem.ShouldBe("too-many-attempts");
    }

    [Fact]
    public async Task Erasing_takes_personal_data_out_of_the_table_and_the_log()
    {
        var phone = TestBoon.NewPhone();
        const string secret = "zz-erase-me-zz";
        var registered = await boon.Api.Post(
            "/v1/users", new
            { username = secret, email = secret + "@example.com", phone, password = "a long enough phrase", fullName = secret },
            key: "erase-key");
        var token = await boon.Api.SignIn(secret, "a long enough phrase");
        (await boon.Api.Delete("/v1/users/me", token)).Code.ShouldBe(400);
        (await boon.Api.Delete("/v1/users/me", token, new { }))["errors"].EnumerateObject().Select(error => error.Name)
            .ShouldBe(["currentPassword"]);
        (await boon.Api.Erase(token, "not the password")).Problem.ShouldBe("invalid-credentials");
        (await boon.Api.Get("/v1/users/me", token)).Code.ShouldBe(200);
        (await boon.Api.Erase(token, "a long enough phrase")).Code.ShouldBe(204);

        (await boon.Api.Get("/v1/users/me", token)).Code.ShouldBe(401);
        (await boon.Api.Post("/v1/sessions", new { identifier = secret, password = "a long enough phrase" })).Code.ShouldBe(401);
        foreach (var table in (string[])["users", "event_log", "idempotency_keys"])
            (await boon.Scalar<long>($"select count(*) from identity.{table} t where t::text like '%{secret}%' or t::text like '%{phone}%' "
                + $"or convert_from(decode(replace(coalesce(substring(t::text from '\\\\x([0-9a-f]*)'), ''), '\\\\x', ''), 'hex'), 'UTF8') "
                + $"like '%{secret}%'")).ShouldBe(0, table);
        var events = await boon.Api.All<Event>($"/v1/events?userId={registered.Id}", await boon.OperatorToken());
        events.ShouldContain(e => e.Type == "identity.user-erased.v1");
        (await boon.Api.Post("/v1/users", Someone(secret, phone: phone))).Code.ShouldBe(201);
    }

    [Fact]
    public async Task A_weak_hash_is_made_anew_at_sign_in()
    {
        var person = await boon.Register();
        var weak = new Microsoft.AspNetCore.Identity.PasswordHasher<object>(
            Microsoft.Extensions.Options.Options.Create(new Microsoft.AspNetCore.Identity.PasswordHasherOptions { IterationCount = 500 }))
            .HashPassword(null!, person.Password);
        await boon.Execute("update identity.users set password_hash = $2 where id = $1", person.Id, weak);
        await boon.Api.SignIn(person.Username, person.Password);
        (await boon.Scalar<string>("select password_hash from identity.users where id = $1", person.Id)).ShouldNotBe(weak);
        await boon.Api.SignIn(person.Username, person.Password);
    }

    [Fact]
    public async Task The_public_keys_are_published_and_private_parts_are_not_readable()
    {
        var keys = await boon.Api.Get("/.well-known/jwks.json");
        var key = keys["keys"].EnumerateArray().First();
        key.GetProperty("kty").GetString().ShouldBe("RSA");
        key.GetProperty("alg").GetString().ShouldBe("RS256");
        key.EnumerateObject().Select(member => member.Name).ShouldBe(["kty", "use", "alg", "kid", "n", "e"], ignoreOrder: true);
        var stored = await boon.Scalar<byte[]>("select private_key from identity.signing_keys limit 1");
        Should.Throw<System.Security.Cryptography.CryptographicException>(() => System.Security.Cryptography.RSA.Create()
            .ImportPkcs8PrivateKey(stored, out _));
    }

    [Fact]
    public async Task A_new_key_signs_nobody_out()
    {
        var token = await boon.OperatorToken();
        await boon.Execute("update identity.signing_keys set signs_until = now()");
        await ((Boon.Identity.Keys.SigningKeys)boon.Services.GetService(typeof(Boon.Identity.Keys.SigningKeys))!).LoadOrCreateAsync(
            CancellationToken.None);
        var person = await boon.Register();
        var fresh = await boon.Api.SignIn(person.Username, person.Password);
        (await boon.Api.Get("/v1/users/me", token)).Status.ShouldBe(HttpStatusCode.OK);
        (await boon.Api.Get("/v1/users/me", fresh)).Status.ShouldBe(HttpStatusCode.OK);
    }

    /// <summary>
    /// However long hashes take, here until everything else was served, nobody else waits for them; and of the processors they get what
    /// others leave.
    /// </summary>
    [Fact]
    public async Task A_burst_of_sign_ins_starves_nothing_else()
    {
        const int burst = 60;
        var person = await boon.Register();
        var token = await boon.Api.SignIn(person.Username, person.Password);
        var hashing = boon.Services.GetRequiredService<PasswordHashing>();
        List<Task<Answer>> signIns;
        await using (await HeldHashes.HoldAsync(hashing))
        {
            signIns = [.. Enumerable.Range(0, burst)
                .Select(_ => boon.Api.Post("/v1/sessions", new { identifier = person.Username, password = person.Password }))];
            await Eventually.Holds("the burst to wait for its hashes", () => Task.FromResult(hashing.Waiting == burst));
            for (var i = 0; i < 4 * burst; i++)
                (await boon.Api.Patch("/v1/users/me", new { fullName = $"A Member, {i}" }, token)).Code.ShouldBe(200);
            signIns.ShouldAllBe(signIn => !signIn.IsCompleted);
        }
        (await Task.WhenAll(signIns)).ShouldAllBe(answer => answer.Code == 200);
        if (!OperatingSystem.IsLinux())
            return;
        var threads = Directory.GetDirectories("/proc/self/task").Select(thread => File.ReadAllText(Path.Combine(thread, "stat")))
            .Where(stat => stat.Contains("(password-hash", StringComparison.Ordinal)).ToList();
        threads.Count.ShouldBeGreaterThanOrEqualTo(Environment.ProcessorCount);
        threads.ShouldAllBe(stat => Niceness(stat) >= 10);
    }

    /// <summary>How nice a thread is: the 19th member of "pid (name) state ppid ...".</summary>
    private static int Niceness(string stat) => int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[16], CultureInfo.InvariantCulture);
}
