using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Boon.Platform.Input;
using Boon.Platform.Units;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace Boon.Platform.Http;

/// <summary>The header <c>Idempotency-Key</c> of a request, read into an <see cref="IdempotencyClaim"/>.</summary>
internal static class IdempotencyHeader
{
    /// <summary>The longest key.</summary>
    internal const int LongestKey = 255;

    /// <summary>Reads the request's body and makes the claim; null without the header.</summary>
    /// <exception cref="RefusedException">The key is empty, too long or not printable ASCII.</exception>
    internal static async Task<IdempotencyClaim?> ReadAsync(HttpContext http, IdempotentEndpoint endpoint)
    {
        if (!http.Request.Headers.TryGetValue("Idempotency-Key", out var values))
            return null;
        var key = values.ToString();
        if (key.Length is 0 or > LongestKey || key.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new RefusedException(
                Problems.Of(StatusCodes.Status400BadRequest, "invalid-request",
                $"Idempotency-Key must have 1 to {LongestKey} printable ASCII characters."));
        http.Request.EnableBuffering();
        var hash = await SHA256.HashDataAsync(http.Request.Body, http.RequestAborted);
        http.Request.Body.Position = 0;
        var caller = http.User.FindFirst("sub")?.Value ?? await AnonymousAsync(http, endpoint.Subject);
        return new IdempotencyClaim(caller, Route(http), key, hash);
    }

    /// <summary>
    /// The address and a hash of the body's member that says whom it is about; a body that cannot be read is refused later.
    /// </summary>
    private static async Task<string> AnonymousAsync(HttpContext http, string? subject)
    {
        var address = (http.Connection.RemoteIpAddress ?? IPAddress.None).ToString();
        if (subject is null)
            return address;
        try
        {
            using var body = await JsonDocument.ParseAsync(
                http.Request.Body, new JsonDocumentOptions { MaxDepth = Json.MaxDepth }, http.RequestAborted);
            return body.RootElement.ValueKind == JsonValueKind.Object && body.RootElement.TryGetProperty(subject, out var value)
                && value.ValueKind == JsonValueKind.String
                ? $"{address}|{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(value.GetString()!)))}"
                : address;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return address;
        }
        finally
        {
            http.Request.Body.Position = 0;
        }
    }

    /// <summary>
    /// The endpoint's own route with its values, however the caller wrote it: in capitals, with a slash at the end, a GUID in another form.
    /// </summary>
    internal static string Route(HttpContext http)
    {
        var pattern = ((RouteEndpoint)http.GetEndpoint()!).RoutePattern;
        return "/" + string.Join('/', pattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(Part))));

        string? Part(RoutePatternPart part) => part switch
        {
            RoutePatternLiteralPart literal => literal.Content,
            RoutePatternSeparatorPart separator => separator.Content,
            RoutePatternParameterPart parameter => http.GetRouteValue(parameter.Name)?.ToString() is { } value
                ? Guid.TryParse(value, out var id) ? id.ToString() : value
                : "",
            _ => "",
        };
    }
}
