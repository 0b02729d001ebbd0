using System.Security.Cryptography;
using Boon.Platform.Access.Tokens;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Boon.Identity.Keys;

/// <summary>
/// The key that this process signs with. Keys live in the database, the private part encrypted with ASP.NET Data Protection; a process uses
/// the newest that it can decrypt and makes one when there is none. Public parts go into the log, so every process verifies every key's
/// tokens. The next key is announced well before it signs, so that others know it by then; and it signs nobody out: the old one verifies
/// until its last token is over.
/// </summary>
internal sealed partial class SigningKeys(
    ModuleDatabase<IdentityDb> module, LogSignals signals, IDataProtectionProvider protection, AccessState access, LogBarrier barrier,
    IConfiguration configuration, TimeProvider time, ILogger<SigningKeys> logger) : BackgroundService
{
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMinutes(1);

    /// <summary>How long a key verifies after it has stopped signing: longer than a token lives.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromHours(24);

    /// <summary>How long before it signs a key is announced, at most: a quarter of its life when that is shorter.</summary>
    private static readonly TimeSpan LongestNotice = TimeSpan.FromDays(1);

    private readonly IDataProtector protector = protection.CreateProtector("Boon.Identity.SigningKeys.v1");

    /// <summary>How long a key signs: <c>Boon:Tokens:KeyLifetime</c>, default 30 days.</summary>
    private readonly TimeSpan lifetime = Settings.KeyLifetime.Of(configuration);

    private SigningKey? current;

    /// <summary>The key to sign with now.</summary>
    internal SigningKey Current => current ?? throw new InvalidOperationException("The host has not started.");

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await LoadOrCreateAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        module.Database.Loops.EveryAsync(
            CheckInterval, time, () => LoadOrCreateAsync(stoppingToken), error => LogFailed(logger, error.Message), stoppingToken);

    private TimeSpan Notice => lifetime / 4 < LongestNotice ? lifetime / 4 : LongestNotice;

    /// <summary>Takes the newest key that signs now, or makes one; announces the next one in time.</summary>
    internal async Task LoadOrCreateAsync(CancellationToken ct)
    {
        var (usable, lasts) = await ReadAsync(ct);
        current = usable ?? await CreateAsync(signsFrom: null, ct);
        if (lasts is { } until && until < Notice)
            await CreateAsync(signsFrom: until, ct);
    }

    /// <summary>The newest key that this process can decrypt and that signs now, and how long from now there will be one.</summary>
    private async Task<(SigningKey? Usable, TimeSpan? Lasts)> ReadAsync(CancellationToken ct)
    {
        var (usable, lasts) = ((SigningKey?)null, (TimeSpan?)null);
        await module.Database.Background.Command("""
            select kid, private_key, signs_from <= now(), signs_until - now()
            from identity.signing_keys
            where signs_until > now()
            order by created_at desc
            """)
            .ReadEachAsync(row =>
            {
                var key = row.GetString(0) == current?.Id ? current : TryUnprotect(row.GetFieldValue<byte[]>(1));
                if (key is null)
                    return;
                if (row.GetBoolean(2))
                    usable ??= key;
                if (lasts is not { } longest || longest < row.GetTimeSpan(3))
                    lasts = row.GetTimeSpan(3);
            }, ct);
        return (usable, lasts);
    }

    /// <summary>Makes a key and announces it. When this returns, whoever reads Identity's log finds it.</summary>
    /// <param name="signsFrom">From when on it signs, counted from now; null: at once.</param>
    /// <param name="ct">Ends the wait.</param>
    private async Task<SigningKey> CreateAsync(TimeSpan? signsFrom, CancellationToken ct)
    {
        var key = SigningKey.Create();
        var jwk = key.VerificationKey.ToJwk();
        var starts = signsFrom ?? TimeSpan.Zero;
        var announcement = new SigningKeyCreated(key.Id, jwk.N, jwk.E, time.GetUtcNow() + starts + lifetime + Grace);
        await using var unit = new Unit<IdentityDb>(module.ForBackground, signals);
        await unit.BeginAsync(ct);
        await unit.Command("""
            insert into identity.signing_keys (kid, private_key, signs_from, signs_until, retires_at)
            values ($1, $2, now() + $3, now() + $4, $5)
            """, key.Id, protector.Protect(key.ExportPkcs8()), starts, starts + lifetime, announcement.RetiresAt)
            .ExecuteAsync(ct);
        unit.Append(announcement);
        await unit.CommitAsync(ct);
        try
        {
            await barrier.SettleAsync(module.Database.ForBackground, ct);
        }
        catch (TimeoutException error)
        {
            // A frozen process keeps others from numbering for some seconds. Whoever meets the key meanwhile waits for it.
            LogFailed(logger, error.Message);
        }
        access.Add(announcement);
        LogCreated(logger, key.Id, starts);
        return key;
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

    [LoggerMessage(1, LogLevel.Information, "A new signing key {Kid} signs in {SignsIn}", EventName = "signing-key-created")]
    private static partial void LogCreated(ILogger logger, string kid, TimeSpan signsIn);

    [LoggerMessage(2, LogLevel.Warning, "Could not look after the signing keys in time; going on: {Error}",
        EventName = "signing-keys-failed")]
    private static partial void LogFailed(ILogger logger, string error);
}
