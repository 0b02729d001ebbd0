namespace Boon.Broker.Transport;

/// <summary>Calls of Kafka's library, which block: each has a thread of its own, so that none of the pool's waits.</summary>
internal static class KafkaThreads
{
    internal static Task<T> RunAsync<T>(Func<T> call) =>
        Task.Factory.StartNew(call, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Closes a client, and waits only a moment for a broker that does not listen.</summary>
    internal static async Task CloseAsync(IDisposable client, TimeSpan limit)
    {
        try
        {
            await RunAsync(() =>
            {
                client.Dispose();
                return true;
            }).WaitAsync(limit);
        }
        catch (TimeoutException)
        {
            // It ends when the library's own limits do.
        }
    }
}
