namespace Boon.Platform.Data;

/// <summary>
/// The forms of every loop in the background. A loop rests while its database is away. It says any other failure and tries again after a
/// pause, which grows while it keeps failing. It ends when its token is cancelled, and throws nothing.
/// </summary>
public sealed class Loops(NpgsqlDataSource pool, Outages outages)
{
    /// <summary>Does a piece of work again and again. The work rests by itself when there is nothing to do.</summary>
    /// <param name="work">One turn.</param>
    /// <param name="failed">Says a failure of a turn, with the pause that follows; a database that is away is said elsewhere, once.</param>
    /// <param name="ct">Ends the loop.</param>
    public async Task RepeatAsync(Func<Task> work, Action<Exception, TimeSpan> failed, CancellationToken ct)
    {
        var backoff = new Backoff();
        while (!ct.IsCancellationRequested)
            try
            {
                await outages.BackAsync(pool, ct);
                if (ct.IsCancellationRequested)
                    return;
                await work();
                backoff.Reset();
            }
            catch (Exception) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                await outages.PauseAsync(pool, error, backoff, pause => failed(error, pause), ct);
            }
    }

    /// <summary>Does a piece of work at each interval, for the first time when one is over.</summary>
    /// <inheritdoc cref="RepeatAsync"/>
    public async Task EveryAsync(TimeSpan interval, TimeProvider time, Func<Task> work, Action<Exception> failed, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(interval, time);
        await RepeatAsync(
            async () =>
            {
                await timer.WaitForNextTickAsync(ct);
                await outages.BackAsync(pool, ct);
                await work();
            },
            (error, _) => failed(error), ct);
    }

    /// <summary>
    /// Does a piece of work at each wake-up; a lost one costs as long as <see cref="WakeSignal.WaitAsync(CancellationToken)"/> waits.
    /// </summary>
    /// <inheritdoc cref="RepeatAsync"/>
    public Task OnWakeAsync(WakeSignal wake, Func<Task> work, Action<Exception> failed, CancellationToken ct) => RepeatAsync(
        async () =>
        {
            await wake.WaitAsync(ct);
            await outages.BackAsync(pool, ct);
            await work();
        },
        (error, _) => failed(error), ct);

    /// <summary>
    /// Does the same for each of several things: one that fails stops no other. That the whole database is away is thrown: the others would
    /// fail too.
    /// </summary>
    public static async Task EachAsync<T>(IEnumerable<T> things, Func<T, Task> work, Action<T, Exception> failed, CancellationToken ct)
    {
        foreach (var thing in things)
            try
            {
                await work(thing);
            }
            catch (Exception error) when (!ct.IsCancellationRequested && Outages.ReasonOf(error) is null)
            {
                failed(thing, error);
            }
    }
}
