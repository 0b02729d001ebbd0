using System.Buffers.Text;
using System.Net;
using System.Text;
using Boon.Gateway;
using Boon.Gateway.Sending;
using Boon.Platform.Hosting;
using Boon.Support;
using Boon.Unit.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Unit.Gateway;

/// <summary>Tests that switch a defence off: alone, because a switch is the whole process's.</summary>
[CollectionDefinition("Defences", DisableParallelization = true)]
public sealed class DefencesCollection;

[Collection("Defences")]
public sealed class ClientLimitsTests
{
    private const int PerSecond = 50;
    private static readonly DeclaredRoute Route =
        new("identity", "GET", "/v1/users/me", Keyed: false, NeedsCredential: true, LargestBody: null);

    private readonly StoppedClock clock = new();
    private readonly ClientLimits limits;

    public ClientLimitsTests() => limits = new ClientLimits(
        new ConfigurationBuilder().AddInMemoryCollection([new("Boon:Gateway:RequestsPerSecond", $"{PerSecond}")]).Build(), clock);

    [Theory]
    [Defended(nameof(GatewayDefences.TakenCredentials))]
    public Task Made_up_credentials_give_no_other_bucket(DefendedRun run) => Guarantee.Show(run.Defended, async () =>
    {
        GatewayDefences.TakenCredentials.On = run.Defended;
        try
        {
            var passed = 0;
            for (var i = 0; i < 3 * PerSecond; i++)
                if ((await SendAsync("203.0.113.7", i % 2 == 0 ? null : $"Bearer made-up-{i}", taken: false)).Passed)
                    passed++;
            passed.ShouldBe(PerSecond);
        }
        finally
        {
            GatewayDefences.TakenCredentials.On = true;
        }
    });

    [Fact]
    public async Task A_user_whose_token_was_taken_has_one_bucket_wherever_and_with_whatever_token()
    {
        await SendAsync("203.0.113.7", Token("user-1", 1));
        await SendAsync("203.0.113.8", Token("user-1", 2));
        await EmptyAsync("203.0.113.7", null);
        await EmptyAsync("203.0.113.8", Token("user-1", 1));
        (await SendAsync("203.0.113.9", Token("user-1", 2))).Passed.ShouldBeFalse("its bucket is empty");
        (await SendAsync("203.0.113.9", Token("user-2", 1))).Passed.ShouldBeTrue("until it is taken, a token counts for its address");
        (await SendAsync("203.0.113.9", Token("user-2", 1))).Passed.ShouldBeTrue();
    }

    [Fact]
    public async Task A_token_that_is_no_longer_taken_counts_for_its_address_again()
    {
        await SendAsync("203.0.113.7", Token("user-1", 1));
        await EmptyAsync("203.0.113.7", null);
        (await SendAsync("203.0.113.7", Token("user-1", 1), taken: false)).Passed.ShouldBeTrue();
        (await SendAsync("203.0.113.7", Token("user-1", 1), taken: false)).Passed.ShouldBeFalse();
    }

    [Fact]
    public async Task What_is_refused_says_when_to_come_again_and_a_pause_fills_the_bucket()
    {
        await EmptyAsync("203.0.113.7", null);
        var refused = await SendAsync("203.0.113.7", null);
        refused.Status.ShouldBe(429);
        refused.RetryAfter.ShouldBe("1");
        clock.Now += TimeSpan.FromSeconds(1.0 / PerSecond);
        (await SendAsync("203.0.113.7", null)).Passed.ShouldBeTrue();
        (await SendAsync("203.0.113.7", null)).Passed.ShouldBeFalse();
        clock.Now += TimeSpan.FromHours(1);
        await EmptyAsync("203.0.113.7", null);
    }

    [Fact]
    public async Task The_network_of_an_IPv6_address_is_one_client()
    {
        await EmptyAsync("2001:db8::1", null);
        (await SendAsync("2001:db8:0:0:ffff::2", null)).Passed.ShouldBeFalse();
        (await SendAsync("2001:db8:0:1::1", null)).Passed.ShouldBeTrue();
        await EmptyAsync("203.0.113.7", null);
        (await SendAsync("::ffff:203.0.113.7", null)).Passed.ShouldBeFalse();
    }

    [Fact]
    public void Buckets_that_are_full_are_forgotten()
    {
        var buckets = new TokenBuckets(PerSecond, clock);
        for (var i = 0; i < 1_000; i++)
            buckets.TryTake($"client {i}", out _).ShouldBeTrue();
        buckets.Count.ShouldBe(1_000);
        clock.Now += TimeSpan.FromSeconds(2);
        buckets.TryTake("another", out _).ShouldBeTrue();
        buckets.Count.ShouldBe(1);
    }

    /// <summary>Sends as many as a bucket holds, and no more.</summary>
    private async Task EmptyAsync(string address, string? authorization)
    {
        for (var i = 0; ; i++)
            if (!(await SendAsync(address, authorization)).Passed)
            {
                i.ShouldBeInRange(PerSecond - 1, PerSecond);
                return;
            }
    }

    private async Task<(bool Passed, int Status, string RetryAfter)> SendAsync(string address, string? authorization, bool taken = true)
    {
        await using var services = new ServiceCollection().AddLogging().BuildServiceProvider();
        var http = new DefaultHttpContext { RequestServices = services };
        http.SetEndpoint(new Endpoint(null, new EndpointMetadataCollection(Route), null));
        http.Connection.RemoteIpAddress = IPAddress.Parse(address);
        if (authorization is not null)
            http.Request.Headers.Authorization = authorization;
        var passed = false;
        await limits.AdmitAsync(http, inner =>
        {
            passed = true;
            inner.Response.StatusCode = taken ? StatusCodes.Status200OK : StatusCodes.Status401Unauthorized;
            return Task.CompletedTask;
        });
        return (passed, http.Response.StatusCode, http.Response.Headers.RetryAfter.ToString());
    }

    private static string Token(string user, int number) =>
        $"Bearer head.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes($$"""{"sub":"{{user}}","jti":{{number}}}"""))}.signature";
}
