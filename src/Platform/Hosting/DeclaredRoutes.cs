using Boon.Platform.Http;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;

namespace Boon.Platform.Hosting;

/// <summary>A route as the endpoint of a module declares it.</summary>
/// <param name="Module">The module that answers it; null for a route that each process answers for all of its modules.</param>
/// <param name="Method">Its method.</param>
/// <param name="Path">Its path, with parameters in braces.</param>
/// <param name="Keyed">True when it honours an <c>Idempotency-Key</c>, so that the same request may be sent twice.</param>
/// <param name="NeedsCredential">True when nobody gets an answer without a token or key.</param>
/// <param name="LargestBody">The most bytes of a body that it takes; null: as many as every call.</param>
public sealed record DeclaredRoute(string? Module, string Method, string Path, bool Keyed, bool NeedsCredential, long? LargestBody)
{
    /// <summary>The routes of a module.</summary>
    public static IReadOnlyList<DeclaredRoute> Of(IModule module) => Of(module.Name, module.Map);

    /// <summary>The routes that each process answers for all of its modules.</summary>
    public static IReadOnlyList<DeclaredRoute> HostWide() => Of(null, WebPipeline.MapHostWide);

    private static List<DeclaredRoute> Of(string? module, Action<IEndpointRouteBuilder> map)
    {
        using var declared = new Declaration();
        map(declared);
        return [.. declared.DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>().SelectMany(endpoint =>
            endpoint.Metadata.GetRequiredMetadata<IHttpMethodMetadata>().HttpMethods.Select(method => new DeclaredRoute(
                module, method, endpoint.RoutePattern.RawText!,
                endpoint.Metadata.GetMetadata<IdempotentEndpoint>() is not null,
                endpoint.Metadata.GetMetadata<IAuthorizeData>() is not null,
                endpoint.Metadata.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize)))];
    }

    /// <summary>
    /// Takes note of endpoints that nobody calls here: what their handlers need is taken for a service, whatever it is, and is never asked
    /// for.
    /// </summary>
    private sealed class Declaration : IEndpointRouteBuilder, IServiceProvider, IServiceProviderIsService, IDisposable
    {
        /// <summary>What the framework itself asks for while it builds an endpoint.</summary>
        private readonly ServiceProvider framework = new ServiceCollection().AddLogging().AddOptions().BuildServiceProvider();

        public ICollection<EndpointDataSource> DataSources { get; } = [];

        public IServiceProvider ServiceProvider => this;

        public object? GetService(Type serviceType) =>
            serviceType == typeof(IServiceProviderIsService) ? this : framework.GetService(serviceType);

        public bool IsService(Type serviceType) => true;

        public IApplicationBuilder CreateApplicationBuilder() =>
            throw new NotSupportedException("Routes that are only declared run nothing.");

        public void Dispose() => framework.Dispose();
    }
}
