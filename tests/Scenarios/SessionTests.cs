using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Boon.Identity;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>How sessions go on and end.</summary>
public sealed class SessionTests(SharedBoon shared) : IClassFixture<SharedBoon>
{
    private readonly TestBoon boon = shared.Boon;

    /// <summary>The tokens of a new session of a new member, or of somebody.</summary>
    private async Task<(Answer Session, string Access, string Refresh)> SignIn((Guid Id, string Username, string Password)? somebody = null)
    {
        var person = somebody ?? await boon.Register();
        var session = await boon.Api.Post("/v1/sessions", new { identifier = person.Username, password = person.Password });
        return (session, session["accessToken"].GetString()!, session["refreshToken"].GetString()!);
    }

    private Task<Answer> Refresh(string token) => boon.Api.Post("/v1/sessions/refresh", new { refreshToken = token });

    private async Task<int> Status(string access) => (await boon.Api.Get("/v1/users/me", access)).Code;

    [Theory]
    [InlineData("signed-out")]
    [InlineData("password-changed")]
    [InlineData("roles-changed")]
    [InlineData("user-erased")]
    [InlineData("refresh-token-reused")]
    public async Task A_session_ends_whatever_its_own_time(string reason)
    {
        var person = await boon.Register();
        if (reason == "roles-changed")
            await SetRoles(person.Id, "member", "operator");
        var (session, access, refresh) = await SignIn(person);
        if (reason == "refresh-token-reused")
            access = (await Refresh(refresh))["accessToken"].GetString()!;
        var other = (await SignIn(person)).Access;
        await boon.Execute("update identity.sessions set expires_at = now() - interval '1 minute' where user_id = $1", person.Id);
        await boon.Execute("update identity.refresh_tokens set used_at = now() - interval '1 minute' where hash = $1",
            SHA256.HashData(Encoding.UTF8.GetBytes(refresh)));

        switch (reason)
        {
            case "signed-out":
                (await boon.Api.Delete("/v1/sessions/current", access)).Code.ShouldBe(204);
                (await Status(other)).ShouldBe(200, "another session of the same user goes on");
                break;
            case "password-changed":
                (await boon.Api.Patch(
                    "/v1/users/me", new { password = "a new long phrase", currentPassword = person.Password }, other)).Code.ShouldBe(200);
                (await Status(other)).ShouldBe(200, "the session that changed it goes on");
                break;
            case "roles-changed":
                await SetRoles(person.Id, "member");
                (await Status(other)).ShouldBe(401);
                break;
            case "user-erased":
                (await boon.Api.Erase(other, person.Password)).Code.ShouldBe(204);
                (await Status(other)).ShouldBe(401);
                break;
            default:
                (await Refresh(refresh)).Problem.ShouldBe("invalid-refresh-token");
                (await Status(other)).ShouldBe(200, "another session of the same user goes on");
                break;
        }
        (await Status(access)).ShouldBe(401);
        (await boon.Api.Post(
            "/v1/orders", new { product = "book", quantity = 1, total = new { amount = 100, currency = "EUR" } }, access)).Code
                .ShouldBe(401);
        (await boon.Scalar<long>("""
            select count(*) from identity.event_log where type = 'identity.session-ended.v1' and aggregateid = $1
            and payload ->> 'reason' = $2
            """, Claim(access, "sid").GetString()!, reason)).ShouldBe(1);
    }

    [Fact]
    public async Task An_access_token_does_not_outlive_its_session()
    {
        var (session, access, refresh) = await SignIn();
        session["expiresIn"].GetInt32().ShouldBe(1800);
        session["tokenType"].GetString().ShouldBe("Bearer");
        await boon.Execute("update identity.sessions set expires_at = now() + interval '5 minutes' where id = $1",
            Guid.Parse(Claim(access, "sid").GetString()!));
        var last = await Refresh(refresh);
        last["expiresIn"].GetInt32().ShouldBeInRange(1, 300);
        var token = last["accessToken"].GetString()!;
        (Claim(token, "exp").GetInt64() - Claim(token, "iat").GetInt64()).ShouldBe(last["expiresIn"].GetInt32());
        (await boon.Scalar<bool>("select to_timestamp($2) <= expires_at + interval '2 seconds' from identity.sessions where id = $1",
            Guid.Parse(Claim(access, "sid").GetString()!), (double)Claim(token, "exp").GetInt64())).ShouldBeTrue();
        (await Status(token)).ShouldBe(200);
    }

    [Fact]
    public async Task Tabs_that_refresh_at_once_stay_in_one_session_and_a_later_reuse_ends_it_everywhere()
    {
        var person = await boon.Register();
        var (_, _, refresh) = await SignIn(person);
        var tabs = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => Refresh(refresh)));
        tabs.ShouldAllBe(tab => tab.Code == 200);
        tabs.Select(tab => Claim(tab["accessToken"].GetString()!, "sid").GetString()).Distinct().Count().ShouldBe(1);
        tabs.Select(tab => tab["refreshToken"].GetString()).Distinct().Count().ShouldBe(10);
        var next = await Refresh(tabs[3]["refreshToken"].GetString()!);
        next.Code.ShouldBe(200);

        await boon.Execute("update identity.refresh_tokens set used_at = used_at - interval '11 seconds' where hash = $1",
            SHA256.HashData(Encoding.UTF8.GetBytes(refresh)));
        var reused = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Refresh(refresh)));
        reused.ShouldAllBe(answer => answer.Problem == "invalid-refresh-token");
        (await Status(next["accessToken"].GetString()!)).ShouldBe(401);
        (await Refresh(tabs[5]["refreshToken"].GetString()!)).Code.ShouldBe(401);
        (await boon.Scalar<long>(
            "select count(*) from identity.event_log where type = 'identity.session-ended.v1' and userid = $1", person.Id)).ShouldBe(1);
        (await boon.Scalar<long>("select sign_ins from identity.users where id = $1", person.Id)).ShouldBe(1);
    }

    [Fact]
    public async Task Signing_out_refuses_the_tokens_of_that_session_only()
    {
        var person = await boon.Register();
        var phone = (await SignIn(person)).Access;
        var laptop = (await SignIn(person)).Access;
        (await boon.Api.Delete("/v1/sessions/current", phone)).Code.ShouldBe(204);
        (await Status(phone)).ShouldBe(401);
        (await Status(laptop)).ShouldBe(200);
    }

    private async Task SetRoles(Guid user, params string[] roles) =>
        (await boon.Api.Put($"/v1/users/{user}/roles", new { roles }, await boon.OperatorToken())).Code.ShouldBe(200);

    private static JsonElement Claim(string token, string name) =>
        JsonDocument.Parse(Base64Url.DecodeFromChars(token.Split('.')[1])).RootElement.GetProperty(name);
}

/// <summary>Guarantees of sessions, with their defence and without it.</summary>
[Collection("Defences")]
public sealed class SessionGuaranteeTests
{
    [Theory]
    [Defended(nameof(IdentityDefences.RefreshOverlap))]
    public Task Two_tabs_that_refresh_at_once_do_not_sign_each_other_out(DefendedRun run) => Defended.Show(run, async boon =>
    {
        var person = await boon.Register();
        var session = await boon.Api.Post("/v1/sessions", new { identifier = person.Username, password = person.Password });
        var tabs = await Task.WhenAll(
            Enumerable.Range(0, 2)
            .Select(_ => boon.Api.Post("/v1/sessions/refresh", new { refreshToken = session["refreshToken"].GetString() })));
        foreach (var tab in tabs)
        {
            tab.Code.ShouldBe(200);
            (await boon.Api.Get("/v1/users/me", tab["accessToken"].GetString())).Code.ShouldBe(200);
        }
    });

    [Theory]
    [Defended(nameof(IdentityDefences.ReuseEndsSession))]
    public Task A_copied_refresh_token_ends_the_session_of_whoever_used_it_first(DefendedRun run) => Defended.Show(run, async boon =>
    {
        var person = await boon.Register();
        var session = await boon.Api.Post("/v1/sessions", new { identifier = person.Username, password = person.Password });
        var thief = await boon.Api.Post("/v1/sessions/refresh", new { refreshToken = session["refreshToken"].GetString() });
        await boon.Execute("update identity.refresh_tokens set used_at = used_at - interval '1 minute' where used_at is not null");
        (await boon.Api.Post("/v1/sessions/refresh", new { refreshToken = session["refreshToken"].GetString() })).Code.ShouldBe(401);
        (await boon.Api.Get("/v1/users/me", thief["accessToken"].GetString())).Code.ShouldBe(401);
    });
}
