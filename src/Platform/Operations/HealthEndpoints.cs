using Boon.Platform.Data;
using Boon.Platform.Http;
using Boon.Platform.Log;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Operations;

/// <summary><c>/health/live</c> and <c>/health/ready</c>.</summary>
internal static class HealthEndpoints
{
    private static readonly TimeSpan LongestPing = TimeSpan.FromSeconds(2);

    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/health/live", GetLiveness)
            .TakesAnyQuery().WithTags("Operations").WithSummary("200 while the process runs.");
        routes.MapGet("/health/ready", GetReadinessAsync)
            .TakesAnyQuery().WithTags("Operations")
                .WithSummary(
                    "200 when requests can be served, because every database of this host answers and accepts writes. Otherwise 503.")
                .Produces<Health>()
            .Refuses(StatusCodes.Status503ServiceUnavailable, "draining", "copy-incomplete");
    }

    private static Ok<Health> GetLiveness() => TypedResults.Ok(new Health("live"));

    private static async Task<IResult> GetReadinessAsync(
        Databases databases, LogPlaces places, CopyFreshness copies, Drain drain, HttpContext http, CancellationToken ct)
    {
        if (drain.Begun)
            return Drain.Refuse(http);
        // What reads well may not be written to: read-only after a failover, or full.
        if (databases.BackgroundPools.Select(databases.Outages.Reason).FirstOrDefault(reason => reason is not null) is { } away)
            return Problems.RetryLater(
                http, StatusCodes.Status503ServiceUnavailable, Problems.DatabaseUnavailable, $"The database {away}.", LongestPing);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(LongestPing);
        try
        {
            // Requests that keep all of their connections busy are no outage.
            foreach (var pool in databases.BackgroundPools)
                await pool.Command("select 1").ExecuteAsync(limit.Token);
            // Without keys no token can be judged. A copy that is old is another matter: it holds what was true a while ago.
            return places.OfProcess(LogPlaces.Everywhere) is { IsCopy: true } keys && copies.Age(keys) is null
                ? Problems.RetryLater(
                    http, StatusCodes.Status503ServiceUnavailable, "copy-incomplete", "The copy of Identity's log is not complete yet.",
                    LongestPing)
                : TypedResults.Ok(new Health("ready"));
        }
        catch (Exception error) when (error is NpgsqlException or OperationCanceledException or System.Net.Sockets.SocketException)
        {
            return Problems.RetryLater(
                http, StatusCodes.Status503ServiceUnavailable, Problems.DatabaseUnavailable, "The database does not answer.", LongestPing);
        }
    }

    /// <summary>How a process is.</summary>
    /// <param name="Status"><c>live</c> or <c>ready</c>.</param>
    /// <example>{"status": "ready"}</example>
    internal sealed record Health(string Status);
}
