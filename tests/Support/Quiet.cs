using Boon.Host;
using Boon.Platform.Hosting;

namespace Boon.Support;

/// <summary>
/// When nothing is left to do: every event of every module has its number, and every subscription is there and stands at the end of each of
/// its sources.
/// </summary>
public static class Quiet
{
    /// <summary>An SQL statement over all modules: one statement, so one snapshot.</summary>
    public static string Sql { get; } = Of(BoonHost.AllModules);

    /// <summary>The same for a host of some modules.</summary>
    public static string Of(IReadOnlyList<IModule> modules)
    {
        var heads = string.Join(
            " union all ", modules.Select(module => $"select '{module.Name}' as source, last from {module.Name}.log_head"));
        var checkpoints = string.Join(" union all ", modules.Select(module => $"select source, sequence from {module.Name}.checkpoints"));
        var waiting = modules.Select(module => $"""
            exists (select from {module.Name}.event_log l
                where not exists (select from {module.Name}.event_order o where o.position = l.position))
            """).Concat(modules.SelectMany(module => module.Subscriptions.Select(subscription =>
            $"not exists (select from {module.Name}.checkpoints where subscription = '{subscription.Name}')")));
        return $"""
            select not ({string.Join(" or ", waiting)}
                or exists (select from ({checkpoints}) c join ({heads}) h on h.source = c.source where c.sequence < h.last))
            """;
    }
}
