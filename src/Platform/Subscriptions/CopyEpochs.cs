using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// Lets a copy go on that has stopped because its source's log is another one: with all that it has, or with what it had up to a place. The
/// stream is then read again from its first message.
/// </summary>
internal static class CopyEpochs
{
    /// <summary>
    /// Why a copy stays stopped; null when it goes on. One whose source has other events under the same numbers needs a place from which
    /// its own are of no more worth.
    /// </summary>
    internal static async Task<string?> AcceptAsync(NpgsqlConnection connection, LogPlace copy, long? from, CancellationToken ct)
    {
        // In the order in which the receiver locks them.
        var (last, known) = await connection.Command($"select last, logid from {copy.Schema}.log_head for update")
            .ReadOneAsync(row => (row.GetInt64(0), row.GetNullable<Guid>(1)), ct);
        var (offered, trouble) = await connection.Command($"select offered_logid, trouble from {copy.Schema}.received for update")
            .ReadOneAsync(row => (row.GetNullable<Guid>(0), row.GetNullable<string>(1)), ct);
        if (offered is not { } accepted)
            return null;
        if (accepted == known && from is null)
            return trouble;
        var kept = Math.Min(from ?? last, last);
        var trip = new RoundTrip(connection) { Timeout = TimeSpan.Zero };
        trip.Add(Databases.NoStatementLimit);
        trip.Add($"delete from {copy.Schema}.event_log where position > $1", kept);
        trip.Add($"""
            update {copy.Schema}.log_head
            set last = $1, logid = $2,
                recordedat = coalesce((select recordedat from {copy.Schema}.event_log where position = $1), 'epoch')
            """, kept, accepted);
        trip.Add($"update {copy.Schema}.received set offered_logid = null, trouble = null, stream = null, stream_offset = -1");
        await trip.RunAsync(ct);
        return null;
    }
}
