using Boon.Platform.Access;
using Boon.Platform.Http;
using Boon.Platform.Subscriptions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Operations;

/// <summary>Shows operators the parked events and redrives them, over HTTP and for the CLI.</summary>
public static partial class DeadLetterEndpoints
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/dead-letters", ListDeadLettersAsync)
            .ForOperators().WithTags("Events").WithSummary("The events that a subscription could not handle, oldest first (the first 1,000 of each module).");
        routes.MapPost("/v1/dead-letters/{id}/redrive", RedriveDeadLetterAsync)
            .ForOperators().WithTags("Events")
            .WithSummary("Handles a parked event again: 204 when it is done.")
            .WithDescription("409 `redrive-in-flight` while somebody else does; 422 `redrive-failed` when it fails again: it stays parked, and the log has the error.")
            .Produces(StatusCodes.Status204NoContent)
            .Refuses(StatusCodes.Status409Conflict, "redrive-in-flight").Refuses(StatusCodes.Status422UnprocessableEntity, "redrive-failed");
    }

    /// <summary>The open letters of all subscriptions' modules.</summary>
    public static async Task<List<DeadLetter>> ListAsync(IEnumerable<SubscriptionRunner> subscriptions, CancellationToken ct)
    {
        const int most = 1000;
        var letters = new List<DeadLetter>();
        foreach (var database in subscriptions.Select(subscription => subscription.Database).Distinct())
            letters.AddRange(await DeadLetters.ListAsync(database, after: null, most, ct));
        return letters;
    }

    private static async Task<Ok<Page<DeadLetter>>> ListDeadLettersAsync(IEnumerable<SubscriptionRunner> subscriptions, CancellationToken ct) =>
        TypedResults.Ok(new Page<DeadLetter>(await ListAsync(subscriptions, ct), null));

    private static async Task<IResult> RedriveDeadLetterAsync(string id, IEnumerable<SubscriptionRunner> subscriptions, ILoggerFactory loggers, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var letter))
            return Problems.NotFound("dead letter");
        foreach (var subscription in subscriptions)
        {
            Redrive result;
            try
            {
                result = await subscription.RedriveAsync(letter, ct);
            }
            catch (Exception error) when (!Data.PostgresErrors.IsInfrastructure(error))
            {
                LogFailed(loggers.CreateLogger(typeof(DeadLetterEndpoints)), error, letter);
                return Problems.Of(StatusCodes.Status422UnprocessableEntity, "redrive-failed", "It failed again and stays parked; the log has the error.");
            }
            if (result == Redrive.Applied)
                return TypedResults.NoContent();
            if (result == Redrive.InFlight)
                return Problems.Of(StatusCodes.Status409Conflict, "redrive-in-flight", "Somebody else redrives it at this moment.");
        }
        return Problems.NotFound("dead letter");
    }

    [LoggerMessage(1, LogLevel.Warning, "Parked event {Letter} failed again", EventName = "redrive-failed")]
    private static partial void LogFailed(ILogger logger, Exception error, Guid letter);
}
