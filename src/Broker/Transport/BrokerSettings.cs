namespace Boon.Broker.Transport;

/// <summary>How to reach the broker, read once.</summary>
/// <param name="Address">Where it is and as whom.</param>
/// <param name="Password">The password; null: none.</param>
/// <param name="Retention">How long a stream keeps a message at least.</param>
/// <param name="PublisherOf">The user who may write a module's stream.</param>
internal sealed record BrokerSettings(BrokerAddress Address, string? Password, TimeSpan Retention, Func<string, string> PublisherOf)
{
    /// <summary>How long anything may take that the broker does at once when it is well.</summary>
    internal TimeSpan AnswerLimit { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a published message may wait for its confirmation.</summary>
    internal TimeSpan ConfirmLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often the two ends tell each other that they live; after two that are missing, the link is broken.</summary>
    internal TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What is set; null: no broker.</summary>
    /// <exception cref="SetupException">There is an address, and no password or two.</exception>
    internal static BrokerSettings? Of(IConfiguration configuration)
    {
        if (Settings.BrokerUrl.Of(configuration) is not { } address)
            return null;
        var password = Settings.BrokerPassword.Of(configuration);
        if (address.Password is not null && password is not null)
            throw new SetupException("Boon:Broker:Url has a password, and Boon:Broker:Password is set; set one of them.");
        if (address.User is not null && (password ??= address.Password) is null)
            throw new SetupException(
                "Boon:Broker:Url has a user and no password: set Boon:Broker:Password, or Boon__Broker__Password_FILE.");
        return new BrokerSettings(address, password, Settings.BrokerRetention.Of(configuration),
            module => Settings.BrokerPublisher.Of(configuration, $"Boon:Broker:Publishers:{module}", $"boon-{module}"));
    }
}
