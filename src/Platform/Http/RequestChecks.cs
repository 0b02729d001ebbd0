using System.Reflection;
using System.Runtime.CompilerServices;
using Boon.Platform.Input;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Net.Http.Headers;

namespace Boon.Platform.Http;

/// <summary>
/// What a request must be before its endpoint sees it, alike for all: parameters that the endpoint declares, a body only where one is
/// taken, of a type that is taken, in UTF-8 and as it is. What an endpoint takes is read from the endpoint.
/// </summary>
internal static class RequestChecks
{
    private static readonly ConditionalWeakTable<Endpoint, string[]> Declared = [];

    /// <summary>HEAD is wherever GET is: the same endpoint answers, and the server sends no body.</summary>
    internal static Task HeadAsGet(HttpContext http, RequestDelegate next)
    {
        if (HttpMethods.IsHead(http.Request.Method))
            http.Request.Method = HttpMethods.Get;
        return next(http);
    }

    /// <summary>Refuses what the endpoint does not take.</summary>
    internal static async Task Refuse(HttpContext http, RequestDelegate next)
    {
        var refused = http.GetEndpoint() is RouteEndpoint endpoint ? Query(http, endpoint) ?? await BodyAsync(http, endpoint) : null;
        if (refused is null)
            await next(http);
        else
            await refused.ExecuteAsync(http);
    }

    /// <summary>415 that says what the address takes, where routing found no endpoint that takes what was sent.</summary>
    internal static ProblemHttpResult UnsupportedType(HttpContext http) => Unsupported(
        (http.Features.Get<IExceptionHandlerFeature>()?.Endpoint ?? http.GetEndpoint()) is RouteEndpoint endpoint
            ? TypesOf(endpoint) : [.. http.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(one => one.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains(
                http.Request.Method, StringComparer.OrdinalIgnoreCase) == true
                && new TemplateMatcher(TemplateParser.Parse(one.RoutePattern.RawText ?? ""), []).TryMatch(http.Request.Path, []))
            .SelectMany(TypesOf).Distinct(StringComparer.Ordinal)]);

    private static ProblemHttpResult? Query(HttpContext http, RouteEndpoint endpoint)
    {
        if (!http.Request.QueryString.HasValue || endpoint.Metadata.GetMetadata<AnyQuery>() is not null
            || Declared.GetValue(endpoint, ParametersOf) is not { } declared)
            return null;
        var faults = new Validation();
        foreach (var (name, values) in http.Request.Query.Take(MostFaults))
            if (!declared.Contains(name, StringComparer.OrdinalIgnoreCase))
                faults.Fail(Problems.Clip(name), declared.Length == 0
                    ? "is not known: this call takes no parameters" : $"is not known: this call takes {string.Join(", ", declared)}");
            else if (values.Count > 1)
                faults.Fail(name, "appears more than once");
        return faults.Ok ? null
            : Problems.Of(
                StatusCodes.Status400BadRequest, "unknown-parameter", "This call does not take some of these parameters; see errors.",
                faults.Errors);
    }

    private const int MostFaults = 20;

    /// <summary>The names in its query that an endpoint's handler takes.</summary>
    private static string[] ParametersOf(Endpoint endpoint) => endpoint.Metadata.GetMetadata<MethodInfo>() is not { } handler ? []
        : [.. handler.GetParameters()
            .SelectMany(one => one.IsDefined(typeof(AsParametersAttribute))
                ? one.ParameterType.GetProperties().Select(member => (member.Name, Type: member.PropertyType))
                : [(Name: one.Name!, Type: one.ParameterType)])
            .Where(one => IsText(one.Type) && ((RouteEndpoint)endpoint).RoutePattern.GetParameter(one.Name) is null)
            .Select(one => System.Text.Json.JsonNamingPolicy.CamelCase.ConvertName(one.Name))];

    private static bool IsText(Type type)
    {
        var real = Nullable.GetUnderlyingType(type) ?? type;
        return real == typeof(string) || real.IsPrimitive || real.IsEnum || real == typeof(Guid) || real == typeof(DateTimeOffset);
    }

    private static async Task<ProblemHttpResult?> BodyAsync(HttpContext http, RouteEndpoint endpoint)
    {
        var request = http.Request;
        if (request.ContentLength == 0 || http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody != true)
            return null;
        var types = TypesOf(endpoint);
        if (types.Count == 0)
            return await IsEmptyAsync(http)
                ? null : Problems.Of(StatusCodes.Status400BadRequest, "unexpected-body", "This call takes no body.");
        if (request.Headers.ContentEncoding.ToString().Trim() is { Length: > 0 } coding
            && !coding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            http.Response.Headers.AcceptEncoding = "identity";
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
                $"The body is encoded as {Problems.Clip(coding)}: send it as it is, without Content-Encoding.");
        }
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !types.Any(one => type.MediaType.Equals(one, StringComparison.OrdinalIgnoreCase)))
            return Unsupported(types);
        if (HeaderUtilities.RemoveQuotes(type.Charset).ToString().ToLowerInvariant() is not ("" or "utf-8" or "utf8" or "us-ascii"))
            return Problems.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type",
                $"The body is in {Problems.Clip(type.Charset.ToString())}: send it in UTF-8.");
        request.ContentType = type.MediaType.ToString(); // so that nobody looks for a decoder by another spelling of UTF-8
        return null;
    }

    /// <summary>True for a body of unknown length that turns out to have none.</summary>
    private static async Task<bool> IsEmptyAsync(HttpContext http)
    {
        if (http.Request.ContentLength is not null)
            return false;
        var read = await http.Request.BodyReader.ReadAsync(http.RequestAborted);
        http.Request.BodyReader.AdvanceTo(read.Buffer.Start);
        return read.Buffer.IsEmpty && read.IsCompleted;
    }

    private static IReadOnlyList<string> TypesOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes ?? [];

    private static ProblemHttpResult Unsupported(IReadOnlyList<string> types) => Problems.Of(
        StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", types.Count == 0
            ? "This call accepts no body of this type." : $"Send the body as {string.Join(" or ", types)}.");
}
