using System.Globalization;
using System.Net;

namespace Boon.Platform;

/// <summary>The forms that settings have: how a value is read, and what it can be, in words.</summary>
internal static class SettingForms
{
    internal static Setting<int> Number(string key, string meaning, int least, int most, int otherwise, string? shown = null) => new(
        key, $"a number from {least} to {most}", string.Create(CultureInfo.InvariantCulture, $"{meaning} ({least} to {most:N0})"), shown
            ?? $"`{otherwise}`",
        (text, out value) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most, otherwise);

    internal static Setting<TimeSpan> Duration(string key, string meaning, TimeSpan least, TimeSpan most, TimeSpan otherwise) => new(
        key, $"a duration from {least} to {most}", $"{meaning} ({least} to {most})", $"`{otherwise}`",
        (text, out value) =>
            TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value) && value >= least && value <= most, otherwise);

    internal static Setting<bool> Flag(string key, string meaning, bool otherwise) => new(
        key, "true or false", meaning, otherwise ? "`true`" : "`false`", bool.TryParse, otherwise);

    internal static Setting<string?> Addresses(string key, string meaning, string shown) => new(
        key, "addresses such as http://127.0.0.1:5080, several with ;", meaning, shown, (text, out value) =>
            (value = text).Split(';').All(IsAddress), null);

    internal static Setting<IReadOnlyList<Uri>> Backends(string key, string meaning, string shown) => new(
        key, "addresses such as http://10.0.0.5:5080, several with commas", meaning, shown, Backends, []);

    internal static bool Backends(string text, out IReadOnlyList<Uri> value)
    {
        var addresses = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        value = addresses.All(address => IsAddress(address) && Uri.IsWellFormedUriString(address, UriKind.Absolute))
            ? [.. addresses.Select(address => new Uri(address))]
            : [];
        return value.Count > 0;
    }

    internal static Setting<string?> Connection(string key, string meaning, string shown) =>
        new(key, ConnectionText.Form, meaning, shown, ConnectionText.TryRead, null) { Secret = true };

    internal static bool Text(string text, out string value)
    {
        value = text;
        return true;
    }

    internal static bool Absolute(string text, out string value) =>
        Uri.TryCreate(value = text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https";

    internal static bool Origin(string text, out string value) => (value = text) == "*"
        || (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            && uri.GetLeftPart(UriPartial.Authority) == text);

    /// <summary>What Kestrel listens on: http or https, a host or * or +, a port, no path.</summary>
    internal static bool IsAddress(string text) =>
        Uri.TryCreate(text.Replace("://*", "://any", StringComparison.Ordinal).Replace("://+", "://any", StringComparison.Ordinal),
            UriKind.Absolute, out var uri)
        && uri.Scheme is "http" or "https" && uri.PathAndQuery == "/" && uri.UserInfo.Length == 0;

    internal static bool Network(string text, out IPNetwork network)
    {
        if (!IPAddress.TryParse(text, out var address))
            return IPNetwork.TryParse(text, out network);
        network = new IPNetwork(address, address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? 128 : 32);
        return true;
    }
}
