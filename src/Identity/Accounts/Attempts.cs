using System.Net;
using System.Net.Sockets;

namespace Boon.Identity.Accounts;

/// <summary>Counts in windows of the database's clock, over all processes: <c>identity.sign_in_failures</c>, a row for each key.</summary>
internal static class Attempts
{
    /// <summary>How long until the last of the windows ends that are full; null when none is.</summary>
    internal static async Task<TimeSpan?> LockedForAsync(NpgsqlCommand command, (string Key, int Most)[] limits, CancellationToken ct)
    {
        command.CommandText = """
            select max(f.window_ends - now())
            from unnest($1::text[], $2::int[]) asked (key, most)
            join identity.sign_in_failures f on f.key = asked.key
            where f.window_ends > now() and f.failures >= asked.most
            """;
        command.Parameters.Add(new() { Value = limits.Select(limit => limit.Key).ToArray() });
        command.Parameters.Add(new() { Value = limits.Select(limit => limit.Most).ToArray() });
        return await command.ExecuteScalarAsync(ct) as TimeSpan?;
    }

    /// <summary>Counts one, at once and for good, unless the window is full: then answers how long it lasts.</summary>
    internal static async Task<TimeSpan?> TryCountAsync(NpgsqlDataSource source, string key, int most, TimeSpan window, CancellationToken ct)
    {
        await using (var count = source.CreateCommand())
            if ((await CountAsync(count, [key], window, most, ct)).Count == 1)
                return null;
        await using var look = source.CreateCommand();
        return await LockedForAsync(look, [(key, most)], ct) ?? TimeSpan.Zero; // the window may have ended just now
    }

    /// <summary>Counts one under each key whose window is not full; answers those keys with their counts and how long their windows last.</summary>
    internal static Task<List<(string Key, int Count, TimeSpan Left)>> CountAsync(NpgsqlCommand command, string[] keys, TimeSpan window, int most, CancellationToken ct)
    {
        // In one order for all, so that two that count never wait for each other.
        command.CommandText = """
            insert into identity.sign_in_failures as f (key, failures, window_ends)
            select key, 1, now() + $2
            from unnest($1::text[]) key
            order by key
            on conflict (key) do update
            set failures = case when f.window_ends > now() then f.failures + 1 else 1 end,
                window_ends = case when f.window_ends > now() then f.window_ends else now() + $2 end
            where f.window_ends <= now() or f.failures < $3
            returning key, failures, window_ends - now()
            """;
        command.Parameters.Add(new() { Value = keys });
        command.Parameters.Add(new() { Value = window });
        command.Parameters.Add(new() { Value = most });
        return command.ReadAllAsync(row => (row.GetString(0), row.GetInt32(1), row.GetFieldValue<TimeSpan>(2)), ct);
    }

    /// <summary>What stands for an address: one customer has a whole /64 of IPv6.</summary>
    internal static string Network(IPAddress? address)
    {
        address ??= IPAddress.None;
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address.ToString();
        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes) + "/64";
    }
}
