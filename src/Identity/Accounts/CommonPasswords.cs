using System.Collections.Frozen;

namespace Boon.Identity.Accounts;

/// <summary>Passwords that attackers try first, long enough to pass the length rule. The list is a file in this folder.</summary>
internal static class CommonPasswords
{
    private static readonly Lazy<FrozenSet<string>> List = new(Read);

    internal static bool Contains(string password) => List.Value.Contains(password.ToLowerInvariant());

    private static FrozenSet<string> Read()
    {
        using var stream = typeof(CommonPasswords).Assembly.GetManifestResourceStream("common-passwords.txt")!;
        using var reader = new StreamReader(stream);
        var lines = new HashSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
            lines.Add(line);
        return lines.ToFrozenSet(StringComparer.Ordinal);
    }
}
