using Boon.Platform.Http;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Access;

/// <summary>
/// Refuses operators what only they may do while this process cannot know whether their sessions still run. Members are served: what they
/// can do concerns themselves, and their tokens end soon.
/// </summary>
internal static class FreshAccess
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(5);

    internal static Task AdmitAsync(HttpContext http, RequestDelegate next) =>
        Defences.FreshAccess.On && http.User.IsOperator() && IsForMoreThanMembers(http.GetEndpoint())
            && http.RequestServices.GetRequiredService<AccessState>().IsStale
            ? Problems.RetryLater(http, StatusCodes.Status503ServiceUnavailable, "access-stale",
                "This process has not heard from Identity for too long to know whether your session still runs; try again.", RetryAfter)
                .ExecuteAsync(http)
            : next(http);

    private static bool IsForMoreThanMembers(Endpoint? endpoint) =>
        endpoint?.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(data => data.Policy != Caller.Member) == true;
}
