using Boon.Platform.Services;

namespace Boon.Gateway.Routing;

/// <summary>Processes that answer alike: replicas of each other.</summary>
/// <param name="Name">What messages call them: the modules that they answer for.</param>
/// <param name="Modules">Those modules.</param>
/// <param name="Addresses">Where they are.</param>
internal sealed record Backend(string Name, IReadOnlyList<string> Modules, IReadOnlyList<Uri> Addresses);

/// <summary>Where each module is, as the settings say it. Modules at the same addresses are one backend.</summary>
internal sealed class Backends
{
    private const string AllModules = "all";

    private Backends(IReadOnlyList<Backend> all) => All = all;

    /// <summary>All of them, in the order of their first modules.</summary>
    internal IReadOnlyList<Backend> All { get; }

    /// <summary>The backend of every module, when all are at the same addresses; else null.</summary>
    internal Backend? Only => All is [var only] ? only : null;

    /// <summary>The backend of a module.</summary>
    internal Backend Of(string module) => All.First(backend => backend.Modules.Contains(module, StringComparer.Ordinal));

    /// <summary>Reads the settings.</summary>
    /// <exception cref="SetupException">A module has no address, or an address is of no module.</exception>
    internal static Backends Of(IConfiguration configuration, IReadOnlyList<string> modules)
    {
        ModuleAddresses.CheckNames(configuration, modules);
        var places = modules.Select(module => (Module: module, Addresses: ModuleAddresses.Of(configuration, module))).ToList();
        if (places.Where(place => place.Addresses.Count == 0).Select(place => place.Module).ToList() is { Count: > 0 } missing)
            throw new SetupException(
                $"The gateway does not know where {string.Join(", ", missing)} is: {ModuleAddresses.HowToSet(missing[0])}");
        var groups = places
            .GroupBy(place => string.Join(',', place.Addresses.Select(address => address.AbsoluteUri).Order(StringComparer.Ordinal)),
                StringComparer.Ordinal)
            .Select(group => (Modules: group.Select(place => place.Module).ToList(), group.First().Addresses)).ToList();
        return new Backends(groups.ConvertAll(group =>
            new Backend(groups.Count == 1 ? AllModules : string.Join(',', group.Modules), group.Modules, group.Addresses)));
    }

    /// <summary>A line for each backend, for whoever starts the gateway.</summary>
    internal IEnumerable<string> Describe() => All.Select(backend =>
        $"Gateway to {(Only is null ? string.Join(", ", backend.Modules) : "all modules")} at "
            + $"{string.Join(", ", backend.Addresses.Select(Text))}");

    /// <summary>An address as people write it.</summary>
    internal static string Text(Uri address) => address.GetLeftPart(UriPartial.Authority);
}
