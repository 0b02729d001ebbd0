using System.Text.Json;
using Boon.Platform.Input;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Boon.Platform.Http;

/// <summary>
/// Answers in RFC 9457 <c>application/problem+json</c>: a stable <c>code</c> in kebab-case, a <c>detail</c> for people, and <c>errors</c>
/// for each field where fields are to blame.
/// </summary>
public static class Problems
{
    /// <summary>The code of a gateway's answer to a client that sends more than one may.</summary>
    public const string TooManyRequests = "too-many-requests";

    /// <summary>The code of a gateway's answer when no process of a module answers.</summary>
    public const string ModuleUnavailable = "module-unavailable";

    /// <summary>The code of an answer while a database is away.</summary>
    internal const string DatabaseUnavailable = "database-unavailable";

    /// <summary>A refusal.</summary>
    public static ProblemHttpResult Of(int status, string code, string detail, IReadOnlyDictionary<string, string[]>? errors = null) =>
        TypedResults.Problem(
            detail, statusCode: status, title: Title(status), type: $"urn:boon:error:{code}", extensions: Extensions(code, errors));

    /// <summary>400 with what is wrong with each field.</summary>
    public static ProblemHttpResult Invalid(Validation validation) =>
        Of(StatusCodes.Status400BadRequest, "validation-failed", "Some fields are not valid; see errors.", validation.Errors);

    /// <summary>404: it is not there, or not the caller's.</summary>
    public static ProblemHttpResult NotFound(string what) => Of(StatusCodes.Status404NotFound, "not-found", $"There is no such {what}.");

    /// <summary>413.</summary>
    internal static ProblemHttpResult TooLarge() => Unexplained(StatusCodes.Status413PayloadTooLarge);

    /// <summary>A status that no endpoint explained.</summary>
    internal static ProblemHttpResult Unexplained(int status)
    {
        var (code, detail) = WordsFor(status);
        return Of(status, code, detail);
    }

    /// <summary>The code and the words for a status that no endpoint explained.</summary>
    internal static (string Code, string Detail) WordsFor(int status) => status switch
    {
        StatusCodes.Status404NotFound => ("not-found", "There is nothing at this address; /docs lists every address."),
        StatusCodes.Status405MethodNotAllowed =>
            ("method-not-allowed", "This address does not take this method; the header Allow says which it takes."),
        StatusCodes.Status408RequestTimeout => ("request-timeout", "The request came too slowly."),
        StatusCodes.Status413PayloadTooLarge => ("body-too-large", "The body is larger than this call accepts."),
        StatusCodes.Status414UriTooLong => ("invalid-request", "The address is too long."),
        StatusCodes.Status431RequestHeaderFieldsTooLarge => ("invalid-request", "The headers are too long."),
        StatusCodes.Status505HttpVersionNotsupported or < 500 => ("invalid-request", "The request could not be read."),
        _ => ("internal-error", "Something failed here."),
    };

    /// <summary>A refusal for now: 429 or 503, with Retry-After.</summary>
    public static ProblemHttpResult RetryLater(HttpContext http, int status, string code, string detail, TimeSpan retryAfter)
    {
        http.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(retryAfter.TotalSeconds)).ToString();
        return Of(status, code, detail);
    }

    /// <summary>A refusal that is kept for the repeats of its request.</summary>
    public static Units.StoredAnswer Render(ProblemHttpResult problem) =>
        new(problem.StatusCode, "application/problem+json", null,
            JsonSerializer.SerializeToUtf8Bytes(problem.ProblemDetails, Json.Options));

    /// <summary>Cuts text that came in, so that an answer is short whatever was sent, and no half character is left.</summary>
    public static string Clip(string text, int longest = 100) =>
        TextRules.Cut(text, longest) is var cut && cut.Length < text.Length ? cut + "…" : text;

    private static Dictionary<string, object?> Extensions(string code, IReadOnlyDictionary<string, string[]>? errors)
    {
        var extensions = new Dictionary<string, object?>(StringComparer.Ordinal) { ["code"] = code };
        if (errors is { Count: > 0 })
            extensions["errors"] = errors;
        return extensions;
    }

    private static string Title(int status) => Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status);
}

/// <summary>A refusal from where no answer can be returned.</summary>
public sealed class RefusedException(ProblemHttpResult problem) : Exception(problem.ProblemDetails.Detail)
{
    /// <summary>The answer.</summary>
    public ProblemHttpResult Problem => problem;
}

/// <summary>A refusal, as RFC 9457 writes it.</summary>
/// <param name="Type">A URN of the code.</param>
/// <param name="Title">The status in words.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What happened and what to do, for people.</param>
/// <param name="Code">The stable code, for programs.</param>
/// <param name="Errors">For each field to blame, what is wrong with it.</param>
public sealed record Problem(
    string Type, string Title, int Status, string Detail, string Code, Dictionary<string, string[]>? Errors);
