using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Units;

/// <summary>An answer that is written as it was rendered: the first answer to a request, kept for its repeats.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="ContentType">Of the body.</param>
/// <param name="Location">The header of that name.</param>
/// <param name="Body">The body's bytes.</param>
public sealed record StoredAnswer(int Status, string? ContentType, string? Location, byte[] Body) : IResult, IStatusCodeHttpResult
{
    int? IStatusCodeHttpResult.StatusCode => Status;

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.StatusCode = Status;
        response.ContentType = ContentType;
        if (Location is not null)
            response.Headers.Location = Location;
        response.ContentLength = Body.Length;
        await response.Body.WriteAsync(Body);
    }
}
