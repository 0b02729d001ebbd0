using Boon.Gateway.Sending;
using Boon.Platform.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Boon.Unit.Gateway;

public sealed class HeldBytesTests
{
    private static readonly DeclaredRoute Route =
        new("quests", HttpMethods.Post, "/v1/rewards", Keyed: true, NeedsCredential: true, LargestBody: null);

    private readonly byte[] sent = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];

    [Fact]
    public async Task What_requests_hold_is_bounded_over_all_of_them()
    {
        var all = new HeldBytes(200 * 1024);
        var (first, second) = (new Request(sent), new Request(sent));
        (await Attempt.OfAsync(first.Http, Route, all)).ShouldNotBeNull();
        all.Count.ShouldBe(128 * 1024);

        (await Attempt.OfAsync(second.Http, Route, all)).ShouldBeNull("there is no room for it: it is sent once");
        all.Count.ShouldBeLessThanOrEqualTo(200 * 1024);
        using var passedOn = new MemoryStream();
        await second.Http.Request.Body.CopyToAsync(passedOn);
        passedOn.ToArray().ShouldBe(sent, "it is sent whole, also what was held of it");

        second.End();
        first.End();
        all.Count.ShouldBe(0);
        (await Attempt.OfAsync(new Request(sent).Http, Route, all)).ShouldNotBeNull("there is room again");
    }

    [Fact]
    public async Task With_no_room_at_all_a_body_goes_through_unread()
    {
        var request = new Request(sent);
        (await Attempt.OfAsync(request.Http, Route, new HeldBytes(0))).ShouldBeNull();
        using var passedOn = new MemoryStream();
        await request.Http.Request.Body.CopyToAsync(passedOn);
        passedOn.ToArray().ShouldBe(sent);
    }

    /// <summary>A request with a key and a body, and its end.</summary>
    private sealed class Request : HttpResponseFeature, IHttpRequestBodyDetectionFeature
    {
        private readonly List<Action> atEnd = [];

        internal Request(byte[] body)
        {
            Http.Features.Set<IHttpResponseFeature>(this);
            Http.Features.Set<IHttpRequestBodyDetectionFeature>(this);
            Http.Request.Method = HttpMethods.Post;
            Http.Request.Headers["Idempotency-Key"] = "a key";
            Http.Request.Body = new MemoryStream(body);
        }

        internal DefaultHttpContext Http { get; } = new();

        public bool CanHaveBody => true;

        public override void OnCompleted(Func<object, Task> callback, object state) => atEnd.Add(() => _ = callback(state));

        internal void End() => atEnd.ForEach(action => action());
    }
}
