using System.Collections.Concurrent;
using System.Diagnostics;

namespace Boon.Scenarios;

/// <summary>The statements that one request sends to the database: those of its trace.</summary>
internal sealed class Statements : IDisposable
{
    private readonly ActivityTraceId trace = ActivityTraceId.CreateRandom();
    private readonly ConcurrentQueue<string> sent = new();
    private readonly ActivityListener listener;

    internal Statements()
    {
        listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Microsoft.AspNetCore" or "Npgsql",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.Source.Name == "Npgsql" && activity.TraceId == trace
                    && (activity.GetTagItem("db.query.text") ?? activity.GetTagItem("db.statement")) is string text)
                    sent.Enqueue(text);
            },
        };
        ActivitySource.AddActivityListener(listener);
    }

    /// <summary>What makes a request this one.</summary>
    internal void Mark(HttpRequestMessage request) => request.Headers.Add("traceparent", $"00-{trace.ToHexString()}-0123456789abcdef-01");

    /// <summary>What makes everything in this flow this one, until the answer is disposed.</summary>
    internal IDisposable Begin()
    {
        var activity = new Activity("test").SetParentId(trace, ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);
        return activity.Start();
    }

    internal IReadOnlyList<string> Sent => [.. sent];

    public void Dispose() => listener.Dispose();
}
