using Boon.Contracts;
using Boon.Platform.Data;
using Boon.Platform.Subscriptions;

namespace Boon.Bench;

/// <summary>
/// 100,000 events through one subscription into another module's schema. All at once: four writers in transactions of 100, the sequencers
/// and the subscription work side by side in one process, from the first append until the checkpoint stands at the last event. Then each
/// stage alone. The limit: the same rows, in the same transactions, inserted into a plain table and read back in pages of 500, one after
/// the other.
/// </summary>
internal static class SubscriptionBench
{
    internal const int Events = 100_000;
    internal const int PerTransaction = 100;
    internal const int DefaultBatch = 500;
    private const int Writers = 4;
    private const int Runs = 5;
    private const double Aim = 30_000;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        var events = Enumerable.Range(0, Events).Select(Make).ToList();
        await using var plain = await PlainTable.CreateAsync(connectionString, ct);
        Dictionary<string, List<double>> rates = new(StringComparer.Ordinal);
        List<double> perPass = [], perBatch = [];
        for (var run = -1; run < Runs; run++)
        {
            var insert = await TimeAsync(() => plain.InsertAsync(events, ct));
            var read = await TimeAsync(() => plain.ReadAsync(Events, ct));
            double whole, append, sequence, handle, passes, batches;
            await using (var pipeline = await BareAsync(connectionString, ct))
            {
                whole = await TimeAsync(() => pipeline.AllAtOnceAsync(events, ct));
                (passes, batches) = (pipeline.Passes, pipeline.Batches);
            }
            await using (var pipeline = await BareAsync(connectionString, ct))
            {
                append = await TimeAsync(() => pipeline.AppendAsync(events, ct));
                sequence = await TimeAsync(() => pipeline.SequenceAsync(ct));
                handle = await TimeAsync(() => pipeline.HandleAsync(ct));
            }
            Console.WriteLine(run < 0 ? "Warmed up." : $"Run {run + 1} of {Runs}: {Events / whole:N0} events a second.");
            if (run < 0)
                continue;
            foreach (var (name, seconds) in ((string, double)[])[
                ("whole", whole), ("append", append), ("sequence", sequence), ("handle", handle),
                ("stages", append + sequence + handle), ("insert", insert), ("read", read), ("plain", insert + read)])
            {
                if (!rates.TryGetValue(name, out var list))
                    rates[name] = list = [];
                list.Add(Events / seconds);
            }
            perPass.Add(Events / passes);
            perBatch.Add(Events / batches);
        }
        var figures = new Figures($"subscription: {Events:N0} events of {events[0].Payload.Length} bytes, medians of {Runs} runs, "
            + $"interleaved; the limit is plain SQL");
        Add("append, sequence, handle, checkpoint: all at once", "whole", "plain", Aim);
        Add("the same stages, one after the other", "stages", "plain");
        Add("  append alone / insert", "append", "insert");
        Add("  sequence alone", "sequence", null);
        Add("  read, handle, checkpoint alone / read", "handle", "read");
        return figures.Note($"All at once: {Figures.Median(perPass):N0} events a sequencer pass, {Figures.Median(perBatch):N0} a "
            + $"subscription batch.");

        void Add(string figure, string measured, string? limit, double? aim = null)
        {
            var rate = Figures.Median(rates[measured]);
            figures.Add(figure, Figures.Rate(rate), limit is null ? "" : Figures.Rate(Figures.Median(rates[limit])),
                limit is null ? null : Figures.Ratio(rates[measured], rates[limit]), aim is null
                    ? "" : Figures.Rate(aim.Value), aim is null ? null : rate >= aim);
        }
    }

    /// <summary>A subscription that parses each event and logs one of its own for each hundred.</summary>
    internal static async Task<LogPipeline<ConsumerDb>> BareAsync(string connectionString, CancellationToken ct)
    {
        await using (var source = NpgsqlDataSource.Create(connectionString))
            await LogPipeline<ConsumerDb>.CreateSchemaAsync(source, ModuleContext.SchemaOf<ConsumerDb>(), ct);
        long handled = 0;
        return await LogPipeline<ConsumerDb>.CreateAsync(connectionString, Events, lanes: 1, DefaultBatch, (events, unit, _) =>
        {
            foreach (var e in events)
            {
                var signedIn = e.As<UserSignedIn>();
                if (++handled % 100 == 0)
                    unit.AppendRaw("bench.hundred-counted.v1", "user", signedIn.UserId.ToString(), signedIn.UserId,
                        $$"""{"count":{{handled}},"number":{{signedIn.Number}}}""", e);
            }
            return Task.FromResult(BatchEffect.Written);
        }, ct);
    }

    /// <summary>Writes the events, a transaction for each hundred, on as many connections as there are writers.</summary>
    internal static Task WriteAsync(List<BenchEvent> events, Func<BenchEvent[], CancellationToken, Task> write, CancellationToken ct) =>
        Parallel.ForEachAsync(
            events.Chunk(PerTransaction), new ParallelOptions { MaxDegreeOfParallelism = Writers, CancellationToken = ct },
            async (chunk, ct) => await write(chunk, ct));

    internal static async Task<double> TimeAsync(Func<Task> work)
    {
        var started = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    internal static BenchEvent Make(int number) => Make(number, Guid.CreateVersion7());

    internal static BenchEvent Make(int number, Guid user)
    {
        var signedIn = new UserSignedIn(
            user, $"somebody.with-a-name+{number:000000}@customers.example.com", First: number % 3 == 0, number % 100);
        return new BenchEvent(signedIn.UserId, System.Text.Json.JsonSerializer.Serialize(signedIn, EventJson.Default.UserSignedIn));
    }
}

/// <summary>What is appended, made beforehand.</summary>
internal sealed record BenchEvent(Guid UserId, string Payload)
{
    internal const string AggregateType = "user";
    internal static string Type => UserSignedIn.Name;
}
