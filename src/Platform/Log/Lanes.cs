using System.Buffers.Binary;

namespace Boon.Platform.Log;

/// <summary>
/// Which lane an event belongs to: the last two bytes of its user's id (random in UUIDv7), modulo the number of lanes; events
/// of no user go to lane 0. The same in SQL and here.
/// </summary>
public static class Lanes
{
    /// <summary>The lane of a user's events.</summary>
    public static int Of(Guid? userId, int lanes)
    {
        if (userId is not { } id)
            return 0;
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]) % lanes;
    }

    /// <summary>The same as an SQL expression over a column; the number of lanes is parameter 4.</summary>
    internal static string Sql(string column) =>
        $"coalesce((get_byte(uuid_send({column}), 14) * 256 + get_byte(uuid_send({column}), 15)) % $4, 0)";
}
