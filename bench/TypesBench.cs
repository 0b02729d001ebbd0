using System.Text.Json;

namespace Boon.Bench;

/// <summary>
/// Pages of <c>GET /v1/coupon-types</c> with 10,000 types that have counters, beside those of a database that has the built-in types only.
/// </summary>
internal static class TypesBench
{
    private const int Types = 10_000;
    private const int RowsOfType = 8;
    private const int Runs = 50;
    private const int Page = 200;
    private const double MostMilliseconds = 50;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        using var http = await Accounts.OperatorAsync(host, ct);
        await MeasureAsync(null);
        var few = await MeasureAsync(null);
        await ClaimsBench.ExecuteAsync(source, $"""
            insert into promotions.coupon_types (name, per_user) select 'BENCH-' || n, 1 from generate_series(1, {Types}) n;
            insert into promotions.coupon_counts (type, uploaded) select 'BENCH-' || n % {Types} + 1, 1
            from generate_series(1, {Types * RowsOfType}) n;
            """, ct);
        var first = await MeasureAsync(null);
        var (cursor, seen, worst) = (default(string), 0, 0d);
        do
        {
            var began = Stopwatch.GetTimestamp();
            using var page = await GetAsync(cursor);
            worst = Math.Max(worst, Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            seen += page.RootElement.GetProperty("data").GetArrayLength();
            cursor = page.RootElement.GetProperty("next").GetString();
        }
        while (cursor is not null);
        if (seen < Types)
            throw new InvalidOperationException($"Only {seen} types are listed.");
        return new Figures($"types: {Types:N0} coupon types with {RowsOfType} counter rows each, in pages of {Page}, medians of {Runs} "
            + $"runs; the limit is the built-in types alone")
            .Add("the first page", Figures.Milliseconds(first), Figures.Milliseconds(few), first / few, $"< {MostMilliseconds:0} ms",
                first < MostMilliseconds)
            .Add($"the slowest of all pages, of {seen:N0} types", Figures.Milliseconds(worst), "", null, $"< {MostMilliseconds:0} ms",
                worst < MostMilliseconds);

        async Task<double> MeasureAsync(string? at)
        {
            var times = new List<double>(Runs);
            for (var run = 0; run < Runs; run++)
            {
                var began = Stopwatch.GetTimestamp();
                using var page = await GetAsync(at);
                times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            }
            return Figures.Median(times);
        }

        async Task<JsonDocument> GetAsync(string? at) =>
            JsonDocument.Parse(await http.GetByteArrayAsync(
                new Uri($"/v1/coupon-types?limit={Page}{(at is null ? "" : "&cursor=" + at)}", UriKind.Relative), ct));
    }
}
