using Boon.Host;

namespace Boon.Support;

/// <summary>When nothing is left to do: every event of every module has its number, and every subscription stands at the end of each of its sources.</summary>
public static class Quiet
{
    /// <summary>An SQL statement over all modules: one statement, so one snapshot.</summary>
    public static string Sql { get; } = Of([.. BoonHost.AllModules.Select(module => module.Name)]);

    /// <summary>The same for a host of some modules.</summary>
    public static string Of(IReadOnlyList<string> modules)
    {
        var heads = string.Join(" union all ", modules.Select(module => $"select '{module}' as source, last from {module}.log_head"));
        var checkpoints = string.Join(" union all ", modules.Select(module => $"select source, sequence from {module}.checkpoints"));
        var waiting = modules.Select(module => $"exists (select from {module}.event_log l where not exists (select from {module}.event_order o where o.position = l.position))");
        return $"select not ({string.Join(" or ", waiting)} or exists (select from ({checkpoints}) c join ({heads}) h on h.source = c.source where c.sequence < h.last))";
    }
}
