using System.Collections.Concurrent;
using Boon.Identity;
using Boon.Identity.Passwords;
using Boon.Platform;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>A host with low limits that believes its tests' addresses.</summary>
public sealed class LimitedBoon : IAsyncLifetime
{
    internal const int PerAccount = 15;
    internal const int PerAddress = 30;
    internal const int SignUps = 5;
    internal const int Taken = 3;

    public TestBoon Boon { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Boon = await TestBoon.StartAsync(
        ("Boon:Web:TrustedProxies:0", "127.0.0.1"), ("Boon:Web:TrustedProxies:1", "192.0.2.0/24"),
        ("Boon:SignIn:FailuresPerAccount", $"{PerAccount}"), ("Boon:SignIn:FailuresPerAddress", $"{PerAddress}"),
        ("Boon:SignUp:PerAddress", $"{SignUps}"), ("Boon:SignUp:Window", "01:00:00"), ("Boon:SignUp:TakenPerAddress", $"{Taken}"));

    public ValueTask DisposeAsync() => Boon.DisposeAsync();
}

/// <summary>Who is stopped, and who is not.</summary>
public sealed class LimitTests(LimitedBoon limited) : IClassFixture<LimitedBoon>
{
    private readonly TestBoon boon = limited.Boon;
    private static int addresses;

    /// <summary>An address that no other test has.</summary>
    private static string NewAddress() => $"198.51.100.{Interlocked.Increment(ref addresses)}";

    private Task<Answer> From(string address, string path, object body) => boon.Api.Send(
        HttpMethod.Post, path, System.Net.Http.Json.JsonContent.Create(body), token: null, change: request =>
            request.Headers.Add("X-Forwarded-For", address));

    private Task<Answer> SignIn(string address, string identifier, string password = "not the password") =>
        From(address, "/v1/sessions", new { identifier, password });

    private Task<Answer> SignUp(string address, string username, string? email = null, string? phone = null) => From(address, "/v1/users",
        new { username, email = email ?? $"{username}@example.com", phone = phone ?? TestBoon.NewPhone(),
            password = "a long enough phrase", fullName = "Somebody" });

    private async Task<(string Username, string Email, string Phone)> Somebody()
    {
        var phone = TestBoon.NewPhone();
        var username = "u" + Guid.CreateVersion7().ToString("N");
        (await SignUp(NewAddress(), username, phone: phone)).Code.ShouldBe(201);
        return (username, $"{username}@example.com", phone);
    }

    /// <summary>Fails until it is locked; answers how often it was told that the password is wrong.</summary>
    private async Task<int> Guess(string address, string identifier)
    {
        for (var told = 0; told < 40; told++)
            if (await SignIn(address, identifier) is { Code: not 401 } answer)
            {
                (answer.Code, answer.Problem).ShouldBe((429, "too-many-attempts"));
                answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds.ShouldBeInRange(1, 900);
                return told;
            }
        return int.MaxValue;
    }

    [Fact]
    public async Task Guesses_lock_out_the_address_that_makes_them_long_before_they_lock_the_account()
    {
        var (username, email, _) = await Somebody();
        var (owner, stranger) = (NewAddress(), NewAddress());
        (await Guess(stranger, username)).ShouldBe(10);
        (await SignIn(stranger, username, "a long enough phrase")).Code.ShouldBe(429, "a right password is refused like a wrong one");
        (await SignIn(owner, username, "a long enough phrase")).Code.ShouldBe(200);

        (await Guess(NewAddress(), username)).ShouldBe(LimitedBoon.PerAccount - 10);
        (await SignIn(owner, username, "a long enough phrase")).Code.ShouldBe(429);
        (await IdentityModule.UnlockAsync(boon.Services, email, CancellationToken.None)).ShouldBeGreaterThan(0);
        (await SignIn(owner, username, "a long enough phrase")).Code.ShouldBe(200);
        (await SignIn(stranger, username, "a long enough phrase")).Code.ShouldBe(200);
        await Should.ThrowAsync<SetupException>(() => IdentityModule.UnlockAsync(boon.Services, "nobody", CancellationToken.None));
        await Should.ThrowAsync<SetupException>(() => IdentityModule.ResetPasswordAsync(boon.Services, email, CancellationToken.None));
    }

    [Fact]
    public async Task Guesses_at_many_accounts_lock_the_address_and_no_account()
    {
        var (username, _, _) = await Somebody();
        var stranger = NewAddress();
        for (var i = 0; i < LimitedBoon.PerAddress; i++)
            (await SignIn(stranger, $"nobody-{i}")).Code.ShouldBe(401);
        (await SignIn(stranger, username, "a long enough phrase")).Code.ShouldBe(429);
        (await SignIn(NewAddress(), username, "a long enough phrase")).Code.ShouldBe(200);
    }

    [Fact]
    public async Task Counts_tell_nothing_about_who_exists()
    {
        var (username, email, phone) = await Somebody();
        static string FullWidth(string text) => string.Concat(text.Select(c => (char)(c - '!' + '！')));
        (await SignIn(NewAddress(), FullWidth(phone), "a long enough phrase")).Code.ShouldBe(200, "it is the same number");
        foreach (var (known, unknown) in new[] { (phone, TestBoon.NewPhone()), (email, "x" + email), (username, "x" + username) })
        {
            var stranger = NewAddress();
            (await Guess(stranger, known)).ShouldBe(10);
            (await Guess(stranger, unknown)).ShouldBe(10);
            (await SignIn(stranger, FullWidth(known))).Code.ShouldBe((await SignIn(stranger, FullWidth(unknown))).Code);
            (await SignIn(stranger, FullWidth(known))).Code.ShouldBe(429);
        }
    }

    [Fact]
    public async Task Sign_ups_are_limited_by_address_to_the_last_one_whatever_comes_at_once()
    {
        var address = NewAddress();
        var answers = await Task.WhenAll(
            Enumerable.Range(0, LimitedBoon.SignUps + 4).Select(_ => SignUp(address, "u" + Guid.CreateVersion7().ToString("N"))));
        answers.Count(answer => answer.Code == 201).ShouldBe(LimitedBoon.SignUps);
        foreach (var refused in answers.Where(answer => answer.Code != 201))
        {
            (refused.Code, refused.Problem).ShouldBe((429, "too-many-sign-ups"));
            refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds.ShouldBeInRange(1, 3600);
        }
        await Somebody(); // from elsewhere
    }

    [Fact]
    public async Task Every_trusted_hop_is_passed_and_nothing_beyond_the_first_other_is_believed()
    {
        const string balancer = "192.0.2.7";
        Task<Answer> From(params string[] hops) => SignUp(string.Join(", ", hops), "u" + Guid.CreateVersion7().ToString("N"));
        var (client, proxy) = (NewAddress(), NewAddress());
        for (var i = 0; i < LimitedBoon.SignUps; i++)
        {
            (await From(client, balancer)).Code.ShouldBe(201);
            (await From(NewAddress(), proxy, balancer)).Code.ShouldBe(201);
        }
        (await From(client, balancer)).Problem.ShouldBe("too-many-sign-ups");
        (await From(NewAddress(), proxy, balancer)).Problem.ShouldBe("too-many-sign-ups", "a stranger forges what is left of it");
        (await From(NewAddress(), balancer)).Code.ShouldBe(201, "another client behind the same balancer");
    }

    [Fact]
    public async Task Nobody_is_told_without_end_which_names_are_taken()
    {
        var (username, email, phone) = await Somebody();
        var asker = NewAddress();
        for (var i = 0; i < LimitedBoon.Taken; i++)
            (await SignUp(asker, $"asker-{i}", email, phone)).Problem.ShouldBe("already-registered");
        (await SignUp(asker, username)).Problem.ShouldBe("too-many-attempts");
        (await SignUp(asker, "u" + Guid.CreateVersion7().ToString("N"))).Problem
            .ShouldBe("too-many-attempts", "whether it is taken makes no difference");
        (await SignUp(NewAddress(), username)).Problem.ShouldBe("already-registered");
    }

    [Fact]
    public async Task People_behind_one_address_may_use_the_same_key()
    {
        var address = NewAddress();
        Task<Answer> Keyed(string name, string fullName) => boon.Api.Send(
            HttpMethod.Post, "/v1/users", System.Net.Http.Json.JsonContent.Create(
                new { username = name, email = $"{name}@example.com", phone = $"+1556{name[^7..]}", password = "a long enough phrase",
                    fullName }),
            token: null, key: "1", change: request => request.Headers.Add("X-Forwarded-For", address));
        var first = await Keyed("one-0000001", "One");
        (await Keyed("two-0000002", "Two")).Code.ShouldBe(201);
        var again = await Keyed("one-0000001", "One");
        (again.Code, again.Text, again.Headers.Contains("Idempotent-Replayed")).ShouldBe((201, first.Text, true));
        (await Keyed("one-0000001", "Another")).Problem.ShouldBe("idempotency-mismatch");
    }

    [Fact]
    public async Task A_key_is_the_same_however_the_address_is_written()
    {
        var token = boon.TokenOf(Guid.CreateVersion7());
        var order = new { product = "book", quantity = 1, total = new { amount = 100, currency = "EUR" } };
        var first = await boon.Api.Post("/v1/orders", order, token, key: "k");
        first.Code.ShouldBe(201);
        foreach (var path in (string[])["/V1/Orders", "/v1/orders/", "/v1/%6Frders"])
        {
            var again = await boon.Api.Post(path, order, token, key: "k");
            (again.Code, again.Id, again.Headers.Contains("Idempotent-Replayed")).ShouldBe((201, first.Id, true), path);
        }
    }
}

/// <summary>Guarantees of limits, with their defence and without it.</summary>
[Collection("Defences")]
public sealed class LimitGuaranteeTests
{
    [Theory]
    [Defended(nameof(IdentityDefences.SignInShare))]
    public async Task A_sign_in_does_not_wait_behind_every_sign_up(DefendedRun run)
    {
        using var switched = run.InThisProcess();
        await Guarantee.Show(run.Defended, async () =>
        {
            using var hashing = new PasswordHashing();
            const int before = 16;
            var taken = new ConcurrentQueue<HashFor>();
            Task Take(HashFor whom) => hashing.EnqueueAsync(whom, () =>
            {
                taken.Enqueue(whom);
                return "";
            }, CancellationToken.None);
            await using var held = await HeldHashes.HoldAsync(hashing);
            List<Task> all = [.. Enumerable.Range(0, before).Select(_ => Take(HashFor.SignUp)), Take(HashFor.SignIn)];
            held.ReleaseOne();
            await Task.WhenAll(all);
            taken.ToList().IndexOf(HashFor.SignIn).ShouldBeLessThan(before / 2);
        });
    }
}
