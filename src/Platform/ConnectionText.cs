namespace Boon.Platform;

/// <summary>Connection strings as people write them: checked without a connection, told about without a secret.</summary>
public static class ConnectionText
{
    internal const string Form =
        "written as Npgsql writes it: Host=...;Username=...;Password=...;Database=boon (put a value that contains ; or = in quotes)";

    /// <summary>Host, port and database, never the user or the password.</summary>
    public static string Describe(string text)
    {
        var parts = new NpgsqlConnectionStringBuilder(text);
        return $"{parts.Database ?? parts.Username} at {parts.Host}:{parts.Port}";
    }

    /// <summary>
    /// How an address such as <c>postgres://ann:secret@db/shop</c> is written, with dots for its password; null when it is none.
    /// </summary>
    internal static string? OfAddress(string text)
    {
        if (!text.StartsWith("postgres://", StringComparison.OrdinalIgnoreCase)
            && !text.StartsWith("postgresql://", StringComparison.OrdinalIgnoreCase))
            return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Host.Length == 0)
            return "Host=...;Username=...;Password=...;Database=...";
        var user = Uri.UnescapeDataString(address.UserInfo.Split(':')[0]);
        var port = address.Port > 0 ? $";Port={address.Port}" : "";
        var database = address.AbsolutePath.Length > 1 ? address.AbsolutePath[1..] : "...";
        return $"Host={address.Host}{port};Username={(user.Length > 0 ? user : "...")};Password=...;Database={database}";
    }

    internal static bool TryRead(string text, out string? value)
    {
        value = text;
        try
        {
            return !string.IsNullOrEmpty(new NpgsqlConnectionStringBuilder(text).Host);
        }
        catch (Exception error) when (error is ArgumentException or FormatException)
        {
            return false;
        }
    }
}
