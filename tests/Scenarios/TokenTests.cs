using System.Security.Cryptography;
using System.Text;
using Boon.Identity.Keys;
using Boon.Platform;
using Boon.Platform.Access.Tokens;
using Boon.Support;
using Microsoft.Extensions.DependencyInjection;

namespace Boon.Scenarios;

/// <summary>Forged and foreign tokens over HTTP: 401, each.</summary>
[Collection("Defences")]
public sealed class TokenTests
{
    [Theory]
    [Defended(nameof(Defences.ClaimChecks))]
    public async Task Forged_foreign_and_expired_tokens_are_refused(DefendedRun run)
    {
        using var switched = run.InThisProcess();
        await using var boon = await TestBoon.StartAsync();
        var good = await boon.OperatorToken();
        (await boon.Api.Get("/v1/users/me", good)).Code.ShouldBe(200);
        await Guarantee.Show(run.Defended, async () =>
        {
            foreach (var (what, token) in Forgeries(boon, good))
            {
                var answer = await boon.Api.Get("/v1/users/me", token);
                (answer.Code, answer.Problem).ShouldBe((401, "unauthenticated"), what);
            }
        });
    }

    [Fact]
    public async Task Everybody_who_comes_with_a_key_that_was_just_made_elsewhere_is_let_in()
    {
        await using var boon = await TestBoon.StartAsync();
        await using var source = Npgsql.NpgsqlDataSource.Create(boon.Database);
        for (var round = 0; round < 3; round++)
        {
            var mint = await TokenMint.CreateAsync(source);
            var answers = await Task.WhenAll(mint.Tokens(40).Select(token => boon.Api.Get("/v1/wallet", token)));
            answers.ShouldAllBe(answer => answer.Code == 200);
        }
    }

    [Fact]
    public async Task The_next_key_is_announced_before_it_signs()
    {
        await using var boon = await TestBoon.StartAsync();
        var keys = boon.Services.GetRequiredService<SigningKeys>();
        var first = keys.Current.Id;
        await boon.Execute("update identity.signing_keys set signs_until = now() + interval '1 hour'");
        await keys.LoadOrCreateAsync(CancellationToken.None);
        await keys.LoadOrCreateAsync(CancellationToken.None);
        keys.Current.Id.ShouldBe(first, "the next one does not sign yet");
        var known = await boon.Api.Get("/.well-known/jwks.json");
        known["keys"].GetArrayLength().ShouldBe(2, "everybody can learn it, and it is made once");
        await boon.Execute("update identity.signing_keys set signs_from = now() - interval '1 second'");
        await keys.LoadOrCreateAsync(CancellationToken.None);
        keys.Current.Id.ShouldNotBe(first);
    }

    private static IEnumerable<(string What, string Token)> Forgeries(TestBoon boon, string good)
    {
        var options = boon.Services.GetRequiredService<TokenOptions>();
        var key = boon.Services.GetRequiredService<SigningKeys>().Current;
        var parts = good.Split('.');
        var publicKey = RSA.Create(
            new RSAParameters { Modulus = Convert.FromBase64String(Padded(key.VerificationKey.Modulus)), Exponent = [1, 0, 1] })
            .ExportSubjectPublicKeyInfoPem();

        yield return ("alg none", $"{Part($$"""{"alg":"none","typ":"at+jwt","kid":"{{key.Id}}"}""")}.{parts[1]}.");
        yield return ("alg none with the signature",
            $"{Part($$"""{"alg":"none","typ":"at+jwt","kid":"{{key.Id}}"}""")}.{parts[1]}.{parts[2]}");
        var hs = $"{Part($$"""{"alg":"HS256","typ":"at+jwt","kid":"{{key.Id}}"}""")}.{parts[1]}";
        yield return ("HS256 signed with the public key",
            $"{hs}.{Url(HMACSHA256.HashData(Encoding.UTF8.GetBytes(publicKey), Encoding.UTF8.GetBytes(hs)))}");
        yield return ("another key, our kid",
            $"{parts[0]}.{parts[1]}.{AccessTokenIssuer.Issue(SigningKey.Create(), Claims(TimeSpan.Zero), options).Split('.')[2]}");
        yield return ("unknown kid", AccessTokenIssuer.Issue(SigningKey.Create(), Claims(TimeSpan.Zero), options));
        yield return ("wrong issuer", AccessTokenIssuer.Issue(key, Claims(TimeSpan.Zero), options with { Issuer = "somebody" }));
        yield return ("wrong audience", AccessTokenIssuer.Issue(key, Claims(TimeSpan.Zero), options with { Audience = "somebody" }));
        yield return ("expired", AccessTokenIssuer.Issue(key, Claims(TimeSpan.FromHours(-1)), options));
        var typed = $"{Part($$"""{"alg":"RS256","typ":"JWT","kid":"{{key.Id}}"}""")}.{parts[1]}";
        yield return ("wrong type", $"{typed}.{Url(Signed(key, typed))}");
        yield return ("an empty token", "");
        yield return ("garbage", "a.b.c");
        yield return ("one bit of the signature", parts[0] + "." + parts[1] + "." + (parts[2][0] == 'A' ? 'B' : 'A') + parts[2][1..]);

        AccessToken Claims(TimeSpan shift) =>
            AccessToken.New(
                Guid.CreateVersion7(), Guid.CreateVersion7(), ["member", "operator"], TimeProvider.System.GetUtcNow() + shift, options);
    }

    private static byte[] Signed(SigningKey key, string text)
    {
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(key.ExportPkcs8(), out _);
        return rsa.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
    }

    private static string Part(string json) => Url(Encoding.UTF8.GetBytes(json));

    private static string Url(byte[] bytes) => System.Buffers.Text.Base64Url.EncodeToString(bytes);

    private static string Padded(string base64Url) =>
        base64Url.Replace('-', '+').Replace('_', '/') + new string('=', (4 - (base64Url.Length % 4)) % 4);
}
