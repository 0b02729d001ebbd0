using Microsoft.Extensions.Configuration;

namespace Boon.Platform;

/// <summary>Looks at all that is set before anything starts: names that Boon does not have, and values that cannot be.</summary>
public static class SettingsCheck
{
    private const string Prefix = "Boon:";
    private const string Connections = "ConnectionStrings:";
    private const string FileSuffix = "_FILE";

    /// <summary>A name with no more wrong letters than this is taken for a slip.</summary>
    private const int MostSlips = 2;

    /// <summary>Sets what <c>{Key}_FILE</c> names a file for: secrets that are mounted.</summary>
    public static void ReadFiles(IConfiguration configuration, IReadOnlyList<string> modules)
    {
        foreach (var (name, path) in configuration.AsEnumerable().ToList())
        {
            if (string.IsNullOrEmpty(path) || !name.EndsWith(FileSuffix, StringComparison.OrdinalIgnoreCase))
                continue;
            var key = name[..^FileSuffix.Length];
            if (Find(key, modules) is not { Secret: true })
                continue;
            if (!string.IsNullOrEmpty(configuration[key]))
                throw new SetupException($"Both {key} and {name} are set; set one of them.");
            string secret;
            try
            {
                secret = File.ReadAllText(path).TrimEnd('\r', '\n');
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new SetupException($"{name} is '{path}'; it must be a file that Boon can read ({error.Message})", error);
            }
            // Nothing would be as if it were not set: a database or a password of Boon's own.
            configuration[key] = secret.Length > 0 ? secret : throw new SetupException($"{name} is '{path}'; that file is empty.");
        }
    }

    /// <summary>Throws with a line for each fault.</summary>
    /// <exception cref="SetupException">Something is set that nobody reads, or to what cannot be.</exception>
    public static void Run(IConfiguration configuration, IReadOnlyList<string> modules)
    {
        var faults = configuration.AsEnumerable().Where(one => !string.IsNullOrEmpty(one.Value))
            .Select(one => Fault(one.Key, one.Value!, modules)).OfType<string>().Order(StringComparer.Ordinal).ToList();
        if (faults.Count > 0)
            throw new SetupException(string.Join('\n', faults));
    }

    private static string? Fault(string key, string value, IReadOnlyList<string> modules)
    {
        if (Find(key, modules) is { } setting)
            return key.StartsWith(Connections, StringComparison.OrdinalIgnoreCase) && ConnectionText.OfAddress(value) is { } written
                ? $"{key} is an address; write it as {written}"
                : setting.Fault(key, value);
        if (key.EndsWith(FileSuffix, StringComparison.OrdinalIgnoreCase) && Find(key[..^FileSuffix.Length], modules) is { Secret: true })
            return null;
        var near = Near(key, modules);
        return near is not null ? $"There is no setting {key}; did you mean {near} (as an environment variable "
            + $"{near.Replace(":", "__", StringComparison.Ordinal)})?"
            : key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase)
                ? $"There is no setting {key}; docs/guide/settings.md lists all settings."
            : null;
    }

    private static Setting? Find(string key, IReadOnlyList<string> modules) => Settings.List.FirstOrDefault(setting => setting.Matches(key)
        && (setting != Settings.ModuleDatabase || modules.Contains(key[Connections.Length..], StringComparer.OrdinalIgnoreCase)));

    /// <summary>
    /// The setting that a name is a slip for: without <c>Boon:</c>, with single underscores, or with a wrong letter or two. Names of other
    /// programs pass: they have no <c>:</c> (in the environment no <c>__</c>), or are far from any of ours.
    /// </summary>
    private static string? Near(string key, IReadOnlyList<string> modules)
    {
        var known = Settings.List.Where(setting => setting != Settings.ModuleDatabase)
            .Select(setting => setting.Key.Replace("{n}", "0", StringComparison.Ordinal))
            .Concat(modules.Select(module => $"{Connections}{char.ToUpperInvariant(module[0])}{module[1..]}")).ToList();
        if (known.Find(one => Same(one, Prefix + key) && key.Contains(':', StringComparison.Ordinal) || Same(one, key.Replace('_', ':'))
            || Same(one, key + ":0")) is { } same)
            return same;
        if (!key.Contains(':', StringComparison.Ordinal))
            return null;
        var best = known.Where(one => !one.Contains('{', StringComparison.Ordinal))
            .Select(one => (Key: one, Slips: Distance(one.ToLowerInvariant(), key.ToLowerInvariant()))).MinBy(one => one.Slips);
        return best.Slips <= MostSlips ? best.Key : null;

        static bool Same(string one, string other) => string.Equals(one, other, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Levenshtein's distance: letters to add, take out or change.</summary>
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var changed = diagonal + (one[i - 1] == other[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
