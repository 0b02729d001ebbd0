using Boon.Identity.Passwords;

namespace Boon.Scenarios;

/// <summary>
/// Holds every thread of hashes until it is disposed, so that what waits for them, and in which order it is taken, is no matter of time.
/// </summary>
internal sealed class HeldHashes : IAsyncDisposable
{
    private readonly List<(Task Task, ManualResetEventSlim Release)> held = [];

    internal static async Task<HeldHashes> HoldAsync(PasswordHashing hashing)
    {
        var holds = new HeldHashes();
        using var reached = new SemaphoreSlim(0);
        for (var i = 0; i < Environment.ProcessorCount; i++)
        {
            var release = new ManualResetEventSlim();
            var task = hashing.EnqueueAsync(HashFor.SignIn, () =>
            {
                reached.Release();
                release.Wait();
                return "";
            }, CancellationToken.None);
            holds.held.Add((task, release));
        }
        for (var i = 0; i < Environment.ProcessorCount; i++)
            await reached.WaitAsync();
        return holds;
    }

    /// <summary>Lets one thread go on: it alone takes what waits.</summary>
    internal void ReleaseOne() => held[0].Release.Set();

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, release) in held)
            release.Set();
        await Task.WhenAll(held.Select(one => one.Task));
        foreach (var (_, release) in held)
            release.Dispose();
    }
}
