using Boon.Broker;
using Boon.Gateway;
using Boon.Identity;
using Boon.Intake;
using Boon.Orders;
using Boon.Platform;
using Boon.Platform.Data;
using Boon.Platform.Hosting;
using Boon.Platform.Observability;
using Boon.Platform.Operations;
using Boon.Platform.PrivatePostgres;
using Boon.Platform.Subscriptions;
using Boon.Promotions;
using Boon.Quests;
using Boon.Wallet;
using Microsoft.AspNetCore.HttpOverrides;

namespace Boon.Host;

/// <summary>What the command line says to a host.</summary>
/// <param name="Data">The folder of the private PostgreSQL, keys and logs.</param>
/// <param name="Urls">Where to listen; null: the settings decide, else http://127.0.0.1:5080.</param>
/// <param name="Modules">Which modules to run; null or empty: all.</param>
/// <param name="Quiet">True to keep information off the console, for commands that print a report of their own.</param>
/// <param name="Settings">Settings that win over all others.</param>
/// <param name="MustExist">True for commands that work with data that is there: they make no database.</param>
/// <param name="Known">Every module of the program; null: those of Boon.</param>
internal sealed record HostOptions(
    string? Data = null, string? Urls = null, IReadOnlyList<string>? Modules = null, bool Quiet = false,
    IReadOnlyDictionary<string, string?>? Settings = null, bool MustExist = false,
    IReadOnlyList<IModule>? Known = null);

/// <summary>
/// One process of Boon: its database (a private PostgreSQL unless a connection string is set), its modules, and the web application over
/// them.
/// </summary>
internal sealed class BoonHost : IAsyncDisposable
{
    internal const string DefaultUrl = "http://127.0.0.1:5080";

    /// <summary>What <c>--modules</c> says for a process that forwards to the modules of others, and has no database.</summary>
    internal const string GatewayName = "gateway";

    /// <summary>Every module that this binary has.</summary>
    internal static IReadOnlyList<IModule> AllModules { get; } =
        [new IdentityModule(), new PromotionsModule(), new QuestsModule(), new WalletModule(), new OrdersModule(), new IntakeModule()];

    /// <summary>Every defence, of the platform and of the modules: the registry that tests read and switch.</summary>
    internal static IReadOnlyList<Defence> AllDefences { get; } =
        [.. Defence.OfPlatform, .. GatewayDefences.All, .. BrokerDefences.All, .. AllModules.SelectMany(module => module.Defences)];

    private readonly PrivatePostgres? postgres;
    private readonly string urls;

    private BoonHost(WebApplication app, PrivatePostgres? postgres, string urls) => (App, this.postgres, this.urls) = (app, postgres, urls);

    /// <summary>The web application, built and not started.</summary>
    internal WebApplication App { get; }

    /// <summary>Where it listens, once started.</summary>
    internal string Url => App.Urls.First();

    /// <summary>Where metrics and health are, once started.</summary>
    internal string ManagementUrl => Settings.ManagementUrls.Of(App.Configuration) is null ? Url : App.Urls.Last();

    /// <summary>Starts the database if it is ours, and builds the application. Nothing runs and nothing is migrated yet.</summary>
    internal static async Task<BoonHost> BuildAsync(HostOptions options, CancellationToken ct)
    {
        // The same text on every machine, whatever its language.
        System.Globalization.CultureInfo.DefaultThreadCurrentCulture = System.Globalization.CultureInfo.InvariantCulture;
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        var configuration = builder.Configuration;
        var known = options.Known ?? AllModules;
        HostConfiguration.Load(configuration, options.Settings, known);
        var data = Path.GetFullPath(options.Data ?? Settings.Data.Of(configuration));
        configuration["Boon:Data"] = data;
        if (options.Quiet)
            configuration["Boon:Log:Level"] = "Warning";
        var modules = Choose(known, options.Modules ?? HostConfiguration.InReach(configuration, known));
        PrivatePostgres? server = null;
        if (Settings.Database.Of(configuration) is null
            && modules.Any(module => string.IsNullOrEmpty(configuration.GetConnectionString(module.Name))))
        {
            if (options.MustExist && !HasData(data))
                throw new SetupException($"There is no data in {data}: name the folder with --data (Boon:Data), or your own database with "
                    + $"ConnectionStrings:Boon.");
            server = await PrivatePostgres.StartAsync(
                new PrivatePostgresOptions(data, Settings.PostgresBinaries.Of(configuration)), Console.Error.WriteLine, ct);
            configuration["ConnectionStrings:Boon"] = server.ConnectionString;
        }
        try
        {
            var urls = options.Urls ?? Settings.Urls.Of(configuration) ?? configuration["urls"] ?? DefaultUrl;
            if (Settings.Urls.Fault(options.Urls is null ? Settings.Urls.Key : "--urls", urls) is { } fault)
                throw new SetupException(fault);
            var management = Settings.ManagementUrls.Of(configuration);
            builder.WebHost.UseUrls(management is null ? urls : $"{urls};{management}");
            Directory.CreateDirectory(data);
            builder.WebHost.UseKestrelHttpsConfiguration();
            Databases? databases = null;
            var logs = PrivateFolder.Create(Path.Combine(data, "logs")).FullName;
            builder.AddBoonLogs(logs, () => databases?.Outages.Any == true);
            builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(10));
            AddServices(builder, known, modules);
            var app = builder.Build();
            databases = app.Services.GetService<Databases>();
            CheckSubscriptions(app, known, modules);
            if (modules.Count > 0)
                ServicesCheck.Run(configuration, app.Services);
            Map(app, modules);
            return new BoonHost(app, server, urls);
        }
        catch
        {
            if (server is not null)
                await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Applies what migrations are missing, module by module; answers the names by module.</summary>
    internal async Task<List<(string Module, string Migration)>> MigrateAsync(CancellationToken ct)
    {
        var logger = App.Services.GetRequiredService<ILoggerFactory>().CreateLogger(Logs.MigrationCategory);
        var applied = new List<(string, string)>();
        foreach (var module in App.Services.GetServices<ModuleMigrations>())
            foreach (var migration in await module.ApplyAsync(ct))
            {
                HostLog.Migrated(logger, module.Module, migration);
                applied.Add((module.Module, migration));
            }
        return applied;
    }

    /// <summary>Waits until every database of this host answers, for starts that come before it.</summary>
    internal async Task WaitForDatabasesAsync(CancellationToken ct)
    {
        foreach (var database in App.Services.GetServices<HostedModule>().Select(module => module.Database)
            .DistinctBy(database => database.Source))
        {
            var backoff = new Backoff();
            for (var said = false; ; said = true)
                try
                {
                    await using var connection = await database.Source.OpenConnectionAsync(ct);
                    break;
                }
                catch (Exception error) when (PostgresErrors.IsOutage(error) && !ct.IsCancellationRequested)
                {
                    if (!said)
                        Console.WriteLine($"Waiting for the database {ConnectionText.Describe(database.Source.ConnectionString)}: "
                            + $"{error.Message}");
                    await Task.Delay(backoff.Next(), ct);
                }
        }
    }

    /// <summary>Migrates unless <c>Boon:Migrate</c> is false, then serves.</summary>
    internal async Task StartAsync(CancellationToken ct)
    {
        if (Settings.Migrate.Of(App.Configuration))
            await MigrateAsync(ct);
        else
            foreach (var module in App.Services.GetServices<ModuleMigrations>())
                if (await module.PendingAsync(ct) is { Count: > 0 } pending)
                    throw new SetupException($"The database lacks {pending.Count} migration(s) of {module.Module}: run `boon migrate`, or "
                        + $"set Boon__Migrate=true.");
        try
        {
            await App.StartAsync(ct);
        }
        catch (Exception error) when (AddressFault(error) is { } fault)
        {
            throw new SetupException($"Boon:Urls (--urls) is '{urls}'; {fault}", error);
        }
    }

    /// <summary>What is wrong with an address that this machine does not let us listen on; null when the error is another.</summary>
    private static string? AddressFault(Exception error) => error switch
    {
        IOException { InnerException: Microsoft.AspNetCore.Connections.AddressInUseException } =>
            $"another program listens there ({error.Message}) Choose another port.",
        System.Net.Sockets.SocketException { SocketErrorCode: System.Net.Sockets.SocketError.AddressNotAvailable } =>
            "this machine has no such address; it can be one of its own, or * for all.",
        System.Net.Sockets.SocketException { SocketErrorCode: System.Net.Sockets.SocketError.AccessDenied } =>
            "this user may not listen on that port; ports from 1024 on are free to all.",
        System.Net.Sockets.SocketException socket => socket.Message,
        InvalidOperationException when error.Message.Contains("HTTPS", StringComparison.OrdinalIgnoreCase) =>
            error.Message.ReplaceLineEndings(" "),
        _ => null,
    };

    /// <summary>Which databases and modules it works with, a line for each database.</summary>
    internal IEnumerable<string> Describe() => HostConfiguration.Describe(
        App.Configuration, App.Services.GetServices<HostedModule>().Select(module => module.Name), postgres is null
            ? null : Path.Combine(Settings.Data.Of(App.Configuration), "postgres"))
        .Concat(GatewayPipeline.Describe(App.Services));

    /// <summary>Waits for Ctrl-C or SIGTERM, or until a part of the host has failed and stops it.</summary>
    internal async Task WaitAsync(CancellationToken ct)
    {
        var stopping = App.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, stopping);
        await Task.Delay(Timeout.InfiniteTimeSpan, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Lets balancers and clients go elsewhere before this process stops to listen.</summary>
    internal async Task DrainAsync()
    {
        var time = Settings.DrainTime.Of(App.Configuration);
        if (time == TimeSpan.Zero)
            return;
        Console.WriteLine($"Draining for {time.TotalSeconds:0.#} s: /health/ready answers 503, and requests are still served...");
        await App.Services.GetRequiredService<Drain>().RunAsync(time);
    }

    /// <summary>The modules of this process; none for the gateway.</summary>
    private static List<IModule> Choose(IReadOnlyList<IModule> known, IReadOnlyList<string>? names)
    {
        if (names is null or [])
            return [.. known];
        if (names.Contains(GatewayName))
            return names.All(name => name == GatewayName)
                ? [] : throw new SetupException("The gateway is a process of its own: run it with --modules gateway alone.");
        var unknown = names.Where(name => known.All(module => module.Name != name)).ToList();
        return unknown.Count == 0
            ? [.. known.Where(module => names.Contains(module.Name))]
            : throw new SetupException($"There is no module {string.Join(", ", unknown)}; there are "
                + $"{string.Join(", ", known.Select(module => module.Name))}, and {GatewayName}.");
    }

    /// <summary>
    /// True where a private PostgreSQL was made: in the folder, or for root perhaps elsewhere (then the keys that Boon made are in it).
    /// </summary>
    private static bool HasData(string folder) => Directory.Exists(Path.Combine(folder, "postgres"))
        || (Environment.UserName == "root" && Directory.Exists(Path.Combine(folder, "keys")));

    /// <summary>
    /// A setting of a subscription that there is not would be read by nobody; those of modules that run elsewhere are theirs.
    /// </summary>
    private static void CheckSubscriptions(WebApplication app, IReadOnlyList<IModule> known, List<IModule> modules)
    {
        var here = app.Services.GetServices<SubscriptionRunner>().Select(runner => runner.Name).ToList();
        foreach (var name in app.Configuration.GetSection("Boon:Subscriptions").GetChildren().Select(section => section.Key))
        {
            var module = name.Split('.')[0];
            var elsewhere = known.Any(one => one.Name == module) && !modules.Exists(one => one.Name == module);
            if (!elsewhere && !here.Contains(name, StringComparer.OrdinalIgnoreCase))
                throw new SetupException($"There is no subscription {name} to set; there are {string.Join(", ", here)}.");
        }
    }

    private static void AddServices(WebApplicationBuilder builder, IReadOnlyList<IModule> known, List<IModule> modules)
    {
        var services = builder.Services;
        services.AddSingleton<IHostLifetime, CommandLifetime>().AddSingleton(TimeProvider.System);
        services.AddBoonTelemetry(builder.Configuration);
        if (modules.Count == 0)
            services.AddBoonGateway(builder.Configuration, known);
        else
        {
            services.AddBoonLog();
            services.AddLogLag(builder.Configuration);
            services.AddBoonWeb(builder.Configuration);
            services.AddBoonModules(builder.Configuration, known, modules);
            services.AddBoonBroker(builder.Configuration, modules);
        }
        if (Settings.ProxiesOf(builder.Configuration).ToList() is { Count: > 0 } proxies)
            services.Configure<ForwardedHeadersOptions>(forwarded =>
            {
                forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
                forwarded.ForwardLimit = null; // the walk ends at the first address that is no known proxy
                forwarded.KnownIPNetworks.Clear();
                forwarded.KnownProxies.Clear();
                foreach (var proxy in proxies)
                    forwarded.KnownIPNetworks.Add(proxy);
            });
    }

    private static void Map(WebApplication app, List<IModule> modules)
    {
        app.UseForwardedHeaders();
        if (modules.Count == 0)
            app.UseBoonGateway();
        else
            app.UseBoonWeb();
        app.MapMetrics();
        foreach (var module in modules)
            module.Map(app);
    }

    /// <summary>Stops serving, then leaves the private PostgreSQL (which stops when nobody else uses it).</summary>
    public async ValueTask DisposeAsync()
    {
        await App.StopAsync();
        await App.DisposeAsync();
        if (postgres is not null)
            await postgres.DisposeAsync();
    }
}
