using Boon.Support;

namespace Boon.Scenarios;

/// <summary>One host for the classes that share it: each test works with people and campaigns of its own.</summary>
public sealed class SharedBoon : IAsyncLifetime
{
    public TestBoon Boon { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Boon = await TestBoon.StartAsync();

    public ValueTask DisposeAsync() => Boon.DisposeAsync();
}

/// <summary>Tests that switch a defence off: alone, because a switch is the whole process's.</summary>
[CollectionDefinition("Defences", DisableParallelization = true)]
public sealed class DefencesCollection;
