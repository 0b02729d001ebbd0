using Boon.Platform.Data;
using Boon.Platform.Log;

namespace Boon.Platform.Subscriptions;

/// <summary>
/// Tells which sources have something for a lane, without a lock: most wake-ups and polls end here, and a look that locks costs a
/// transaction id and a record in the write-ahead log. A head behind the checkpoint is news too, for the reader to say what is wrong.
/// </summary>
internal sealed class LaneNews(LaneKey key, int lanes, IReadOnlyList<LogPlace> sources, ModuleDatabase database)
{
    private readonly string withHeads = Statement(database, sources, source => source.IsHere);
    private readonly string withoutHeads = Statement(database, sources, _ => false);

    /// <summary>Where the lane stands in a source; nulls: the lane has no row, the head must be asked for apart.</summary>
    private sealed record Place(string Source, bool IsLaid, long? Sequence, long? Head);

    internal async Task<IReadOnlyList<string>> SourcesAsync(CancellationToken ct)
    {
        if (!Defences.DenseSequence.On)
            return [.. sources.Select(source => source.Source)];
        var found = new List<string>(sources.Count);
        foreach (var place in await PlacesAsync(ct))
            if (!place.IsLaid)
                found.Add(place.Source);
            else if ((place.Head ?? await HeadAsync(place.Source, ct)) is { } head && IsNews(place, head))
                found.Add(place.Source);
        return found;
    }

    private async Task<List<Place>> PlacesAsync(CancellationToken ct)
    {
        try
        {
            return await PlacesAsync(withHeads, ct);
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            return await PlacesAsync(withoutHeads, ct); // one of them was never started here
        }
    }

    private Task<List<Place>> PlacesAsync(string statement, CancellationToken ct) =>
        database.Command(statement, key.Subscription, key.Lane, lanes)
            .ReadAllAsync(row => new Place(row.GetString(0), row.GetBoolean(1), row.GetNullable<long>(2), row.GetNullable<long>(3)), ct);

    /// <summary>A copy that is still being filled may end before the checkpoint.</summary>
    private bool IsNews(Place place, long head) => Of(place.Source).IsCopy ? head > place.Sequence : head != place.Sequence;

    private LogPlace Of(string source) => sources.First(place => place.Source == source);

    /// <summary>The head of a log, or null when its module was never started on its database: it is empty.</summary>
    private async Task<long?> HeadAsync(string source, CancellationToken ct)
    {
        var from = Of(source);
        try
        {
            return await from.AskAsync(() => EventReader.HeadAsync(from.Database.Background, from.Schema, ct));
        }
        catch (PostgresException error) when (PostgresErrors.IsMissingTable(error))
        {
            return null;
        }
    }

    private static string Statement(ModuleDatabase database, IReadOnlyList<LogPlace> sources, Func<LogPlace, bool> isHere)
    {
        var heads = string.Join(" union all ", sources.Select(source =>
            isHere(source) ? $"select '{source.Source}' as source, last from {LogHead.Of(source.Schema)} h"
                : $"select '{source.Source}' as source, null::bigint as last"));
        return $"""
            select h.source, c.lanes is not distinct from $3 and c.hold_at is null, c.sequence, h.last
            from ({heads}) h
            left join lateral {Checkpoints.Of(database.Schema, "h.source")} c on true
            """;
    }
}
