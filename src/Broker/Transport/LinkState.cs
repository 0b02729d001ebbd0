namespace Boon.Broker.Transport;

/// <summary>Whether a link to the broker is of use. Once it is not, it never is again, and the first reason stays.</summary>
internal sealed class LinkState(BrokerAddress address) : IDisposable
{
    private readonly CancellationTokenSource broken = new();
    private string? reason;

    /// <summary>Cancelled when it is of no more use.</summary>
    internal CancellationToken Broken => broken.Token;

    /// <summary>Says that nothing more is to be had.</summary>
    internal void Break(string why)
    {
        Interlocked.CompareExchange(ref reason, why, null);
        try
        {
            broken.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // A last word of a connection that was closed.
        }
    }

    internal BrokerException Failure(Exception? inner = null) => new($"The broker {address}: {reason ?? "the link broke"}", inner);

    public void Dispose()
    {
        Break("the connection was closed");
        broken.Dispose();
    }
}
