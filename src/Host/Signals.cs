using System.Runtime.InteropServices;

namespace Boon.Host;

/// <summary>Ctrl-C and SIGTERM: the first ends the command in good order, a second the process, whatever it does.</summary>
internal sealed class Signals : IDisposable
{
    private readonly CancellationTokenSource stop = new();
    private readonly PosixSignalRegistration[] registrations;
    private volatile bool terminated;
    private int seen;

    internal Signals() =>
        registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Take),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Take)];

    /// <summary>Cancelled by the first of them.</summary>
    internal CancellationToken Stop => stop.Token;

    /// <summary>True when it was SIGTERM: a supervisor stops this process, and a balancer may still send it requests.</summary>
    internal bool Terminated => terminated;

    private void Take(PosixSignalContext signal)
    {
        signal.Cancel = Interlocked.Exchange(ref seen, 1) == 0;
        if (!signal.Cancel)
            return;
        terminated = signal.Signal == PosixSignal.SIGTERM;
        _ = stop.CancelAsync();
    }

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        stop.Dispose();
    }
}
