using Serilog;
using Serilog.Core;
using Serilog.Events;
using Serilog.Extensions.Logging;

namespace Boon.Platform.Observability;

/// <summary>Hands lines on to a collector, those about requests one by one.</summary>
internal sealed class CollectorLines(LoggerProviderCollection collector) : ILogEventSink, IDisposable
{
    private readonly Logger log = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Providers(collector).CreateLogger();

    public void Emit(LogEvent logEvent)
    {
        if (RequestLines.Of(logEvent) is not { } requests)
            log.Write(logEvent);
        else
            foreach (var line in requests.Apart(logEvent.Level))
                log.Write(line);
    }

    public void Dispose() => log.Dispose();
}
