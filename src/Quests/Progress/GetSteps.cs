using Boon.Quests.Catalog;

namespace Boon.Quests.Progress;

/// <summary>Shows operators how many users stand at each step of a quest.</summary>
internal static class GetSteps
{
    /// <summary>How far a quest's users are.</summary>
    /// <param name="QuestId">The quest.</param>
    /// <param name="StreakOf">Events that a completion needs.</param>
    /// <param name="CompletionsOf">Completions that are possible.</param>
    /// <param name="Users">Users with at least one event.</param>
    /// <param name="Completions">Completions of all users.</param>
    /// <param name="Steps">Every step with a user on it, the furthest last.</param>
    internal sealed record View(Guid QuestId, int StreakOf, int CompletionsOf, long Users, long Completions, IReadOnlyList<Step> Steps);

    /// <summary>A step, and how many users stand on it.</summary>
    /// <param name="Completions">Completions so far.</param>
    /// <param name="Streak">Events stored towards the next one; a missed window shows when the next event comes.</param>
    /// <param name="Users">How many.</param>
    internal sealed record Step(int Completions, int Streak, long Users);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/quests/{id}/steps", Handle)
        .ForOperators().WithTags("Quests")
        .WithSummary("How many users stand at each step of a quest.")
        .Produces<View>();

    private static async Task<IResult> Handle(string id, CatalogReader catalog, ModuleDatabase<QuestsDb> module, CancellationToken ct)
    {
        if (!Guid.TryParse(id, out var questId) || !catalog.Current.Quests.TryGetValue(questId, out var quest))
            return Problems.NotFound("quest");
        await using var command = module.Database.Source.CreateCommand("""
            select completions, streak, count(*) from quests.progress where quest_id = $1 group by completions, streak order by completions, streak
            """);
        command.Parameters.Add(new() { Value = questId });
        var steps = new List<Step>();
        await using (var reader = await command.ExecuteReaderAsync(ct))
            while (await reader.ReadAsync(ct))
                steps.Add(new Step(reader.GetInt32(0), reader.GetInt32(1), reader.GetInt64(2)));
        return TypedResults.Ok(new View(questId, quest.Streak, quest.Duplication, steps.Sum(step => step.Users), steps.Sum(step => step.Completions * step.Users), steps));
    }
}
