using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Boon.Platform;

namespace Boon.Host.Cluster;

/// <summary>What a cluster is to be.</summary>
/// <param name="Urls">Where the gateway listens.</param>
/// <param name="Broker">What joins the modules: <see cref="RabbitMq"/>, or <see cref="NoBroker"/> for one database.</param>
/// <param name="Replicas">Processes of each module.</param>
/// <param name="Settings">What the caller has set, for every process; secrets and what the cluster decides are left out.</param>
/// <param name="OperatorPassword">The first operator's password at the first start; null: a random one.</param>
/// <param name="Binaries">The folder of PostgreSQL's programs; null: looked for.</param>
internal sealed record ClusterPlan(
    string Urls, string Broker, int Replicas, IReadOnlyDictionary<string, string> Settings, string? OperatorPassword, string? Binaries)
{
    internal const string NoBroker = "none";
    internal const string RabbitMq = "rabbitmq";
    internal const int MostReplicas = 8;

    /// <summary>The command that runs Boon: this very program, unless a test says otherwise.</summary>
    internal IReadOnlyList<string> Program { get; init; } = [.. OwnProgram(), .. Switches];

    /// <summary>Switches that a test host of this process was started with, for those that it starts.</summary>
    internal static IReadOnlyList<string> Switches { get; set; } = [];

    /// <summary>Settings that the cluster decides itself: each process has its own.</summary>
    private static readonly string[] Decided =
        ["Boon:Data", "Boon:Urls", "Boon:Management:", "Boon:Migrate", "Boon:Gateway:Modules", "Boon:Gateway:HealthPort", "Boon:Operator:",
        "Boon:Broker:Url", "Boon:Broker:Password", "Boon:Broker:Publishers:", "Boon:Services:"];

    /// <summary>The plan of a command, from its options and the caller's settings.</summary>
    internal static ClusterPlan Of(IConfiguration configuration, string? urls, string broker, int replicas)
    {
        if (replicas is < 1 or > MostReplicas)
            throw new SetupException($"--replicas is {replicas}; it can be 1 to {MostReplicas}.");
        var settings = configuration.AsEnumerable().Where(one => !string.IsNullOrEmpty(one.Value)
            && (one.Key.StartsWith("Boon:", StringComparison.OrdinalIgnoreCase)
                || one.Key.StartsWith("Kestrel:", StringComparison.OrdinalIgnoreCase))
            && !Decided.Any(decided => one.Key.StartsWith(decided, StringComparison.OrdinalIgnoreCase)));
        var where = urls ?? Platform.Settings.Urls.Of(configuration) ?? BoonHost.DefaultUrl;
        if (Platform.Settings.Urls.Fault("--urls", where) is { } fault)
            throw new SetupException(fault);
        return new ClusterPlan(where, broker, replicas,
            settings.ToDictionary(one => one.Key, one => one.Value!, StringComparer.OrdinalIgnoreCase),
            Platform.Settings.OperatorPassword.Of(configuration), Platform.Settings.PostgresBinaries.Of(configuration));
    }

    /// <summary>The names of a module's processes.</summary>
    internal IEnumerable<string> ProcessesOf(string module) =>
        Enumerable.Range(1, Replicas).Select(number => string.Create(CultureInfo.InvariantCulture, $"{module}-{number}"));

    /// <summary>What a process is of, from its name.</summary>
    internal static string ModuleOf(string process) => process.Split('-')[0];

    /// <summary>How a process of this cluster is run.</summary>
    /// <param name="modules">What it runs, as <c>--modules</c> says it.</param>
    /// <param name="urls">Where it listens.</param>
    /// <param name="home">Its folder.</param>
    /// <param name="settings">What the cluster sets for it.</param>
    internal ProcessPlan Process(string modules, string urls, string home, IReadOnlyDictionary<string, string> settings)
    {
        List<string> command = [.. Program, "serve", "--modules", modules, "--urls", urls, "--data", home];
        var all = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["Boon:Log:Level"] = "Warning" };
        foreach (var (key, value) in Settings.Where(one => IsFor(modules, one.Key)))
            all[key] = value;
        foreach (var (key, value) in settings)
            all[key] = value;
        // Whatever it would read at a start: also the secrets in files, and the program itself.
        var said = command.Concat(all.OrderBy(one => one.Key, StringComparer.OrdinalIgnoreCase).Select(one =>
            $"{one.Key}={(one.Key.EndsWith("_FILE", StringComparison.Ordinal) ? File.ReadAllText(one.Value) : one.Value)}"))
            .Append(Build.Value);
        return new ProcessPlan(command,
            all.ToDictionary(one => one.Key.Replace(":", "__", StringComparison.Ordinal), one => one.Value),
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', said)))));
    }

    /// <summary>The gateway gets what it reads. Modules have no certificate, and believe the gateway only.</summary>
    private static bool IsFor(string modules, string key) => modules == BoonHost.GatewayName
        ? ((string[])["Boon:Gateway:", "Boon:Web:", "Boon:Log:", Platform.Settings.DrainTime.Key, "Kestrel:"]).Any(prefix =>
            key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))
        : !key.StartsWith("Boon:Web:TrustedProxies", StringComparison.OrdinalIgnoreCase)
            && !key.StartsWith("Kestrel:", StringComparison.OrdinalIgnoreCase);

    /// <summary>Which build of Boon this is: a newer one replaces the processes.</summary>
    private static readonly Lazy<string> Build = new(() => string.Join('\n', Directory
        .GetFiles(AppContext.BaseDirectory, "Boon.*.dll").Order(StringComparer.Ordinal)
        .Select(file => $"{Path.GetFileName(file)} {new FileInfo(file).Length} {File.GetLastWriteTimeUtc(file).Ticks}")));

    private static List<string> OwnProgram()
    {
        var process = Environment.ProcessPath!;
        return Path.GetFileNameWithoutExtension(process) == "dotnet" ? [process, Assembly.GetEntryAssembly()!.Location] : [process];
    }
}
