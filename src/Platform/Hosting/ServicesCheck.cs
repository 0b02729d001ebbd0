using Boon.Platform.Log;
using Boon.Platform.Services;
using Microsoft.Extensions.Configuration;

namespace Boon.Platform.Hosting;

/// <summary>What a process needs to ask other modules, and to be asked by them, where a broker carries logs between databases.</summary>
public static class ServicesCheck
{
    /// <summary>Looks whether it is set.</summary>
    /// <exception cref="SetupException">Something is missing.</exception>
    public static void Run(IConfiguration configuration, IServiceProvider services)
    {
        if (Settings.BrokerUrl.Of(configuration) is null)
            return;
        if (Settings.ServicesSecret.Of(configuration) is null)
            throw new SetupException("With Boon:Broker:Url, processes ask each other where logs end: set Boon__Services__Secret, the same "
                + "in all of them, to 32 or more characters, such as `openssl rand -base64 32` gives.");
        foreach (var copy in services.GetRequiredService<LogPlaces>().Copies)
            if (ModuleAddresses.Of(configuration, copy.Source).Count == 0)
                throw new SetupException(
                    $"This process reads a copy of the log of {copy.Source}, and cannot ask where that log ends: "
                        + ModuleAddresses.HowToSet(copy.Source));
    }
}
