using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Boon.Platform.Access;
using Boon.Platform.Http;
using Boon.Platform.Input;
using Boon.Platform.Log;
using Boon.Platform.Subscriptions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Operations;

/// <summary>Shows operators the parked events and redrives them, over HTTP and for the CLI.</summary>
public static partial class DeadLetterEndpoints
{
    private const string Open = "open";
    private const string Redriven = "redriven";

    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/dead-letters", ListDeadLettersAsync)
            .ForOperators().WithTags("Events")
                .WithSummary("The events that a subscription could not handle, in the order in which they were parked.")
            .WithDescription("Lists open letters. With `state=redriven` it lists the redriven ones, with the time and who redrove them. "
                + "They are deleted after `Boon:DeadLetters:Retention`.")
            .Produces<GatheredPage<DeadLetter>>();
        routes.MapPost("/v1/dead-letters/{id}/redrive", RedriveDeadLetterAsync)
            .ForOperators().WithTags("Events")
            .WithSummary("Handles a parked event again: 204 when it is done.")
            .WithDescription("409 `redrive-in-flight` while somebody else redrives it; 422 `redrive-failed` when it fails again: then it "
                + "stays parked, and the log has the error.")
            .Produces(StatusCodes.Status204NoContent)
            .Refuses(StatusCodes.Status409Conflict, "redrive-in-flight")
                .Refuses(StatusCodes.Status422UnprocessableEntity, "redrive-failed");
    }

    /// <summary>
    /// All open letters of all subscriptions' modules, in the order in which they were parked. Those that are redriven meanwhile disturb
    /// nothing.
    /// </summary>
    public static async IAsyncEnumerable<DeadLetter> AllOpenAsync(
        IReadOnlyList<SubscriptionRunner> subscriptions, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken ct)
    {
        DeadLetterPlace? after = null;
        List<DeadLetter> page;
        do
        {
            page = await ListAsync(subscriptions, redriven: false, after, PageQuery.LargestLimit, ct);
            foreach (var letter in page)
                yield return letter;
            after = page.Count > 0 ? DeadLetterPlace.Of(page[^1]) : null;
        }
        while (page.Count == PageQuery.LargestLimit);
    }

    /// <summary>The next letters of all modules: each module gives its next ones, and the first of them all are it.</summary>
    private static async Task<List<DeadLetter>> ListAsync(
        IEnumerable<SubscriptionRunner> subscriptions, bool redriven, DeadLetterPlace? after, int limit, CancellationToken ct)
    {
        var letters = new List<DeadLetter>();
        foreach (var database in subscriptions.Select(subscription => subscription.Database).Distinct())
            letters.AddRange(await DeadLetters.ListAsync(database, redriven, after, limit, ct));
        return [.. letters.OrderBy(letter => letter.ParkedAt).ThenBy(letter => letter.Id).Take(limit)];
    }

    private static async Task<IResult> ListDeadLettersAsync(
        [AllowedValues(Open, Redriven)] string? state, [AsParameters] PageQuery page, IEnumerable<SubscriptionRunner> subscriptions,
        CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out DeadLetterPlace? after, out var problem))
            return problem!;
        var validation = new Validation();
        validation.Check(state is null or Open or Redriven, "state", $"must be {Open} or {Redriven}");
        return validation.Ok
            ? TypedResults.Ok(GatheredPage<DeadLetter>.Of(
                PageQuery.Page(await ListAsync(subscriptions, state == Redriven, after, limit + 1, ct), limit, DeadLetterPlace.Of)))
            : Problems.Invalid(validation);
    }

    private static async Task<IResult> RedriveDeadLetterAsync(
        string id, ClaimsPrincipal caller, IEnumerable<SubscriptionRunner> subscriptions, ILoggerFactory loggers, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var letter))
            return Problems.NotFound("dead letter");
        foreach (var subscription in subscriptions)
        {
            Redrive result;
            try
            {
                result = await subscription.RedriveAsync(letter, Actor.Of(caller), ct);
            }
            catch (Exception error) when (!Data.PostgresErrors.IsInfrastructure(error))
            {
                LogFailed(loggers.CreateLogger(typeof(DeadLetterEndpoints)), error, letter);
                return Problems.Of(StatusCodes.Status422UnprocessableEntity, "redrive-failed",
                    "The event failed again and stays parked; the log has the error.");
            }
            if (result == Redrive.Applied)
                return TypedResults.NoContent();
            if (result == Redrive.InFlight)
                return Problems.Of(StatusCodes.Status409Conflict, "redrive-in-flight",
                    "Somebody else is redriving this event at this moment.");
        }
        return Problems.NotFound("dead letter");
    }

    [LoggerMessage(1, LogLevel.Warning, "Parked event {Letter} failed again", EventName = "redrive-failed")]
    private static partial void LogFailed(ILogger logger, Exception error, Guid letter);
}
