using System.Security.Cryptography;
using System.Text;

namespace Boon.Broker.PrivateRabbit;

/// <summary>A user of a private RabbitMQ. What it may do is said by regular expressions over the names of exchanges and queues.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Password">Its password.</param>
/// <param name="Configure">What it may make and delete.</param>
/// <param name="Write">What it may publish to.</param>
/// <param name="Read">What it may read.</param>
internal sealed record RabbitUser(string Name, string Password, string Configure, string Write, string Read)
{
    /// <summary>Bytes of salt, as RabbitMQ's SHA-256 hashing has them.</summary>
    private const int SaltBytes = 4;

    /// <summary>The user of a module: it writes its own stream only, and reads that and its sources.</summary>
    internal static RabbitUser OfModule(string module, string password, IEnumerable<string> sources) =>
        new($"boon-{module}", password, Configure: $@"^boon\.{module}$", Write: $@"^boon\.{module}$",
            Read: $@"^boon\.({string.Join('|', sources.Append(module))})$");

    /// <summary>One who may do everything.</summary>
    internal static RabbitUser OfOperator(string name, string password) => new(name, password, ".*", ".*", ".*");

    /// <summary>Its name: its password is nothing to show.</summary>
    public override string ToString() => Name;

    /// <summary>The hash that RabbitMQ keeps: the salt, and SHA-256 over salt and password.</summary>
    internal string PasswordHash()
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return Convert.ToBase64String([.. salt, .. SHA256.HashData([.. salt, .. Encoding.UTF8.GetBytes(Password)])]);
    }
}
