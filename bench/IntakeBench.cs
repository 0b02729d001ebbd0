using System.Net.Http.Headers;
using System.Text;
using NpgsqlTypes;

namespace Boon.Bench;

/// <summary>
/// Events of another system through HTTP with an API key, in batches of 1,000, one after the other: read, checked, deduplicated, logged. In
/// turn with a bare binary COPY of the same rows, in transactions of 1,000, into copies of the same two tables, indexes included.
/// </summary>
internal static class IntakeBench
{
    private const int BatchSize = 1_000;
    private const int Batches = 50;
    private const int Runs = 5;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        using var http = new HttpClient { BaseAddress = new Uri(host.Url) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", await KeyAsync(host, ct));
        await using (var create = source.CreateCommand("create table public.plain_log (like intake.event_log including all); create table "
            + "public.plain_received (like intake.received including all)"))
            await create.ExecuteNonQueryAsync(ct);

        List<double> reported = [], again = [], plain = [], cpu = [];
        for (var run = -1; run < Runs; run++)
        {
            var name = $"run{run + 1}";
            var bodies = Enumerable.Range(0, Batches).Select(batch => Body(name, batch)).ToList();
            var copied = await SubscriptionBench.TimeAsync(() => CopyAsync(source, name, ct));
            var used = host.Cpu();
            var sent = await SubscriptionBench.TimeAsync(() => SendAsync(bodies));
            var cpuEach = (host.Cpu() - used).TotalMicroseconds / (Batches * BatchSize);
            var resent = await SubscriptionBench.TimeAsync(() => SendAsync(bodies));
            Console.WriteLine(run < 0 ? "Warmed up." : $"Run {run + 1} of {Runs}: COPY {Rate(copied):N0}, reported {Rate(sent):N0}, the "
                + $"same again {Rate(resent):N0} events a second.");
            if (run < 0)
                continue;
            plain.Add(Rate(copied));
            reported.Add(Rate(sent));
            again.Add(Rate(resent));
            cpu.Add(cpuEach);
        }
        await CheckAsync(source, ct);
        return new Figures($"intake: {Batches * BatchSize:N0} events in batches of {BatchSize:N0} on one connection, medians of {Runs} "
            + $"runs, interleaved; the limit is a bare COPY of the same rows")
            .Add("events reported through HTTP", Figures.Rate(Figures.Median(reported)), Figures.Rate(Figures.Median(plain)),
                Figures.Ratio(reported, plain))
            .Add("the same events again: all duplicates", Figures.Rate(Figures.Median(again)), Figures.Rate(Figures.Median(plain)),
                Figures.Ratio(again, plain))
            .Note($"{Figures.Median(cpu):0} µs of Boon's CPU for each reported event, with the numbering of the log and the campaigns and "
                + $"quests that read it meanwhile on the same two cores.");

        static double Rate(double seconds) => Batches * BatchSize / seconds;

        async Task SendAsync(List<byte[]> bodies)
        {
            foreach (var body in bodies)
            {
                using var content = new ByteArrayContent(body)
                    { Headers = { ContentType = new MediaTypeHeaderValue("application/cloudevents-batch+json") } };
                using var response = await http.PostAsync(new Uri("/v1/events", UriKind.Relative), content, ct);
                if (!response.IsSuccessStatusCode)
                    throw new InvalidOperationException($"The batch was refused: {await response.Content.ReadAsStringAsync(ct)}");
            }
        }
    }

    private static string IdOf(string run, int number) => $"{run}-{number:0000000}";

    private static string DataOf(int number) =>
        $$"""{"orderId":{{number}},"product":"mobile-top-up","amount":{{1000 + number}},"currency":"USD","first":false}""";

    private static byte[] Body(string run, int batch) =>
        Encoding.ASCII.GetBytes("[" + string.Join(',', Enumerable.Range(batch * BatchSize, BatchSize).Select(number => $$"""
        {"specversion":"1.0","id":"{{IdOf(run, number)}}","source":"/shop","type":"shop.order-paid.v1",
        "userid":"{{Guid.CreateVersion7()}}","time":"2026-01-01T00:00:00Z","data":{{DataOf(number)}}}
        """)) + "]");

    private static async Task<string> KeyAsync(HostProcess host, CancellationToken ct)
    {
        using var http = await Accounts.OperatorAsync(host, ct);
        using var content = new StringContent("""{"name":"bench"}""", Encoding.UTF8, "application/json");
        using var response = await http.PostAsync(new Uri("/v1/api-keys", UriKind.Relative), content, ct);
        using var key = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync(ct));
        return key.RootElement.GetProperty("key").GetString()!;
    }

    private static async Task CopyAsync(NpgsqlDataSource source, string run, CancellationToken ct)
    {
        await using var connection = await source.OpenConnectionAsync(ct);
        for (var batch = 0; batch < Batches; batch++)
        {
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await using (var copy = await connection.BeginBinaryImportAsync(
                "copy public.plain_received (source, id) from stdin (format binary)", ct))
            {
                for (var i = 0; i < BatchSize; i++)
                {
                    await copy.StartRowAsync(ct);
                    await copy.WriteAsync("/shop", NpgsqlDbType.Text, ct);
                    await copy.WriteAsync(IdOf(run, (batch * BatchSize) + i), NpgsqlDbType.Text, ct);
                }
                await copy.CompleteAsync(ct);
            }
            await using (var copy = await connection.BeginBinaryImportAsync(
                "copy public.plain_log (id, aggregatetype, aggregateid, type, payload, userid, time) from stdin (format binary)", ct))
            {
                for (var i = 0; i < BatchSize; i++)
                {
                    var number = (batch * BatchSize) + i;
                    await copy.StartRowAsync(ct);
                    await copy.WriteAsync(Guid.CreateVersion7(), NpgsqlDbType.Uuid, ct);
                    await copy.WriteAsync("external", NpgsqlDbType.Text, ct);
                    await copy.WriteAsync($"/shop#{IdOf(run, number)}", NpgsqlDbType.Text, ct);
                    await copy.WriteAsync("external.shop.order-paid.v1", NpgsqlDbType.Text, ct);
                    await copy.WriteAsync(DataOf(number), NpgsqlDbType.Json, ct);
                    await copy.WriteAsync(Guid.CreateVersion7(), NpgsqlDbType.Uuid, ct);
                    await copy.WriteAsync(DateTime.UnixEpoch, NpgsqlDbType.TimestampTz, ct);
                }
                await copy.CompleteAsync(ct);
            }
            await transaction.CommitAsync(ct);
        }
    }

    private static async Task CheckAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        await using var count = source.CreateCommand("select count(*) from intake.event_log where type = 'external.shop.order-paid.v1'");
        if (await count.ExecuteScalarAsync(ct) is not long logged || logged != (Runs + 1L) * Batches * BatchSize)
            throw new InvalidOperationException("Not every event was logged once.");
    }
}
