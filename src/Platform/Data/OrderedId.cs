using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Boon.Platform.Data;

/// <summary>
/// Makes ids that sort in the order in which a process made them: lists are sorted by them. It is a UUID of version 7 whose first twelve
/// random bits are a finer clock (RFC 9562, section 6.2, method 3). Two of one instant, and those after a clock that was put back, count on
/// from the last one. The framework's own are random within a millisecond.
/// </summary>
public static class OrderedId
{
    private const int FinerBits = 12;
    private const long TicksPerMillisecond = TimeSpan.TicksPerMillisecond;

    private static long last;

    /// <summary>The next id of this process; 62 of its bits are random.</summary>
    public static Guid New() => At(Next(TimeProvider.System.GetUtcNow()));

    /// <summary>Milliseconds since 1970, and 4,096ths of one in the lowest twelve bits.</summary>
    internal static long Clock(DateTimeOffset now)
    {
        var ticks = now.Ticks - DateTimeOffset.UnixEpoch.Ticks;
        return ((ticks / TicksPerMillisecond) << FinerBits) | ((ticks % TicksPerMillisecond << FinerBits) / TicksPerMillisecond);
    }

    private static long Next(DateTimeOffset now)
    {
        var clock = Clock(now);
        while (true)
        {
            var before = Volatile.Read(ref last);
            var next = Math.Max(clock, before + 1);
            if (Interlocked.CompareExchange(ref last, next, before) == before)
                return next;
        }
    }

    private static Guid At(long clock)
    {
        Span<byte> bytes = stackalloc byte[16];
        var finer = clock & ((1 << FinerBits) - 1);
        BinaryPrimitives.WriteInt64BigEndian(bytes, ((clock >> FinerBits) << 16) | 0x7000 | finer);
        RandomNumberGenerator.Fill(bytes[8..]);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
