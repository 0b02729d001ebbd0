using Boon.FaultHost;
using Boon.Platform;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Shows a guarantee on a host of its own, with a defence and without it.</summary>
internal static class Defended
{
    /// <summary>Runs a check that must hold with the defence, or must fail without it.</summary>
    internal static async Task Show(DefendedRun run, Func<TestBoon, Task> check, Task<TestBoon>? starting = null)
    {
        await using var boon = await (starting ?? TestBoon.StartAsync());
        using var switched = run.InThisProcess();
        await Guarantee.Show(run.Defended, () => check(boon));
    }

    /// <summary>Switches the defence of a run in this process, until the result is disposed.</summary>
    internal static IDisposable InThisProcess(this DefendedRun run) => new Switched(run);

    private sealed class Switched : IDisposable
    {
        private readonly string defence;

        internal Switched(DefendedRun run)
        {
            defence = run.Defence;
            FaultyBoon.TakeOut(defence, on: run.Defended);
        }

        public void Dispose() => FaultyBoon.TakeOut(defence, on: true);
    }
}
