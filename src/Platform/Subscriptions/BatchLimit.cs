namespace Boon.Platform.Subscriptions;

/// <summary>
/// How many events a lane reads at a time. What fails again for a reason that lies not in the events (a time-out, memory) may be too much
/// at once: half of it is tried, down to a single event. When smaller batches succeed they grow again, slowly: each step too far costs a
/// time-out.
/// </summary>
internal sealed class BatchLimit(int most)
{
    /// <summary>Failures in a row that say nothing about the size yet: a lock, a restart.</summary>
    private const int Forgiven = 1;

    /// <summary>Batches in a row that succeed before the size is doubled.</summary>
    private const int Proof = 8;

    private int halvings;
    private int failures;
    private int successes;

    /// <summary>The most events of the next batch.</summary>
    internal int Current => Math.Max(1, most >> halvings);

    internal void Failed()
    {
        successes = 0;
        if (++failures > Forgiven && Current > 1)
            halvings++;
    }

    internal void Succeeded()
    {
        failures = 0;
        if (halvings == 0 || ++successes < Proof)
            return;
        successes = 0;
        halvings--;
    }
}
