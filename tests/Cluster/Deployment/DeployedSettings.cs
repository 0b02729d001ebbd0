using Boon.Host;
using Boon.Platform;
using Microsoft.Extensions.Configuration;

namespace Boon.Cluster.Deployment;

/// <summary>What must hold for the variables of every container of Boon, whatever runs it.</summary>
internal static class DeployedSettings
{
    private static readonly string[] Modules = [.. BoonHost.AllModules.Select(module => module.Name)];

    /// <summary>Boon knows each, and secrets are files below a folder.</summary>
    internal static void Check(IReadOnlyDictionary<string, string> variables, string secrets)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(variables.Select(variable => KeyValuePair.Create(Key(variable.Key), (string?)variable.Value)))
            .Build();
        SettingsCheck.Run(configuration, Modules);
        foreach (var (name, value) in variables)
        {
            value.ShouldNotContain("Password=", Case.Insensitive, name);
            if (name.EndsWith("_FILE", StringComparison.Ordinal))
                value.ShouldStartWith(secrets + "/", Case.Sensitive, name);
            else if (Settings.BrokerUrl.Matches(Key(name)))
                Settings.BrokerUrl.Of(configuration)!.Password.ShouldBeNull("the password is a file");
            else
                Settings.List.Where(setting => setting.Secret)
                    .ShouldNotContain(setting => setting.Matches(Key(name)), $"{name} is a secret");
        }
    }

    private static string Key(string variable) => variable.Replace("__", ":", StringComparison.Ordinal);
}
