namespace Boon.Platform.Services;

/// <summary>A module whose log is read here was asked, and did not answer in time.</summary>
/// <param name="module">The module.</param>
/// <param name="why">What happened, for people.</param>
public sealed class SourceUnreachableException(string module, string why) : Exception($"The module {module} did not answer: {why}")
{
    /// <summary>The module.</summary>
    public string Module => module;
}
