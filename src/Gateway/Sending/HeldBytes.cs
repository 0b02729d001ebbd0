namespace Boon.Gateway.Sending;

/// <summary>How many bytes all requests of this process hold in memory, so that many large ones together do not take all of it.</summary>
internal sealed class HeldBytes(long most)
{
    /// <summary>The bound for a gateway. Beyond it a request is streamed, and what was not held is not sent again.</summary>
    internal const long MostOfAllRequests = 64 * 1024 * 1024;

    private long held;

    /// <summary>How many are held now.</summary>
    internal long Count => Interlocked.Read(ref held);

    /// <summary>Takes so many, or none when they are not there.</summary>
    internal bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref held, bytes) <= most)
            return true;
        Return(bytes);
        return false;
    }

    /// <summary>Gives so many back.</summary>
    internal void Return(int bytes) => Interlocked.Add(ref held, -bytes);
}

/// <summary>What one request holds of them; given back when the request ends.</summary>
internal sealed class HeldByRequest(HeldBytes all) : IDisposable
{
    private int held;

    /// <summary>Takes so many, or none when they are not there.</summary>
    internal bool TryTake(int bytes)
    {
        if (!all.TryTake(bytes))
            return false;
        held += bytes;
        return true;
    }

    /// <summary>Gives so many back before the end.</summary>
    internal void Return(int bytes)
    {
        held -= bytes;
        all.Return(bytes);
    }

    public void Dispose() => Return(held);
}
