using System.Text.Json;
using Boon.Gateway.Routing;
using Boon.Platform.Units;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Transforms;

namespace Boon.Gateway.Sending;

/// <summary>
/// A request that may be sent a second time, because it changes nothing or its key keeps it from being done twice, and how its sending
/// goes. Its body and the beginning of its answer are held in memory, so that nothing has reached the client when a process fails.
/// </summary>
internal sealed class Attempt
{
    /// <summary>The largest body, in bytes, of a request that is sent again.</summary>
    internal const int LargestBody = 1024 * 1024;

    /// <summary>How much of an answer is held before the client gets any; a process that dies later breaks the answer.</summary>
    private const int LargestHeldAnswer = 256 * 1024;

    private const string IdempotencyKey = "Idempotency-Key";

    private readonly ArraySegment<byte> body;
    private readonly HeldByRequest held;
    private int heldOfAnswer;

    private Attempt(ArraySegment<byte> body, HeldByRequest held) => (this.body, this.held) = (body, held);

    /// <summary>True when there is somewhere else to send it to, so that an answer of a process that cannot serve is not wanted.</summary>
    internal bool HasOthers { get; set; }

    /// <summary>True when the answer <c>idempotency-in-flight</c> means that an earlier sending of this request is not over.</summary>
    internal bool WaitsOut { get; set; }

    /// <summary>The process could not serve.</summary>
    internal bool CannotServe { get; private set; }

    /// <summary>An earlier sending of this request is not over.</summary>
    internal bool InFlight { get; private set; }

    /// <summary>
    /// Null for a request that is sent once: it is neither a GET nor one with a key on a route that honours it, or its body is too large,
    /// alone or with what the others hold.
    /// </summary>
    internal static async Task<Attempt?> OfAsync(HttpContext http, DeclaredRoute route, HeldBytes all)
    {
        var request = http.Request;
        var hasBody = http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true;
        var held = new HeldByRequest(all);
        http.Response.RegisterForDispose(held);
        if (HttpMethods.IsGet(request.Method) && !hasBody)
            return new Attempt([], held);
        if (!route.Keyed || request.Headers[IdempotencyKey].Count == 0 || request.ContentLength > LargestBody)
            return null;
        if (!hasBody)
            return new Attempt([], held);
        var (bytes, whole) = await Beginning.ReadAsync(request.Body, LargestBody + 1, held, http.RequestAborted);
        if (whole)
            return new Attempt(bytes, held);
        request.Body = new PrefixedStream(bytes, request.Body);
        return null;
    }

    /// <summary>Makes the request as it came, and forgets how it went before.</summary>
    internal void Begin(HttpContext http)
    {
        (CannotServe, InFlight) = (false, false);
        held.Return(heldOfAnswer);
        heldOfAnswer = 0;
        http.Features.Set<IForwarderErrorFeature>(null);
        if (body.Count > 0)
            http.Request.Body = new MemoryStream(body.Array!, body.Offset, body.Count, writable: false);
    }

    /// <summary>True when the process failed before the client got anything.</summary>
    internal bool HasFailed(HttpContext http) => !http.Response.HasStarted && !http.RequestAborted.IsCancellationRequested
        && (CannotServe || http.Features.Get<IForwarderErrorFeature>() is { } failure && (FirstFailure.IsOfProcess(failure)
            || failure.Error is ForwarderError.RequestTimedOut or ForwarderError.RequestBodyDestination));

    /// <summary>Looks at an answer before any of it goes to the client.</summary>
    internal static async ValueTask HoldAsync(ResponseTransformContext transform)
    {
        var http = transform.HttpContext;
        if (http.Features.Get<Attempt>() is not { } attempt || transform.ProxyResponse is not { } answer)
            return;
        var status = (int)answer.StatusCode;
        if (attempt.HasOthers && FirstFailure.CannotServe(status))
        {
            transform.SuppressResponseBody = attempt.CannotServe = true;
            return;
        }
        var stream = await answer.Content.ReadAsStreamAsync(http.RequestAborted);
        var (bytes, whole) = await Beginning.ReadAsync(stream, LargestHeldAnswer, attempt.held, http.RequestAborted);
        attempt.heldOfAnswer = bytes.Array?.Length ?? 0;
        answer.Content = new StreamContent(
            whole ? new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false) : new PrefixedStream(bytes, stream));
        if (attempt.WaitsOut && status == StatusCodes.Status409Conflict && IsInFlight(bytes))
            transform.SuppressResponseBody = attempt.InFlight = true;
    }

    private static bool IsInFlight(ReadOnlyMemory<byte> problem)
    {
        try
        {
            using var json = JsonDocument.Parse(problem);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("code", out var code)
                && code.ValueEquals(IdempotencyException.InFlight);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
