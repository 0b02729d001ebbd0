using Boon.FaultHost;
using Boon.Platform;
using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Shows a guarantee on a host of its own, with a defence and without it.</summary>
internal static class Defended
{
    /// <summary>A host of some modules in which a transaction may stand still for as long as a test wants.</summary>
    internal static async Task<TestBoon> StartPatientAsync(string[] modules, params (string Key, string Value)[] settings)
    {
        FaultyBoon.TakeOut(nameof(Defences.IdleTransactionTimeout));
        try
        {
            return await TestBoon.StartModulesAsync(modules, settings);
        }
        finally
        {
            FaultyBoon.TakeOut(nameof(Defences.IdleTransactionTimeout), on: true);
        }
    }

    /// <summary>Runs a check that must hold with the defence, or must fail without it.</summary>
    internal static async Task Show(string defence, bool defended, Func<TestBoon, Task> check, Task<TestBoon>? starting = null)
    {
        await using var boon = await (starting ?? TestBoon.StartAsync());
        FaultyBoon.TakeOut(defence, on: defended);
        try
        {
            await Guarantee.Show(defended, () => check(boon));
        }
        finally
        {
            FaultyBoon.TakeOut(defence, on: true);
        }
    }
}
