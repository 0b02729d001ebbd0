using System.Text.Json;
using Boon.Platform.Data;
using Boon.Platform.Web.Idempotency;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Web;

/// <summary>The edge where exceptions become answers: bad input is 4xx with its reason, an outage 503, a bug 500 with a trace id and nothing else.</summary>
internal sealed partial class Errors(Databases databases, ILogger<Errors> logger) : IExceptionHandler
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
                return BadRequest(bad);
            case IdempotencyException { Answer: { } answer }:
                http.Response.Headers["Idempotent-Replayed"] = "true";
                return answer;
            case IdempotencyException { Code: "idempotency-in-flight" }:
                return Problems.Of(StatusCodes.Status409Conflict, "idempotency-in-flight", "A request with this Idempotency-Key is still running.");
            case IdempotencyException:
                return Problems.Of(StatusCodes.Status422UnprocessableEntity, "idempotency-mismatch", "This Idempotency-Key was used with another body.");
        }
        if (PostgresErrors.IsOutage(exception))
        {
            // Of a database that is away the log has a line already, and the answers are in the log of requests.
            if (!databases.NoteOutage(exception) && !databases.Outages.Any)
                LogOutage(logger, http.Request.Path, exception.Message);
            return Problems.RetryLater(http, StatusCodes.Status503ServiceUnavailable, "database-unavailable", "The database did not answer; try again.", OutageRetry);
        }
        LogBug(logger, exception, http.Request.Method, http.Request.Path);
        return Problems.Of(StatusCodes.Status500InternalServerError, "internal-error", $"Something failed here; the log has it under trace {System.Diagnostics.Activity.Current?.TraceId}.");
    }

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult BadRequest(BadHttpRequestException bad)
    {
        if (bad.InnerException is JsonException json)
        {
            var field = json.Path is null or "$" ? null : Clip(json.Path.StartsWith("$.", StringComparison.Ordinal) ? json.Path[2..] : json.Path);
            var message = Friendly(json);
            return Problems.Of(StatusCodes.Status400BadRequest, "invalid-json", $"The body is not the JSON that this call takes: {(field is null ? "" : field + " ")}{message}",
                field is null ? null : new Dictionary<string, string[]>(StringComparer.Ordinal) { [field] = [message] });
        }
        return bad.StatusCode switch
        {
            StatusCodes.Status413PayloadTooLarge => Problems.Of(413, "body-too-large", "The body is larger than this call takes."),
            StatusCodes.Status415UnsupportedMediaType => Problems.Of(415, "unsupported-media-type", "Send the body as application/json."),
            StatusCodes.Status408RequestTimeout => Problems.Of(408, "request-timeout", "The body came too slowly."),
            _ => Problems.Of(400, "invalid-request", Clip(bad.Message)),
        };
    }

    private static string Friendly(JsonException json)
    {
        var message = json.Message;
        if (message.Contains("could not be mapped to any .NET member", StringComparison.Ordinal))
            return "is not a member of this call's body";
        if (message.Contains("could not be converted", StringComparison.Ordinal))
            return "has the wrong type or is out of range";
        if (message.Contains("depth", StringComparison.OrdinalIgnoreCase))
            return "nests deeper than this call takes";
        if (message.Contains("uplicate", StringComparison.Ordinal))
            return "stands more than once";
        var end = message.IndexOf(" Path: ", StringComparison.Ordinal);
        return Clip(end > 0 ? message[..end] : message);
    }

    private static string Clip(string text) => text.Length > 200 ? text[..200] : text;

    [LoggerMessage(1, LogLevel.Error, "The database failed {Path}: {Error}", EventName = "database-unavailable")]
    private static partial void LogOutage(ILogger logger, string path, string error);

    [LoggerMessage(2, LogLevel.Error, "{Method} {Path} failed", EventName = "request-failed")]
    private static partial void LogBug(ILogger logger, Exception error, string method, string path);
}
