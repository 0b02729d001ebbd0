using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Boon.Support;

/// <summary>Runs a theory twice: with a defence and without it. Its parameter is the <see cref="DefendedRun"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DefendedAttribute(string defence) : DataAttribute
{
    public string Defence => defence;

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([new TheoryDataRow<DefendedRun>(new(defence, true)), new TheoryDataRow<DefendedRun>(new(defence, false))]);

    public override bool SupportsDiscoveryEnumeration() => false;
}

/// <summary>One of the two runs that show a guarantee.</summary>
public sealed record DefendedRun(string Defence, bool Defended)
{
    /// <summary>What a process of this run is started with.</summary>
    public string[] Switches => Defended ? [] : ["--without", Defence];

    /// <summary>How the test's name shows it.</summary>
    public override string ToString() => $"{(Defended ? "with" : "without")} {Defence}";
}
