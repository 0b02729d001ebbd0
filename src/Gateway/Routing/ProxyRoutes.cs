using System.Globalization;
using System.Text;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.LoadBalancing;

namespace Boon.Gateway.Routing;

/// <summary>Every route that the modules declare, with the backend of its module; and how the backends are watched.</summary>
internal sealed class ProxyRoutes
{
    /// <summary>
    /// From one look at a backend's health to the next. Shorter than any drain: who drains gets no more requests before it stops to listen.
    /// </summary>
    private static readonly TimeSpan HealthInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestHealthCheck = TimeSpan.FromSeconds(2);

    /// <summary>How long a backend that failed a request is left out, unless its health says otherwise.</summary>
    private static readonly TimeSpan PassiveRest = TimeSpan.FromSeconds(2);

    /// <summary>How long nothing may come from a backend or a client. Longer than any wait that a request can ask for.</summary>
    private static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(100);

    private const string ModuleParameter = "{module}";

    private readonly Dictionary<string, DeclaredRoute> declared = new(StringComparer.Ordinal);

    internal ProxyRoutes(Backends backends, IReadOnlyList<IModule> modules, IConfiguration configuration)
    {
        var healthPort = Settings.GatewayHealthPort.Of(configuration);
        Clusters = [.. backends.All.Select(backend => Cluster(backend, healthPort))];
        foreach (var module in modules)
            foreach (var route in DeclaredRoute.Of(module))
                Add(route, route.Path, backends.Of(module.Name));
        foreach (var route in DeclaredRoute.HostWide())
            if (route.Path.Contains(ModuleParameter, StringComparison.Ordinal))
                foreach (var module in modules)
                    Add(route, route.Path.Replace(ModuleParameter, module.Name, StringComparison.Ordinal), backends.Of(module.Name));
            else if (IsOfThisProcess(route))
                Gathered.Add(route);
            else if (backends.Only is { } only)
                Add(route, route.Path, only);
            else
                Gathered.Add(route);
        if (backends.Only is { } all)
            Add(Document, Document.Path, all);
        else
            Gathered.Add(Document);
    }

    /// <summary>The OpenAPI document, which describes all modules of a process.</summary>
    internal static DeclaredRoute Document { get; } =
        new(null, HttpMethods.Get, "/openapi/v1.json", Keyed: false, NeedsCredential: false, LargestBody: null);

    /// <summary>What is forwarded.</summary>
    internal List<RouteConfig> Routes { get; } = [];

    /// <summary>The backends.</summary>
    internal List<ClusterConfig> Clusters { get; }

    /// <summary>What the gateway answers itself, from the answers of all backends or from what it knows of them.</summary>
    internal List<DeclaredRoute> Gathered { get; } = [];

    /// <summary>What the module declared of a route.</summary>
    internal DeclaredRoute Declared(string routeId) => declared[routeId];

    /// <summary>How a process is, is asked of the gateway for the gateway.</summary>
    internal static bool IsOfThisProcess(DeclaredRoute route) => route.Path.StartsWith("/health/", StringComparison.Ordinal);

    private void Add(DeclaredRoute route, string path, Backend backend)
    {
        var id = $"{route.Method} {path}";
        declared.Add(id, route);
        Routes.Add(new RouteConfig
            { RouteId = id, ClusterId = backend.Name, Match = new RouteMatch { Path = path, Methods = [route.Method] } });
    }

    private static ClusterConfig Cluster(Backend backend, int healthPort) => new()
    {
        ClusterId = backend.Name,
        LoadBalancingPolicy = LoadBalancingPolicies.PowerOfTwoChoices,
        Destinations = backend.Addresses.Distinct().ToDictionary(Backends.Text, address => new DestinationConfig
        {
            Address = address.AbsoluteUri,
            Health = healthPort == 0 ? null : new UriBuilder(address) { Port = healthPort }.Uri.AbsoluteUri,
        }, StringComparer.Ordinal),
        HttpClient = new HttpClientConfig { RequestHeaderEncoding = Encoding.UTF8.WebName }, // as the gateway reads them
        HttpRequest = new ForwarderRequestConfig { ActivityTimeout = LongestSilence },
        HealthCheck = new HealthCheckConfig
        {
            AvailableDestinationsPolicy = ReadyOrAll.PolicyName,
            Active = new ActiveHealthCheckConfig
            {
                Enabled = true,
                Interval = HealthInterval,
                Timeout = LongestHealthCheck,
                Path = "/health/ready",
                Policy = HealthCheckConstants.ActivePolicy.ConsecutiveFailures,
            },
            Passive = new PassiveHealthCheckConfig { Enabled = true, Policy = FirstFailure.PolicyName, ReactivationPeriod = PassiveRest },
        },
        Metadata = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [ConsecutiveFailuresHealthPolicyOptions.ThresholdMetadataName] = 1.ToString(CultureInfo.InvariantCulture),
        },
    };
}
