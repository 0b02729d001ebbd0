namespace Boon.Support;

/// <summary>A guarantee is shown twice: it holds, and it fails when its defence is taken out.</summary>
public static class Guarantee
{
    /// <summary>Runs a check that must hold with the defence, or must fail without it.</summary>
    public static async Task Show(bool defended, Func<Task> check)
    {
        if (defended)
        {
            await check();
            return;
        }
        try
        {
            await check();
        }
        catch (Exception error) when (error is Shouldly.ShouldAssertException or TimeoutException)
        {
            return; // as it must be: without the defence the guarantee does not hold
        }
        throw new InvalidOperationException("The guarantee held without its defence: the test proves nothing.");
    }
}
