using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Boon.Platform.Access.Tokens;

/// <summary>
/// Tokens whose signature and claims were found good, by the SHA-256 of their text, so that the cache cannot be made to
/// give tokens away. Two generations: entries enter the current one; when it is full or a token's lifetime old, it
/// becomes the previous one and the former previous one is dropped with all that nobody asked for meanwhile. Reads take no lock.
/// </summary>
internal sealed class VerifiedTokenCache(int capacity, TimeSpan generationLifetime)
{
    private readonly Lock turning = new();
    private volatile Generations generations = new(Generation.Ended, Generation.Ended);

    internal int Count
    {
        get
        {
            var (current, previous) = generations;
            return current.Entries.Count + previous.Entries.Count;
        }
    }

    internal bool TryGet(in TokenDigest digest, DateTimeOffset now, out VerifiedToken token)
    {
        var (current, previous) = generations;
        if (current.Entries.TryGetValue(digest, out token))
        {
            return true;
        }

        if (!previous.Entries.TryGetValue(digest, out token))
        {
            return false;
        }

        Add(digest, token, now);
        return true;
    }

    internal void Add(in TokenDigest digest, VerifiedToken token, DateTimeOffset now)
    {
        var current = generations.Current;
        if (now - current.Since >= generationLifetime || !current.TryAdd(digest, token, capacity / 2))
        {
            // If even the new generation is full already, the token is verified afresh the next time.
            _ = TurnFrom(current, now).TryAdd(digest, token, capacity / 2);
        }
    }

    private Generation TurnFrom(Generation seen, DateTimeOffset now)
    {
        lock (turning)
        {
            if (generations.Current == seen)
            {
                generations = new Generations(new Generation(now), seen);
            }

            return generations.Current;
        }
    }

    private sealed record Generations(Generation Current, Generation Previous);

    private sealed class Generation(DateTimeOffset since)
    {
        private int claimed;

        internal static Generation Ended => new(DateTimeOffset.MinValue);

        internal ConcurrentDictionary<TokenDigest, VerifiedToken> Entries { get; } = new();

        internal DateTimeOffset Since => since;

        /// <summary>False if there is no room. Places are claimed first: counting entries would lock the dictionary.</summary>
        internal bool TryAdd(in TokenDigest digest, VerifiedToken token, int limit)
        {
            if (Interlocked.Increment(ref claimed) > limit)
            {
                return false;
            }

            if (!Entries.TryAdd(digest, token))
            {
                Interlocked.Decrement(ref claimed);
            }

            return true;
        }
    }
}

/// <summary>A token that was found good, and the key by which.</summary>
internal readonly record struct VerifiedToken(AccessToken Token, VerificationKey Key);

/// <summary>The SHA-256 of a token's text.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct TokenDigest(ulong A, ulong B, ulong C, ulong D)
{
    internal static TokenDigest Of(ReadOnlySpan<byte> text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text, hash);
        return MemoryMarshal.Read<TokenDigest>(hash);
    }

    // Only tokens that we signed are added, so nobody can choose entries that fall together.
    public override int GetHashCode() => (int)A;
}
