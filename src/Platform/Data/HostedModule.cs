namespace Boon.Platform.Data;

/// <summary>A module that this process hosts.</summary>
public sealed record HostedModule(ModuleDatabase Database)
{
    /// <summary>Its name.</summary>
    public string Name => Database.Module;
}
