using System.Security.Cryptography;
using Boon.Platform.Web.Tokens;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Identity.Keys;

/// <summary>
/// The key that this process signs with. Keys live in the database, the private part encrypted with ASP.NET Data Protection; a process uses the newest
/// that it can decrypt and makes one when there is none. Public parts go into the log, so every process verifies every key's tokens, and a new
/// key signs nobody out: the old one verifies until its last token is over.
/// </summary>
internal sealed partial class SigningKeys(
    ModuleDatabase<IdentityDb> module, IServiceScopeFactory scopes, IDataProtectionProvider protection, AccessState access,
    IConfiguration configuration, TimeProvider time, ILogger<SigningKeys> logger) : BackgroundService
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(1);

    /// <summary>How long a key verifies after it has stopped signing: longer than a token lives.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromHours(24);

    private readonly IDataProtector protector = protection.CreateProtector("Boon.Identity.SigningKeys.v1");

    /// <summary>How long a key signs: <c>Boon:Tokens:KeyLifetime</c>, default 30 days.</summary>
    private readonly TimeSpan lifetime = configuration.GetValue("Boon:Tokens:KeyLifetime", TimeSpan.FromDays(30));

    private SigningKey? current;

    /// <summary>The key to sign with now.</summary>
    internal SigningKey Current => current ?? throw new InvalidOperationException("The host has not started.");

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await LoadOrCreateAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(CheckInterval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await LoadOrCreateAsync(stoppingToken);
            }
            catch (Exception error) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(logger, error.Message);
            }
        }
    }

    /// <summary>Takes the newest key that signs now, or makes one.</summary>
    internal async Task LoadOrCreateAsync(CancellationToken ct)
    {
        await using (var read = module.Database.Source.CreateCommand("select kid, private_key from identity.signing_keys where signs_until > now() order by created_at desc"))
        await using (var reader = await read.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
            {
                if (reader.GetString(0) == current?.Id)
                    return;
                if (TryUnprotect(reader.GetFieldValue<byte[]>(1)) is { } key)
                {
                    current = key;
                    return;
                }
            }
        await CreateAsync(ct);
    }

    private async Task CreateAsync(CancellationToken ct)
    {
        var key = SigningKey.Create();
        var jwk = key.VerificationKey.ToJwk();
        var announcement = new SigningKeyCreated(key.Id, jwk.N, jwk.E, time.GetUtcNow() + lifetime + Grace);
        await using var scope = scopes.CreateAsyncScope();
        await using var unit = scope.ServiceProvider.GetRequiredService<Unit<IdentityDb>>();
        await unit.BeginAsync(ct);
        await using (var insert = unit.Command(
            "insert into identity.signing_keys (kid, private_key, signs_until, retires_at) values ($1, $2, now() + $3, $4)",
            key.Id, protector.Protect(key.ExportPkcs8()), lifetime, announcement.RetiresAt))
            await insert.ExecuteNonQueryAsync(ct);
        unit.Append(announcement);
        await unit.CommitAsync(ct);
        access.Add(announcement);
        current = key;
        LogCreated(logger, key.Id);
    }

    private SigningKey? TryUnprotect(byte[] stored)
    {
        try
        {
            return SigningKey.FromPkcs8(protector.Unprotect(stored));
        }
        catch (CryptographicException)
        {
            return null; // made by a process with another key ring; its tokens verify here all the same
        }
    }

    [LoggerMessage(1, LogLevel.Information, "A new signing key {Kid} signs from now on", EventName = "signing-key-created")]
    private static partial void LogCreated(ILogger logger, string kid);

    [LoggerMessage(2, LogLevel.Warning, "Could not look after the signing keys; trying again: {Error}", EventName = "signing-keys-failed")]
    private static partial void LogFailed(ILogger logger, string error);
}
