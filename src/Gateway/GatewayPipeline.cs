using System.Net;
using Boon.Gateway.Gathering;
using Boon.Gateway.Routing;
using Boon.Gateway.Sending;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.ServiceDiscovery;
using Yarp.ReverseProxy.Transforms;

namespace Boon.Gateway;

/// <summary>
/// One address for all modules and all their processes. It holds nothing: any number of gateways can stand beside each other.
/// </summary>
public static class GatewayPipeline
{
    /// <summary>How long a process may take to accept a connection.</summary>
    private static readonly TimeSpan LongestConnect = TimeSpan.FromSeconds(5);

    /// <summary>How long browsers shall come back by https only.</summary>
    private const string StrictTransport = "max-age=31536000";

    /// <summary>Registers the gateway to these modules.</summary>
    /// <exception cref="SetupException">The settings do not say where a module is.</exception>
    public static IServiceCollection AddBoonGateway(
        this IServiceCollection services, IConfiguration configuration, IReadOnlyList<IModule> modules)
    {
        var backends = Backends.Of(configuration, [.. modules.Select(module => module.Name)]);
        var routes = new ProxyRoutes(backends, modules, configuration);
        services.AddBoonEdge(configuration);
        services.AddSingleton(backends);
        services.AddSingleton(routes);
        services.AddSingleton(new HeldBytes(HeldBytes.MostOfAllRequests));
        services.AddSingleton<Sender>();
        services.AddSingleton<ClientLimits>();
        services.AddSingleton<ModuleCalls>();
        services.AddSingleton<GatewayHealth>();
        services.AddSingleton<Gatherer>();
        services.AddSingleton<BackendWatch>();
        services.AddHostedService(provider => provider.GetRequiredService<BackendWatch>());
        services.AddSingleton<IPassiveHealthCheckPolicy, FirstFailure>();
        services.AddSingleton<IAvailableDestinationsPolicy, ReadyOrAll>();
        services.AddSingleton<IDestinationResolver>(provider =>
            new NamedAddresses(Dns.GetHostAddressesAsync, provider.GetRequiredService<TimeProvider>()));
        services.AddReverseProxy()
            .LoadFromMemory(routes.Routes, routes.Clusters)
            .ConfigureHttpClient((_, handler) => handler.ConnectTimeout = LongestConnect)
            .AddTransforms(transforms =>
            {
                transforms.AddRequestHeaderRemove("Origin"); // which origins may call is the gateway's to say, once
                transforms.AddResponseTransform(Attempt.HoldAsync);
            });
        return services;
    }

    /// <summary>Adds its middleware and routes.</summary>
    public static void UseBoonGateway(this WebApplication app)
    {
        app.UseBoonEdge();
        app.Use(PinToHttps);
        app.Use(app.Services.GetRequiredService<ClientLimits>().AdmitAsync);
        app.Use(WebPipeline.RefuseLargeBodies);
        var routes = app.Services.GetRequiredService<ProxyRoutes>();
        app.MapReverseProxy(proxy =>
        {
            proxy.Use(app.Services.GetRequiredService<Sender>().SendAsync);
            proxy.UseLoadBalancing();
            proxy.UsePassiveHealthChecks();
        }).ConfigureEndpoints((endpoint, route) =>
        {
            var declared = routes.Declared(route.RouteId);
            endpoint.WithMetadata(declared);
            if (declared.LargestBody is { } bytes)
                endpoint.WithMetadata(new BodyLimit(bytes));
        });
        app.Services.GetRequiredService<Gatherer>().Map(app, routes);
        app.UseBoonDocs();
    }

    /// <summary>
    /// What whoever starts the gateway must know: a line for each backend, and when it is ready. None in a process that is no gateway.
    /// </summary>
    public static IEnumerable<string> Describe(IServiceProvider services) => services.GetService<Backends>() is not { } backends ? []
        : backends.Describe()
            .Append("/health/ready answers 200 once each module has had a ready process; warnings name processes that are not.");

    private static Task PinToHttps(HttpContext http, RequestDelegate next)
    {
        if (http.Request.IsHttps && !string.Equals(http.Request.Host.Host, "localhost", StringComparison.OrdinalIgnoreCase))
            http.Response.OnStarting(() =>
            {
                http.Response.Headers.StrictTransportSecurity = StrictTransport;
                return Task.CompletedTask;
            });
        return next(http);
    }
}
