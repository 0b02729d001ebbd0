using Boon.Platform;
using Boon.Platform.Hosting;

namespace Boon.Host;

/// <summary>The settings of a command, read from all their places and checked before anything starts.</summary>
internal static class HostConfiguration
{
    internal static void Load(
        IConfigurationManager configuration, IReadOnlyDictionary<string, string?>? settings, IReadOnlyList<IModule> modules)
    {
        string[] names = [.. modules.Select(module => module.Name)];
        var file = Path.GetFullPath("appsettings.json");
        try
        {
            configuration.AddJsonFile(file, optional: true, reloadOnChange: false);
        }
        catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            throw new SetupException($"{file} cannot be read as JSON: {Innermost(error).Message}", error);
        }
        configuration.AddEnvironmentVariables();
        SettingsCheck.ReadFiles(configuration, names);
        SettingsCheck.Run(configuration, names);
        configuration.AddInMemoryCollection(settings ?? new Dictionary<string, string?>(StringComparer.Ordinal));
        SettingsCheck.Run(configuration, names);
    }

    /// <summary>What a person must know of a start: whose data it is and what runs, a line for each database.</summary>
    internal static IEnumerable<string> Describe(IConfiguration configuration, IEnumerable<string> modules, string? privateFolder) =>
        modules
        .GroupBy(module => Settings.ModuleDatabase.Of(configuration, $"ConnectionStrings:{module}", Settings.Database.Of(configuration))!,
            StringComparer.Ordinal)
        .Select(group =>
        {
            var isPrivate = privateFolder is not null && group.Key == Settings.Database.Of(configuration);
            var database = isPrivate ? $"private, in {privateFolder}" : ConnectionText.Describe(group.Key);
            return $"Database {database}; modules {string.Join(", ", group)}";
        });

    /// <summary>
    /// Where a broker joins databases, not every process knows all of them: one that is not told its modules has those whose database it
    /// knows. Null: all.
    /// </summary>
    internal static List<string>? InReach(IConfiguration configuration, IReadOnlyList<IModule> known)
    {
        if (Settings.BrokerUrl.Of(configuration) is null || Settings.Database.Of(configuration) is not null)
            return null;
        return [.. known.Select(module => module.Name).Where(name => !string.IsNullOrEmpty(configuration.GetConnectionString(name)))];
    }

    private static Exception Innermost(Exception error) => error.InnerException is { } inner ? Innermost(inner) : error;
}
