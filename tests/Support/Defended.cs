using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Boon.Support;

/// <summary>
/// Runs a theory twice: with a defence and without it. Its parameter is the <see cref="DefendedRun"/>. A theory that has several cases runs
/// twice for each, and its first parameter is the case.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class DefendedAttribute(string defence, params object[] cases) : DataAttribute
{
    public string Defence => defence;

    /// <summary>More cases, which hold without this defence too: they run with it only.</summary>
    public object[] OnlyWith { get; set; } = [];

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        var (with, without) = (new DefendedRun(defence, true), new DefendedRun(defence, false));
        if (cases.Length == 0)
            return new([new TheoryDataRow(with), new TheoryDataRow(without)]);
        return new([
            .. OnlyWith.Select(one => new TheoryDataRow(one, with)),
            .. cases.SelectMany(one => (ITheoryDataRow[])[new TheoryDataRow(one, with), new TheoryDataRow(one, without)])]);
    }

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
