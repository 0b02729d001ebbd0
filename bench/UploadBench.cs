using System.Net.Http.Headers;
using System.Text;
using NpgsqlTypes;

namespace Boon.Bench;

/// <summary>
/// One upload of 50,000 coupons over HTTP, in turn with a bare binary COPY of the same rows into a copy of the same table, indexes
/// included. And what the server's memory grows by meanwhile.
/// </summary>
internal static class UploadBench
{
    private const int Rows = 50_000;
    private const int Runs = 7;
    private const double Most = 3;
    private const double MostMebibytes = 100;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        using var http = await Accounts.OperatorAsync(host, ct);
        await using (var create = source.CreateCommand("create table public.plain_codes (like promotions.codes including all)"))
            await create.ExecuteNonQueryAsync(ct);

        List<double> csv = [], json = [], plain = [];
        double before = 0, peak = 0;
        for (var run = -1; run < Runs; run++)
        {
            var copied = await SubscriptionBench.TimeAsync(() => CopyAsync(source, $"P{run}-", ct));
            var csvBody = Encoding.ASCII.GetBytes(
                "code,type,discountKind,discountValue,currency,expiresAt,maxUses\n"
                + string.Concat(Enumerable.Range(0, Rows).Select(i => $"C{run}-{i},STANDARD,fixed,500,USD,2090-01-01T00:00:00Z,1\n")));
            var jsonBody = Encoding.ASCII.GetBytes("{\"coupons\":[" + string.Join(',', Enumerable.Range(0, Rows).Select(i =>
                $$"""{"code":"J{{run}}-{{i}}","type":"STANDARD","discount":{"kind":"fixed","value":500,"currency":"USD"}"""
                    + $$""","expiresAt":"2090-01-01T00:00:00Z","maxUses":1}""")) + "]}");
            if (run < 0)
                before = peak = host.ResidentMebibytes();
            var uploadedCsv = await SubscriptionBench.TimeAsync(() => UploadAsync(csvBody, "text/csv"));
            var uploadedJson = await SubscriptionBench.TimeAsync(() => UploadAsync(jsonBody, "application/json"));
            Console.WriteLine(run < 0
                ? "Warmed up."
                : $"Run {run + 1} of {Runs}: COPY {copied * 1000:0} ms, CSV {uploadedCsv * 1000:0} ms, JSON {uploadedJson * 1000:0} ms.");
            if (run < 0)
                continue;
            plain.Add(copied * 1000);
            csv.Add(uploadedCsv * 1000);
            json.Add(uploadedJson * 1000);
        }
        var (csvRatio, jsonRatio) = (Figures.Ratio(csv, plain), Figures.Ratio(json, plain));
        return new Figures($"upload: {Rows:N0} coupons in one request, medians of {Runs} runs, interleaved; the limit is a bare COPY of "
            + $"the same rows into the same table")
            .Add("upload as CSV", Figures.Milliseconds(Figures.Median(csv)), Figures.Milliseconds(Figures.Median(plain)), csvRatio,
                $"<= {Most:0}", csvRatio <= Most)
            .Add("upload as JSON", Figures.Milliseconds(Figures.Median(json)), Figures.Milliseconds(Figures.Median(plain)), jsonRatio,
                $"<= {Most:0}", jsonRatio <= Most)
            .Add("memory while uploading, most over before (resident)", $"{peak - before:0} MiB", $"{before:0} MiB", peak / before,
                $"< {MostMebibytes:0} MB more", peak - before < MostMebibytes);

        async Task UploadAsync(byte[] body, string type)
        {
            using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue(type) } };
            var sending = http.PostAsync(new Uri("/v1/coupons", UriKind.Relative), content, ct);
            while (!sending.IsCompleted)
            {
                peak = Math.Max(peak, host.ResidentMebibytes());
                await Task.WhenAny(sending, Task.Delay(5, ct));
            }
            using var response = await sending;
            if (!response.IsSuccessStatusCode)
                throw new InvalidOperationException($"The upload was refused: {await response.Content.ReadAsStringAsync(ct)}");
        }
    }

    private static async Task CopyAsync(NpgsqlDataSource source, string prefix, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        await using var copy = await connection.BeginBinaryImportAsync(
            "copy public.plain_codes (id, code, benefit, max_uses, expires_at, type, position) from stdin (format binary)", ct);
        var position = long.Parse(prefix[1..^1], CultureInfo.InvariantCulture) * Rows;
        for (var i = 0; i < Rows; i++)
        {
            await copy.StartRowAsync(ct);
            await copy.WriteAsync(Guid.CreateVersion7(), NpgsqlDbType.Uuid, ct);
            await copy.WriteAsync($"{prefix}{i}", NpgsqlDbType.Text, ct);
            await copy.WriteAsync("""{"kind":"fixed","value":500,"currency":"USD"}""", NpgsqlDbType.Json, ct);
            await copy.WriteAsync(1, NpgsqlDbType.Integer, ct);
            await copy.WriteAsync(new DateTime(2090, 1, 1, 0, 0, 0, DateTimeKind.Utc), NpgsqlDbType.TimestampTz, ct);
            await copy.WriteAsync("STANDARD", NpgsqlDbType.Text, ct);
            await copy.WriteAsync(++position, NpgsqlDbType.Bigint, ct);
        }
        await copy.CompleteAsync(ct);
    }
}
