using System.Security.Cryptography;
using System.Text;
using Boon.Platform;
using Boon.Platform.Access.Tokens;
using Base64Url = System.Buffers.Text.Base64Url;

namespace Boon.Bench;

/// <summary>
/// Verification of access tokens on one thread: those never seen before, those seen before, and forged ones. The limit is the bare
/// RSA verification of the same signatures.
/// </summary>
internal static class TokensBench
{
    private const int Tokens = 1_000;
    private const int Runs = 21;
    private const double MostRatio = 2.0;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        var (key, options) = (SigningKey.Create(), new TokenOptions());
        var began = Stopwatch.GetTimestamp();
        string[] tokens = [.. Enumerable.Range(0, Tokens).Select(_ => AccessTokenIssuer.Issue(key, Claims(), options))];
        var signing = Stopwatch.GetElapsedTime(began).TotalMicroseconds / Tokens;
        string[] forged = [.. tokens.Select(token => token[..^8] + "AAAAAAAA")];
        using var rsa = RSA.Create();
        rsa.ImportPkcs8PrivateKey(key.ExportPkcs8(), out _);
        var (bare, fresh, seen, refused) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (var run = -3; run < Runs; run++) // the first three warm up
        {
            ct.ThrowIfCancellationRequested();
            var verifier = new AccessTokenVerifier(options, TimeProvider.System, _ => key.VerificationKey, _ => false);
            double[] times = [Bare(), await VerifyAsync(tokens, true), await VerifyAsync(tokens, true), await VerifyAsync(forged, false)];
            if (run < 0)
                continue;
            bare.Add(times[0]);
            fresh.Add(times[1]);
            seen.Add(times[2]);
            refused.Add(times[3]);

            async Task<double> VerifyAsync(string[] texts, bool valid)
            {
                var start = Stopwatch.GetTimestamp();
                foreach (var text in texts)
                    if ((await verifier.VerifyAsync(text)).IsValid != valid)
                        throw new InvalidOperationException("A token was judged wrongly.");
                return Stopwatch.GetElapsedTime(start).TotalMicroseconds / texts.Length;
            }
        }
        var ratio = Figures.Ratio(fresh, bare);
        const string Limit = "the limit is the bare RSA verification of their signatures";
        return new Figures($"tokens: {Tokens:N0} tokens, one thread, medians of {Runs} runs; {Limit}")
            .Add("a token never seen before", Micro(fresh), Micro(bare), ratio, $"< {MostRatio:0.0}", ratio < MostRatio)
            .Add("a token seen before", Micro(seen), Micro(bare), Figures.Ratio(seen, bare))
            .Add("a forged signature", Micro(refused), Micro(bare), Figures.Ratio(refused, bare))
            .Add("signing a token", $"{signing:0.0} µs");

        AccessToken Claims() =>
            AccessToken.New(Guid.CreateVersion7(), Guid.CreateVersion7(), [Role.Member], TimeProvider.System.GetUtcNow(), options);

        double Bare()
        {
            var start = Stopwatch.GetTimestamp();
            foreach (var text in tokens)
            {
                var end = text.LastIndexOf('.');
                var (signed, signature) = (Encoding.ASCII.GetBytes(text[..end]), Base64Url.DecodeFromChars(text.AsSpan(end + 1)));
                if (!rsa.VerifyData(signed, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))
                    throw new InvalidOperationException("A signature was judged wrongly.");
            }
            return Stopwatch.GetElapsedTime(start).TotalMicroseconds / tokens.Length;
        }
    }

    private static string Micro(List<double> times) => $"{Figures.Median(times):0.0} µs";
}
