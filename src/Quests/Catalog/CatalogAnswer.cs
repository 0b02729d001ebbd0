using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Boon.Quests.Catalog;

/// <summary>Sends what is in memory, or 304 to a client that has it.</summary>
internal static class CatalogAnswer
{
    private static readonly StringValues Revalidate = "no-cache";
    private static readonly StringValues ByCaller = "Authorization";

    /// <summary>A page of a list.</summary>
    internal static Task ListAsync(HttpContext http, PageQuery page, CatalogList list)
    {
        if (page is { Limit: null, Cursor: null })
            return SendAsync(http, list, list.FirstPage);
        return page.TryRead(out var limit, out Guid? before, out var problem)
            ? SendAsync(http, list, list.Page(limit, before)) : problem!.ExecuteAsync(http);
    }

    /// <summary>One entry.</summary>
    internal static Task OneAsync(HttpContext http, string id, CatalogList list, string what) =>
        Guid.TryParse(id, out var key) && list.Find(key) is { } entry
            ? SendAsync(http, list, entry.Json)
            : Problems.NotFound(what).ExecuteAsync(http);

    private static Task SendAsync(HttpContext http, CatalogList list, byte[] body)
    {
        var response = http.Response;
        response.Headers.ETag = list.ETag;
        response.Headers.CacheControl = Revalidate;
        response.Headers.Vary = ByCaller;
        if (IsKnown(http.Request.Headers.IfNoneMatch, list.ETag))
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }
        response.ContentType = "application/json; charset=utf-8";
        response.ContentLength = body.Length;
        return response.Body.WriteAsync(body).AsTask();
    }

    private static bool IsKnown(StringValues ifNoneMatch, string tag) =>
        ifNoneMatch.Count > 0 && (ifNoneMatch == tag || (EntityTagHeaderValue.TryParseList(ifNoneMatch, out var tags)
            && tags.Any(known => known.Equals(EntityTagHeaderValue.Any) || known.Tag == tag)));
}
