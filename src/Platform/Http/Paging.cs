using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Boon.Platform.Input;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Boon.Platform.Http;

/// <summary>A page of a list.</summary>
/// <param name="Data">The items.</param>
/// <param name="Next">The cursor of the next page, or null at the end.</param>
public sealed record Page<T>(
    IReadOnlyList<T> Data,
    [property: System.Text.Json.Serialization.JsonIgnore(
        Condition = System.Text.Json.Serialization.JsonIgnoreCondition.Never)] string? Next);

/// <summary>A page of a list that is gathered from all modules.</summary>
/// <param name="Data">The items.</param>
/// <param name="Next">The cursor of the next page, or null at the end.</param>
/// <param name="Unavailable">Modules that did not answer the gateway: what is theirs is missing here.</param>
public sealed record GatheredPage<T>(
    IReadOnlyList<T> Data,
    [property: System.Text.Json.Serialization.JsonIgnore(
        Condition = System.Text.Json.Serialization.JsonIgnoreCondition.Never)] string? Next,
    string[]? Unavailable)
{
    /// <summary>A page of all modules.</summary>
    public static GatheredPage<T> Of(Page<T> page) => new(page.Data, page.Next, null);
}

/// <summary>The query of a list: <c>?limit=</c> (default 50, 1 to 200) and <c>&amp;cursor=</c> (a page's <c>next</c>).</summary>
public sealed record PageQuery
{
    /// <summary>How many in a page.</summary>
    [FromQuery(Name = "limit")]
    public string? Limit { get; init; }

    /// <summary>Where the page begins.</summary>
    [FromQuery(Name = "cursor")]
    public string? Cursor { get; init; }

    /// <summary>For a caller that reads its query itself.</summary>
    public static PageQuery Of(IQueryCollection query) => new() { Limit = query["limit"], Cursor = query["cursor"] };

    private const int DefaultLimit = 50;
    internal const int LargestLimit = 200;

    /// <summary>Reads the query: how many, and where the page begins (null at the start). A fault is a problem to answer with.</summary>
    public bool TryRead<TCursor>(out int limit, out TCursor? cursor, out ProblemHttpResult? problem)
    {
        var validation = new Validation();
        limit = DefaultLimit;
        cursor = default;
        if (Limit is not null && (!int.TryParse(Limit, out limit) || limit is < 1 or > LargestLimit))
            validation.Fail("limit", $"must be a whole number from 1 to {LargestLimit}");
        if (Cursor is not null && !TryDecode(Cursor, out cursor))
            validation.Fail("cursor", "must be the next of an earlier page");
        problem = validation.Ok
            ? null
            : Problems.Of(
                StatusCodes.Status400BadRequest, "validation-failed", "Some parameters are not valid; see errors.", validation.Errors);
        return validation.Ok;
    }

    /// <summary>
    /// Makes a page of <paramref name="items"/>, which may hold one more than the limit to show that there is a next page.
    /// </summary>
    public static Page<T> Page<T, TCursor>(List<T> items, int limit, Func<T, TCursor> cursorOf)
    {
        if (items.Count <= limit)
            return new Page<T>(items, null);
        items.RemoveRange(limit, items.Count - limit);
        return new Page<T>(items, Encode(cursorOf(items[^1])));
    }

    /// <summary>The same for rows that hold more than what is shown.</summary>
    public static Page<TView> Page<T, TView, TCursor>(List<T> rows, int limit, Func<T, TCursor> cursorOf, Func<T, TView> viewOf)
    {
        var page = Page(rows, limit, cursorOf);
        return new Page<TView>([.. page.Data.Select(viewOf)], page.Next);
    }

    /// <summary>A cursor as text that is safe in a URL.</summary>
    public static string Encode<TCursor>(TCursor cursor) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(cursor));

    private static bool TryDecode<TCursor>(string text, out TCursor? cursor)
    {
        cursor = default;
        if (text.Length > 2048 || !Base64Url.IsValid(text))
            return false;
        try
        {
            var json = Encoding.UTF8.GetString(Base64Url.DecodeFromChars(text));
            // A forged cursor must not bring what no parameter can hold.
            if (json.Contains("\\u0000", StringComparison.Ordinal))
                return false;
            cursor = JsonSerializer.Deserialize<TCursor>(json);
            return cursor is not null;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
