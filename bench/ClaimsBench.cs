using Boon.Platform.PrivatePostgres;
using Boon.Support;

namespace Boon.Bench;

/// <summary>
/// Claims a second through HTTP, in turn with pgbench running the plain transaction (select one free row FOR UPDATE SKIP LOCKED, update it,
/// insert the claim and its event) at 64 clients on the same PostgreSQL and the same tables. Then the same claims from a pool of five
/// million, and from one that is consumed to 90 %.
/// </summary>
internal static class ClaimsBench
{
    private const int Claims = 10_000;
    private const int BigPool = 5_000_000;
    private const int PlainClients = 64;
    private const int WarmUps = 8;
    private const int Runs = 3;
    private const string Benefit = """{"kind":"percent","value":10}""";
    private static int types;

    internal static async Task<Figures> RunAsync(string connectionString, CancellationToken ct)
    {
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var host = await HostProcess.ServeAsync(connectionString, ct);
        await using var silent = await HostProcess.ServeAsync(
            connectionString, ct, settings: new Dictionary<string, string>(StringComparer.Ordinal) { ["Boon__Log__Requests"] = "false" });
        await PlainAsync(source, "create", ct);
        var mint = await TokenMint.CreateAsync(source, ct);

        Dictionary<string, List<double>> rates = new(StringComparer.Ordinal);
        Dictionary<string, List<double>> details = new(StringComparer.Ordinal);
        Console.WriteLine($"Warming up with {WarmUps * Claims:N0} claims...");
        for (var warmUp = 0; warmUp < WarmUps; warmUp++)
            foreach (var one in (HostProcess[])[host, silent])
                await BurstAsync(one, source, await PoolAsync(source, Claims, 0, ct), mint.Tokens(Claims), 64, null, "", ct);
        for (var run = 0; run < Runs; run++)
        {
            var plain = await PgbenchAsync(source, connectionString, ct);
            foreach (var connections in (int[])[64, 256])
            {
                var tokens = mint.Tokens(Claims);
                await ClaimAsync($"new tokens, {connections}", await PoolAsync(source, Claims, 0, ct), tokens, connections);
                await ClaimAsync($"seen tokens, {connections}", await PoolAsync(source, Claims, 0, ct), tokens, connections);
                await ClaimAsync($"keys, {connections}", await PoolAsync(source, Claims, 0, ct), tokens, connections, keyed: true);
                await ClaimAsync(
                    $"no lines, {connections}", await PoolAsync(source, Claims, 0, ct), mint.Tokens(Claims), connections, server: silent);
            }
            Add(rates, "plain", plain);
            Console.WriteLine($"Run {run + 1} of {Runs}: plain {plain:N0}, new tokens at 64 connections {rates["new tokens, 64"][^1]:N0} "
                + $"claims a second ({details["new tokens, 64 cpu"][^1]:0} µs of Boon's CPU each, "
                + $"{details["new tokens, 64 pg"][^1]:0} of PostgreSQL's).");

            async Task ClaimAsync(
                string name, string type, string[] tokens, int connections, bool keyed = false, HostProcess? server = null) =>
                Add(rates, name, await BurstAsync(server ?? host, source, type, tokens, connections, details, name, ct, keyed));
        }
        var (small, big, consumed) = await PoolsAsync(host, source, mint, ct);

        var figures = new Figures($"claims: {Claims:N0} claims of {Claims:N0} fresh codes, medians of {Runs} runs, interleaved; the limit "
            + $"is pgbench's plain transaction at {PlainClients} clients");
        foreach (var (name, least, aim) in ((string, double, double)[])[
            ("new tokens, 64", 2.5, 4), ("seen tokens, 64", 3, 6), ("new tokens, 256", 2.5, 4), ("seen tokens, 256", 3, 6)])
        {
            var ratio = Figures.Ratio(rates[name], rates["plain"]);
            figures.Add($"claims a second, {name} connections", Figures.Rate(Figures.Median(rates[name])),
                Figures.Rate(Figures.Median(rates["plain"])), ratio, $">= {least:0.0}, aim {aim:0}", ratio >= least);
        }
        foreach (var connections in (int[])[64, 256])
        {
            Compare(
                figures, rates, $"claims a second with an Idempotency-Key, {connections} connections, beside those without",
                $"keys, {connections}", $"seen tokens, {connections}", 0.5);
            Compare(
                figures, rates, $"claims a second with Boon:Log:Requests, {connections} connections, beside without",
                $"new tokens, {connections}", $"no lines, {connections}", 0.8);
        }
        Beside("a pool of 5,000,000, beside 10,000 fresh", big);
        Beside("a pool of 500,000 that is 90 % consumed, beside 10,000 fresh", consumed);
        foreach (var name in rates.Keys.Where(name => name != "plain"))
            figures.Note(NoteOf(name, details));
        return figures;

        void Beside(string figure, List<double> measured)
        {
            var ratio = Figures.Ratio(measured, small);
            figures.Add(figure, Figures.Rate(Figures.Median(measured)), Figures.Rate(Figures.Median(small)), ratio, ">= 0.9", ratio >= 0.9);
        }
    }

    private static void Compare(
        Figures figures, Dictionary<string, List<double>> rates, string figure, string name, string limit, double least)
    {
        var ratio = Figures.Ratio(rates[name], rates[limit]);
        figures.Add(figure, Figures.Rate(Figures.Median(rates[name])), Figures.Rate(Figures.Median(rates[limit])), ratio,
            $">= {least:0.0}", ratio >= least);
    }

    /// <summary>Claims from small pools, from a big one, and from one that is nearly consumed, in turn.</summary>
    private static async Task<(List<double> Small, List<double> Big, List<double> Consumed)> PoolsAsync(
        HostProcess host, NpgsqlDataSource source, TokenMint mint, CancellationToken ct)
    {
        Console.WriteLine($"Filling a pool of {BigPool:N0}...");
        List<double> small = [], big = [], consumed = [];
        var bigType = await PoolAsync(source, BigPool, 0, ct);
        var consumedType = await PoolAsync(source, BigPool / 10, 9, ct);
        for (var run = 0; run < Runs; run++)
        {
            Console.WriteLine($"Pools, run {run + 1} of {Runs}.");
            small.Add(await BurstAsync(host, source, await PoolAsync(source, Claims, 0, ct), mint.Tokens(Claims), 64, null, "", ct));
            big.Add(await BurstAsync(host, source, bigType, mint.Tokens(Claims), 64, null, "", ct));
            consumed.Add(await BurstAsync(host, source, consumedType, mint.Tokens(Claims), 64, null, "", ct));
        }
        return (small, big, consumed);
    }

    private static string NoteOf(string name, Dictionary<string, List<double>> details)
    {
        double Of(string what) => Figures.Median(details[$"{name} {what}"]);
        return $"{name} connections: p50 {Figures.Milliseconds(Of("p50"))}, p99 {Figures.Milliseconds(Of("p99"))}, "
            + $"{Of("cpu"):0} µs of Boon's CPU and {Of("pg"):0} µs of PostgreSQL's for each claim, {Of("batch"):0} claims in a batch.";
    }

    private static async Task<double> BurstAsync(
        HostProcess host, NpgsqlDataSource source, string type, string[] tokens, int connections,
        Dictionary<string, List<double>>? details, string name, CancellationToken ct,
        bool keyed = false)
    {
        var requests = tokens.Select((token, i) =>
            LoadGenerator.Post("/v1/claims", token, $$"""{"type":"{{type}}"}""", keyed ? [$"Idempotency-Key: {type}-{i}"] : [])).ToList();
        var (cpu, pg, batches) = (host.Cpu(), BenchServer.PostgresCpu(), await BatchesAsync(host, type, ct));
        var burst = await LoadGenerator.RunAsync(host.Url, requests, connections, ct);
        if (burst.Statuses.GetValueOrDefault(201) != tokens.Length)
            throw new InvalidOperationException($"Not every claim was granted: {string.Join(", ", burst.Statuses)}");
        if (details is null)
            return burst.PerSecond;
        var batch = await BatchesAsync(host, type, ct);
        Add(details, name + " p50", Figures.Median(burst.Latencies));
        Add(details, name + " p99", Figures.Percentile(burst.Latencies, 0.99));
        Add(details, name + " cpu", (host.Cpu() - cpu).TotalMicroseconds / tokens.Length);
        Add(details, name + " pg", (BenchServer.PostgresCpu() - pg).TotalMicroseconds / tokens.Length);
        Add(details, name + " batch", tokens.Length / Math.Max(1, batch - batches));
        return burst.PerSecond;
    }

    /// <summary>A coupon type with its codes, of which so many tenths are claimed already.</summary>
    internal static async Task<string> PoolAsync(NpgsqlDataSource source, int codes, int claimedTenths, CancellationToken ct)
    {
        var type = $"BENCH-{++types}";
        var claimed = codes / 10 * claimedTenths;
        await ExecuteAsync(source, $"""
            insert into promotions.coupon_types (name, per_user) values ('{type}', 1);
            insert into promotions.codes (id, code, benefit, max_uses, expires_at, type, position)
            select gen_random_uuid(), '{type}-' || n, '{Benefit}', 1, now() + interval '30 days', '{type}',
                (select last_position from promotions.upload_turn) + n
            from generate_series(1, {codes}) n;
            insert into promotions.claims (id, type, user_id, nth, state, code_id, settled_at)
            select gen_random_uuid(), '{type}', gen_random_uuid(), 0, 'granted', id, now() from promotions.codes
            where type = '{type}' and position <= (select last_position from promotions.upload_turn) + {claimed};
            update promotions.coupon_types set next_position = (select last_position from promotions.upload_turn) + 1 + {claimed}
            where name = '{type}';
            insert into promotions.coupon_counts (type, uploaded, claimed) values ('{type}', {codes}, {claimed});
            update promotions.upload_turn set last_position = last_position + {codes};
            """, ct);
        if (codes > Claims)
            await ExecuteAsync(source, "checkpoint; vacuum analyze promotions.codes", ct);
        return type;
    }

    /// <summary>More codes of a type, as a later upload has them.</summary>
    internal static Task AddAsync(NpgsqlDataSource source, string type, int codes, CancellationToken ct) => ExecuteAsync(source, $"""
        insert into promotions.codes (id, code, benefit, max_uses, expires_at, type, position)
        select gen_random_uuid(), '{type}+' || n, '{Benefit}', 1, now() + interval '30 days', '{type}',
            (select last_position from promotions.upload_turn) + n
        from generate_series(1, {codes}) n;
        insert into promotions.coupon_counts (type, uploaded) values ('{type}', {codes});
        update promotions.upload_turn set last_position = last_position + {codes};
        """, ct);

    private static async Task<double> PgbenchAsync(NpgsqlDataSource source, string connectionString, CancellationToken ct)
    {
        await PlainAsync(source, "fill", ct);
        var script = Path.GetTempFileName();
        await File.WriteAllTextAsync(script, """
            begin;
            select id as code_id, code from bench.codes where user_id is null order by position limit 1 for update skip locked \gset
            update bench.codes set user_id = gen_random_uuid() where id = :code_id::uuid;
            insert into bench.claims (id, type, user_id, nth, state, code_id, settled_at)
            values (gen_random_uuid(), 'BENCH', gen_random_uuid(), 0, 'granted', :code_id::uuid, now());
            insert into bench.event_log (id, aggregatetype, aggregateid, type, payload, userid)
                values (gen_random_uuid(), 'claim', :code_id, 'promotions.coupon-claimed.v1',
                    json_build_object('claimId', :code_id::text, 'code', :code::text, 'expiresAt', now()), gen_random_uuid());
            commit;
            """, ct);
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        var start = new ProcessStartInfo(await PgbenchPathAsync(ct))
            { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in (string[])[
            "-n", "-M", "prepared", "-h", connection.Host!, "-p", $"{connection.Port}", "-U", connection.Username!, "-c",
            $"{PlainClients}", "-j", "2", "-t", $"{Claims / PlainClients}", "-f", script, connection.Database!])
            start.ArgumentList.Add(argument);
        start.Environment["PGPASSWORD"] = connection.Password;
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(ct);
        var output = await process.StandardOutput.ReadToEndAsync(ct);
        await process.WaitForExitAsync(ct);
        File.Delete(script);
        var line = output.Split('\n').FirstOrDefault(line => line.StartsWith("tps = ", StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"pgbench: {(await errors).Split('\n')[0]}");
        return double.Parse(line.Split(' ')[2], CultureInfo.InvariantCulture);
    }

    /// <summary>pgbench lies beside the server's programs, which may be links.</summary>
    private static async Task<string> PgbenchPathAsync(CancellationToken ct)
    {
        var folder = await PostgresBinaries.FindAsync(Environment.GetEnvironmentVariable("Boon__Postgres__Binaries"), null, ct);
        var postgres = Path.Combine(folder, "postgres");
        return Path.Combine(Path.GetDirectoryName(File.ResolveLinkTarget(postgres, returnFinalTarget: true)?.FullName ?? postgres)!,
            "pgbench");
    }

    /// <summary>The plain transaction's tables: copies of Boon's with what it needs to find a free row.</summary>
    private static Task PlainAsync(NpgsqlDataSource source, string what, CancellationToken ct) => ExecuteAsync(source, what == "create"
        ? """
            create schema bench;
            create table bench.codes (like promotions.codes including all);
            create table bench.claims (like promotions.claims including all);
            create table bench.event_log (like promotions.event_log including all);
            create index codes_free on bench.codes (position) where user_id is null;
            """
        : $"""
            truncate bench.codes, bench.claims, bench.event_log;
            insert into bench.codes (id, code, benefit, max_uses, expires_at, type, position)
            select gen_random_uuid(), 'PLAIN-' || n, '{Benefit}', 1, now() + interval '30 days', 'BENCH', n
            from generate_series(1, {Claims}) n;
            """, ct);

    private static async Task<double> BatchesAsync(HostProcess host, string type, CancellationToken ct)
    {
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri(host.Url + "/metrics"), ct);
        var line = metrics.Split('\n')
            .FirstOrDefault(line => line.StartsWith("boon_claim_batch_count", StringComparison.Ordinal)
            && line.Contains($"\"{type}\"", StringComparison.Ordinal));
        return line is null ? 0 : double.Parse(line.Split(' ')[^1], CultureInfo.InvariantCulture);
    }

    private static void Add(Dictionary<string, List<double>> lists, string name, double value)
    {
        if (!lists.TryGetValue(name, out var list))
            lists[name] = list = [];
        list.Add(value);
    }

    internal static async Task ExecuteAsync(NpgsqlDataSource source, string sql, CancellationToken ct)
    {
        foreach (var statement in sql.Contains("vacuum", StringComparison.Ordinal) ? sql.Split(';') : [sql])
        {
            await using var command = source.CreateCommand(statement);
            command.CommandTimeout = 600;
            await command.ExecuteNonQueryAsync(ct);
        }
    }
}
