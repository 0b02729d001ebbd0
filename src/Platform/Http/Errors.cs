using System.Text.Json;
using Boon.Platform.Data;
using Boon.Platform.Services;
using Boon.Platform.Units;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;

namespace Boon.Platform.Http;

/// <summary>
/// The edge where exceptions become answers: bad input is 4xx with its reason, an outage 503, a bug 500 with a trace id and nothing else.
/// </summary>
internal sealed partial class Errors(ILogger<Errors> logger, Databases? databases = null) : IExceptionHandler
{
    private static readonly TimeSpan OutageRetry = TimeSpan.FromSeconds(2);

    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }
        await Answer(httpContext, exception).ExecuteAsync(httpContext);
        return true;
    }

    private IResult Answer(HttpContext http, Exception exception)
    {
        switch (exception)
        {
            case BadHttpRequestException bad:
                return BadRequest(http, bad);
            case RefusedException refused:
                return refused.Problem;
            case SourceUnreachableException unreachable:
                LogUnreachable(logger, http.Request.Path, unreachable.Message);
                return Problems.RetryLater(
                    http, StatusCodes.Status503ServiceUnavailable, "source-unreachable",
                    $"The module {unreachable.Module} must say where its log ends, and does not answer; nothing was created. Try again.",
                    OutageRetry);
            case IdempotencyException { Answer: { } answer }:
                http.Response.Headers["Idempotent-Replayed"] = "true";
                return answer;
            case IdempotencyException { Code: IdempotencyException.InFlight }:
                return Problems.Of(
                    StatusCodes.Status409Conflict, IdempotencyException.InFlight, "A request with this Idempotency-Key is still running.");
            case IdempotencyException:
                return Problems.Of(
                    StatusCodes.Status422UnprocessableEntity, IdempotencyException.Mismatch,
                    "This Idempotency-Key was used with another body.");
        }
        if (databases is not null && PostgresErrors.IsOutage(exception))
        {
            // Of a database that is away the log has a line already, and the answers are in the log of requests.
            if (!databases.NoteOutage(exception) && !databases.Outages.Any)
                LogOutage(logger, http.Request.Path, exception.Message);
            return Problems.RetryLater(
                http, StatusCodes.Status503ServiceUnavailable, Problems.DatabaseUnavailable, "The database did not answer; try again.",
                OutageRetry);
        }
        LogBug(logger, exception, http.Request.Method, http.Request.Path);
        return Problems.Of(StatusCodes.Status500InternalServerError, "internal-error",
            $"Something failed here; the log has it under trace {System.Diagnostics.Activity.Current?.TraceId}.");
    }

    /// <summary>What the server and the framework refuse. Their texts name their own parts, so what is sent is ours.</summary>
    private static ProblemHttpResult BadRequest(HttpContext http, BadHttpRequestException bad) =>
        (bad.StatusCode, bad.InnerException) switch
    {
        (_, JsonException json) => InvalidJson.Problem(json),
        (StatusCodes.Status413PayloadTooLarge, _) => Problems.TooLarge(),
        (StatusCodes.Status415UnsupportedMediaType, _) => RequestChecks.UnsupportedType(http),
        (StatusCodes.Status408RequestTimeout, _) => Problems.Of(bad.StatusCode, "request-timeout", "The body came too slowly."),
        _ when http.Features.Get<IExceptionHandlerFeature>()?.Endpoint?.Metadata.GetMetadata<IAcceptsMetadata>() is not null =>
            Problems.Of(StatusCodes.Status400BadRequest, "invalid-request",
                "This call takes a body, which must be a complete JSON object."),
        _ => Problems.Of(StatusCodes.Status400BadRequest, "invalid-request", "The request could not be read."),
    };

    [LoggerMessage(1, LogLevel.Error, "The database failed during {Path}: {Error}", EventName = "database-unavailable")]
    private static partial void LogOutage(ILogger logger, string path, string error);

    [LoggerMessage(3, LogLevel.Warning, "{Path} needs another module: {Error}", EventName = "source-unreachable")]
    private static partial void LogUnreachable(ILogger logger, string path, string error);

    [LoggerMessage(2, LogLevel.Error, "{Method} {Path} failed", EventName = "request-failed")]
    private static partial void LogBug(ILogger logger, Exception error, string method, string path);
}
