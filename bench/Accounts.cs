using System.Net.Http.Headers;
using Boon.Host.Demo;
using Boon.Identity.Accounts;
using Boon.Identity.Passwords;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace Boon.Bench;

/// <summary>Accounts to sign in with: inserted by SQL, all with one password and its hash of full strength.</summary>
internal static class Accounts
{
    internal const string Password = "correct horse battery staple 7";

    internal static PasswordHasher<User> Hasher { get; } =
        new(Options.Create(new PasswordHasherOptions { IterationCount = PasswordHashing.Rounds }));

    internal static string Hash { get; } = Hasher.HashPassword(null!, Password);

    internal static string Name(int number) => $"bench-{number}";

    internal static async Task SeedAsync(NpgsqlDataSource source, int count, CancellationToken ct)
    {
        await using var command = source.CreateCommand("""
            insert into identity.users (id, username, username_key, full_name, password_hash, status, roles, sign_ins)
            select id, name, name, name, $3, 'active', '{member}', 0 from unnest($1, $2) u (id, name)
            """);
        command.Parameters.Add(new() { Value = Enumerable.Range(0, count).Select(_ => Guid.CreateVersion7()).ToArray() });
        command.Parameters.Add(new() { Value = Enumerable.Range(0, count).Select(Name).ToArray() });
        command.Parameters.Add(new() { Value = Hash });
        await command.ExecuteNonQueryAsync(ct);
    }

    /// <summary>A client of a host that calls as the operator.</summary>
    internal static async Task<HttpClient> OperatorAsync(HostProcess host, CancellationToken ct)
    {
        using var client = new DemoClient(host.Url, 1);
        var token = await SignInAsync(client, "operator", HostProcess.OperatorPassword, ct);
        return new HttpClient
            { BaseAddress = new Uri(host.Url), DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", token) } };
    }

    /// <summary>Signs in; answers the access token.</summary>
    internal static async Task<string> SignInAsync(DemoClient client, string identifier, string password, CancellationToken ct)
    {
        var answer = await client.SendAsync(HttpMethod.Post, "/v1/sessions", new { identifier, password }, null, ct);
        return answer.Ok ? answer.Body.GetProperty("accessToken").GetString()! : throw new InvalidOperationException(
            $"The sign-in of {identifier} was refused: {answer.Refusal}");
    }
}
