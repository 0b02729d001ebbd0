using Boon.Platform.Log;
using Boon.Platform.Units;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Boon.Platform.Http;

/// <summary>
/// Ends the unit of work of an endpoint that changes something: commits what the handler began when its answer is a success (or a refusal
/// that it logged), undoes it otherwise. The answer is sent only after the commit. With an <c>Idempotency-Key</c> the answer is stored in
/// the same transaction.
/// </summary>
public static class UnitFilter
{
    /// <summary>Gives the endpoint a unit of work on <typeparamref name="TContext"/>'s module.</summary>
    /// <param name="route">The endpoint.</param>
    /// <param name="idempotent">True on a POST that creates: honours <c>Idempotency-Key</c>.</param>
    /// <param name="subject">Where no token says who calls: the member of the body that says whom it is about.</param>
    public static RouteHandlerBuilder WithUnit<TContext>(this RouteHandlerBuilder route, bool idempotent = false, string? subject = null)
        where TContext : DbContext
    {
        if (idempotent)
            route.TakesIdempotencyKey(subject);
        return route.WithMetadata(new TakesReason()).AddEndpointFilter(async (invocation, next) =>
        {
            var http = invocation.HttpContext;
            var ct = http.RequestAborted;
            var unit = http.RequestServices.GetRequiredService<Unit<TContext>>();
            unit.By = Actor.Of(http.User);
            unit.Reason = ReasonHeader.Read(http);
            unit.Idempotency = http.Features.Get<IdempotencyClaim>();
            if (unit.Idempotency is not null)
                await unit.Idempotency.ThrowIfAnsweredAsync(unit.Database, ct);

            var result = Unwrap(await next(invocation));
            if (!unit.Begun)
                return result;
            if (result is IStatusCodeHttpResult { StatusCode: >= 400 } && !unit.KeepsRefusal)
            {
                await unit.RollbackAsync();
                return result;
            }
            StoredAnswer? answer = null;
            if (unit.Idempotency is not null)
            {
                answer = await RenderAsync(http, result);
                await unit.SaveAsync(ct);
                await unit.Idempotency.StoreAsync(unit, answer, ct);
            }
            FaultPoints.Reach("answer");
            await unit.CommitAsync(ct);
            FaultPoints.Reach("after-answer");
            return answer ?? result;
        });
    }

    /// <summary>Reads the caller's <c>Idempotency-Key</c> into the request's features, as an <see cref="IdempotencyClaim"/>.</summary>
    public static RouteHandlerBuilder TakesIdempotencyKey(this RouteHandlerBuilder route, string? subject = null) =>
        route.WithMetadata(new IdempotentEndpoint(subject));

    private static object? Unwrap(object? result)
    {
        while (result is INestedHttpResult nested)
            result = nested.Result;
        return result;
    }

    private static async Task<StoredAnswer> RenderAsync(HttpContext http, object? result)
    {
        var real = http.Response.Body;
        using var buffer = new MemoryStream();
        http.Response.Body = buffer;
        try
        {
            await ((IResult)result!).ExecuteAsync(http);
        }
        finally
        {
            http.Response.Body = real;
        }
        return new StoredAnswer(http.Response.StatusCode, http.Response.ContentType, http.Response.Headers.Location, buffer.ToArray());
    }
}

/// <summary>Marks an endpoint that honours <c>Idempotency-Key</c>.</summary>
/// <param name="Subject">The member of the body that says whom it is about, where no token says who calls.</param>
internal sealed record IdempotentEndpoint(string? Subject);
