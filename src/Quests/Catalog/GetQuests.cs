namespace Boon.Quests.Catalog;

/// <summary>Shows quests to anyone, from memory; drafts to operators only.</summary>
internal static class GetQuests
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/quests", ListQuestsAsync).WithTags("Quests")
            .WithSummary("All quests, newest first. Served from memory, with an ETag.").Produces<Page<QuestView>>()
                .Produces(StatusCodes.Status304NotModified);
        routes.MapGet("/v1/quests/{id}", GetQuestAsync).WithTags("Quests")
            .WithSummary("A quest. Served from memory, with an ETag.").Produces<QuestView>().Produces(StatusCodes.Status304NotModified);
    }

    private static Task ListQuestsAsync([AsParameters] PageQuery page, HttpContext http, CatalogReader catalog) =>
        CatalogAnswer.ListAsync(http, page, List(http, catalog));

    private static Task GetQuestAsync(string id, HttpContext http, CatalogReader catalog) =>
        CatalogAnswer.OneAsync(http, id, List(http, catalog), "quest");

    private static CatalogList List(HttpContext http, CatalogReader catalog) =>
        http.User.IsOperator() ? catalog.Current.All : catalog.Current.Public;
}
