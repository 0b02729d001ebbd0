using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Services;

/// <summary>
/// What the processes of one installation show each other: <c>Boon:Services:Secret</c>. It opens <c>/internal</c> and nothing else, and
/// nothing else opens that. Without it nobody gets in.
/// </summary>
public sealed class ServicesSecret
{
    private readonly byte[]? hash;

    /// <summary>Reads the setting.</summary>
    public ServicesSecret(IConfiguration configuration)
    {
        Text = Settings.ServicesSecret.Of(configuration);
        hash = Text is null ? null : HashOf(Text);
    }

    /// <summary>The secret itself; null when none is set.</summary>
    internal string? Text { get; }

    /// <summary>True when a credential is the secret. How long this takes says nothing about the secret.</summary>
    internal bool Is(string credential) => hash is not null && CryptographicOperations.FixedTimeEquals(hash, HashOf(credential));

    private static byte[] HashOf(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
