using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Boon.Intake.Keys;

/// <summary>
/// A key with which a system reports events, and nothing else. The key itself is 256 random bits and shown once; what is kept is its
/// SHA-256, which is enough for a secret that nobody can guess.
/// </summary>
internal sealed class ApiKey
{
    internal const int LongestName = 100;

    /// <summary>How every key begins, so that people and scanners of secrets know one when they see it.</summary>
    internal const string Prefix = "boon_";

    private const int Bytes = 32;

    /// <summary>Characters of a key that are kept, so that people tell their keys apart.</summary>
    private const int StartLength = 10;

    public required Guid Id { get; init; }
    public required string Name { get; init; }

    /// <summary>How it begins.</summary>
    public required string Start { get; init; }

    /// <summary>SHA-256 of the key.</summary>
    public required byte[] Hash { get; init; }
    public required Guid CreatedBy { get; init; }
    public DateTimeOffset CreatedAt { get; private set; }
    public DateTimeOffset? RevokedAt { get; init; }

    /// <summary>Makes a key; answers it with what is kept of it.</summary>
    internal static (string Key, ApiKey Kept) Create(string name, Guid createdBy)
    {
        var key = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));
        return (key, new ApiKey
            { Id = OrderedId.New(), Name = name, Start = key[..StartLength], Hash = HashOf(key), CreatedBy = createdBy });
    }

    /// <summary>True for what looks like a key: only then a database is asked.</summary>
    internal static bool IsOne(string text) => text.Length == Prefix.Length + Base64Url.GetEncodedLength(Bytes)
        && text.StartsWith(Prefix, StringComparison.Ordinal) && Base64Url.IsValid(text.AsSpan(Prefix.Length));

    internal static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));
}
