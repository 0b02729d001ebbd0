using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Boon.Platform;

/// <summary>Where a broker is and as whom Boon comes: <c>amqp://user@host:5672</c>, <c>kafka://host:9092,other:9092</c>.</summary>
/// <param name="Scheme"><c>amqp</c>, <c>amqps</c>, <c>kafka</c> or <c>kafkas</c>; the last letter asks for TLS.</param>
/// <param name="Hosts">One or more, any of which answers.</param>
/// <param name="User">The name; null: none.</param>
/// <param name="Password">The password, if it stands in the address.</param>
/// <param name="VirtualHost">RabbitMQ's virtual host.</param>
public sealed record BrokerAddress(
    string Scheme, IReadOnlyList<(string Host, int Port)> Hosts, string? User, string? Password, string VirtualHost)
{
    private const string Form = "amqp://user@host:5672, amqps://user@host:5671, kafka://host:9092,host:9092 or kafkas://user@host:9093";

    private static readonly Dictionary<string, int> Ports =
        new(StringComparer.Ordinal) { ["amqp"] = 5672, ["amqps"] = 5671, ["kafka"] = 9092, ["kafkas"] = 9093 };

    /// <summary>What it can be, for people.</summary>
    internal static string CanBe => Form;

    /// <summary>True for Kafka, else it is RabbitMQ.</summary>
    public bool IsKafka => Scheme.StartsWith("kafka", StringComparison.Ordinal);

    /// <summary>True when the connection is encrypted and the broker shows a certificate.</summary>
    public bool IsEncrypted => Scheme[^1] == 's';

    /// <summary>The hosts with their ports and commas.</summary>
    public string HostList => string.Join(',', Hosts.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Host}:{one.Port}")));

    /// <summary>The address without the password.</summary>
    public override string ToString() => $"{Scheme}://{HostList}";

    /// <summary>Reads an address; false when it cannot be one.</summary>
    internal static bool TryRead(string text, [NotNullWhen(true)] out BrokerAddress? address)
    {
        address = null;
        var end = text.IndexOf("://", StringComparison.Ordinal);
        if (end < 0 || !Ports.TryGetValue(text[..end], out var port))
            return false;
        var scheme = text[..end];
        var rest = text[(end + 3)..];
        var at = rest.LastIndexOf('@');
        var (user, password) = at < 0 ? (null, null) : Credentials(rest[..at]);
        rest = rest[(at + 1)..];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var path = slash < 0 ? "" : rest[(slash + 1)..];
        var hosts = new List<(string, int)>();
        foreach (var one in (slash < 0 ? rest : rest[..slash]).Split(','))
        {
            if (!Uri.TryCreate($"tcp://{one}", UriKind.Absolute, out var uri) || uri.Host.Length == 0 || uri.UserInfo.Length > 0
                || uri.PathAndQuery.Trim('/').Length > 0 || uri.Fragment.Length > 0 || uri.Port == 0)
                return false;
            hosts.Add((uri.IdnHost, uri.Port < 0 ? port : uri.Port));
        }
        var kafka = scheme[0] == 'k';
        // RabbitMQ has no nameless users; and what would an empty name or a path be for?
        if (user is { Length: 0 } || (kafka ? path.Length > 0 : user is null || path.Contains('/', StringComparison.Ordinal)))
            return false;
        address = new BrokerAddress(scheme, hosts, user, password, path.Length == 0 ? "/" : Uri.UnescapeDataString(path));
        return true;
    }

    private static (string User, string? Password) Credentials(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? (Uri.UnescapeDataString(text), null)
            : (Uri.UnescapeDataString(text[..colon]), Uri.UnescapeDataString(text[(colon + 1)..]));
    }
}
