namespace Boon.Platform.Log;

/// <summary>The modules of this program. Each has a log, whether its module runs in this process or in another.</summary>
public sealed record KnownModules(IReadOnlyList<string> Names)
{
    /// <summary>All modules but one, in the order of their names.</summary>
    public IReadOnlyList<string> Except(string module) => [.. Names.Where(name => name != module).Order(StringComparer.Ordinal)];
}
