namespace Boon.Quests.Progress;

/// <summary>How many users stand at each step of each quest, without counting them.</summary>
internal sealed class StepTotals(ModuleDatabase<QuestsDb> module, TimeProvider time, ILogger<StepTotals> logger)
    : Totals(module.Database, time, logger)
{
    /// <inheritdoc/>
    protected override string Changes => "quests.step_changes";

    /// <inheritdoc/>
    protected override string Add => """
        steps as (
            insert into quests.steps as t (quest_id, completions, streak, users)
            select quest_id, completions, streak, sum(users)
            from folded
            group by quest_id, completions, streak
            order by quest_id, completions, streak
            on conflict (quest_id, completions, streak) do update set users = t.users + excluded.users
        ), totals as (
            insert into quests.totals as t (quest_id, users, completions)
            select quest_id, sum(users), sum(completions * users)
            from folded
            group by quest_id
            order by quest_id
            on conflict (quest_id) do update set users = t.users + excluded.users, completions = t.completions + excluded.completions
        )
        """;

    /// <inheritdoc/>
    protected override string? Tidy => $"""
        delete from quests.steps s
        using (
            select quest_id, completions, streak
            from quests.steps
            where users = 0
            limit {Most}
            for update skip locked) e
        where s.quest_id = e.quest_id and s.completions = e.completions and s.streak = e.streak and s.users = 0
        """;
}
