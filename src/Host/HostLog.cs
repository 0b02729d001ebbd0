namespace Boon.Host;

/// <summary>The host's own log lines.</summary>
internal static partial class HostLog
{
    [LoggerMessage(1, LogLevel.Information, "{Module}: applied migration {Migration}", EventName = "migrated")]
    internal static partial void Migrated(Microsoft.Extensions.Logging.ILogger logger, string module, string migration);
}
