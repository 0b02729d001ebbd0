using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Services;

/// <summary>
/// Where the processes of each module are, as the settings say it: the gateway and modules that ask one another read it here.
/// </summary>
public static class ModuleAddresses
{
    private static readonly string Section = Settings.GatewayModules.Key;

    /// <summary>The addresses of a module; none when nothing says where it is.</summary>
    public static IReadOnlyList<Uri> Of(IConfiguration configuration, string module) =>
        Settings.GatewayModule.Of(configuration, $"{Section}:{module}", Settings.GatewayModules.Of(configuration));

    /// <summary>Refuses addresses of a module that there is not.</summary>
    /// <exception cref="SetupException">There is one.</exception>
    public static void CheckNames(IConfiguration configuration, IReadOnlyList<string> modules)
    {
        foreach (var name in configuration.GetSection(Section).GetChildren().Select(child => child.Key))
            if (!modules.Contains(name, StringComparer.OrdinalIgnoreCase))
                throw new SetupException($"There is no module {name} to find ({Section}:{name}); there are {string.Join(", ", modules)}.");
    }

    /// <summary>What to set when a module is not found, for people.</summary>
    public static string HowToSet(string module) =>
        $"set Boon__Gateway__Modules (all modules) or Boon__Gateway__Modules__{char.ToUpperInvariant(module[0])}{module[1..]} to addresses "
            + "such as http://10.0.0.5:5080, with commas.";
}
