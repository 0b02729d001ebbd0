using Boon.Bench;
using Boon.Host.Demo;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

(string Name, string Summary, Func<string, CancellationToken, Task<Figures>> Run)[] benches =
[
    ("subscription", "Events a second through one subscription: append, sequence, handle, checkpoint.", SubscriptionBench.RunAsync),
    ("sign-in-to-voucher", "From the answer of a sign-in to the voucher in GET /v1/vouchers, at rest.", SignInToVoucherBench.RunAsync),
    ("claims", "Claims a second through HTTP beside pgbench's plain transaction, and from pools of all sizes.", ClaimsBench.RunAsync),
    ("purge", "The first claims after 1,000,000 expired coupons beside those of a fresh pool, and their purge.", PurgeBench.RunAsync),
    ("types", "Pages of 10,000 coupon types.", TypesBench.RunAsync),
    ("upload", "One upload of 50,000 coupons beside a bare COPY of the same rows, and its memory.", UploadBench.RunAsync),
    ("quests", "Sign-in events to completed quests, events a second, beside the bare subscription.", QuestsBench.RunAsync),
    ("rules", "Sign-ins through many campaigns and quests that give nothing; answers about a million vouchers and users.",
        RulesBench.RunAsync),
    ("replay", "Replay of 1,000,000 stored events: read and folded, and with the projection written.", ReplayBench.RunAsync),
    ("catalog", "Reads of the quest catalog a second beside an endpoint that does nothing.", CatalogBench.RunAsync),
    ("orders", "Orders with a code, placed to confirmed, a second at 16 connections, and the CPU of each.", OrdersBench.RunAsync),
    ("intake", "Reported events a second in batches of 1,000, beside a bare COPY of the same rows.", IntakeBench.RunAsync),
    ("sign-ins", "Sign-ins a second at 32 connections beside the bare password hash.", SignInsBench.RunAsync),
    ("gateway", "What the gateway adds to a request at rest, and claims a second through it beside those without it.",
        GatewayBench.RunAsync),
    ("broker", "Events a second published to a RabbitMQ stream and read from it, beside the bare client.", BrokerBench.RunAsync),
    ("tokens", "Verification of access tokens beside the bare RSA verification.", TokensBench.RunAsync),
    ("log-size", "Metrics, one user's events and a rare type's in a log of 20,000,000 events (--events N) beside one of 20,000.",
        LogSizeBench.RunAsync),
    ("rest", "Transactions, write-ahead log and CPU of one idle process.", RestBench.RunAsync),
    ("start", "Cold start of boon serve to the first 200 of /health/ready, and its memory at rest.", StartBench.RunAsync),
];

if (args is [EmptyHost.Verb, var url])
    return await EmptyHost.RunAsync(url);
if (args is ["log-size", "--events", var events] && int.TryParse(events, out var many) && many >= 20_000)
    (LogSizeBench.Events, args) = (many, ["log-size"]);
var known = args is [] || (args is [var first] && benches.Any(bench => bench.Name == first));
if (!known)
{
    Console.WriteLine("Usage: bench [NAME]\n\nPrints each figure as a ratio to a limit that is measured in the same run. Without a NAME "
        + "all of them run.\n");
    foreach (var bench in benches)
        Console.WriteLine($"  {bench.Name,-20} {bench.Summary}");
    Console.WriteLine("\nPostgreSQL: a private one in a temporary folder, or the server in ConnectionStrings__Boon (a database is made and "
        + "dropped there).");
    return args is ["--help"] or ["-h"] ? 0 : 2;
}

#if DEBUG
Console.WriteLine("Built for debugging: these figures say little. Use -c Release.");
#endif
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, key) =>
{
    key.Cancel = true;
    stop.Cancel();
};
try
{
    await using var server = await BenchServer.StartAsync(stop.Token);
    try
    {
        foreach (var bench in benches.Where(bench => args is [] || bench.Name == args[0]))
        {
            await using var database = await DemoDatabase.CreateAsync(server.ConnectionString, stop.Token);
            (await bench.Run(database.ConnectionString, stop.Token)).Print();
        }
    }
    catch (Exception error) when (error is not OperationCanceledException)
    {
        // Said now: the server may fail to stop because of it, and that would be all that is seen.
        Console.Error.WriteLine(error);
        return 1;
    }
    return 0;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
