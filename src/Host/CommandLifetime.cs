namespace Boon.Host;

/// <summary>
/// Signals are the command line's: it ends the command, which stops the host. Were they the host's too, nobody could tell a signal from a
/// failure.
/// </summary>
internal sealed class CommandLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
