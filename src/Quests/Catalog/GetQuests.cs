namespace Boon.Quests.Catalog;

/// <summary>Shows quests to anyone, from memory; drafts to operators only.</summary>
internal static class GetQuests
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/quests", (HttpContext http, CatalogReader catalog) => CatalogAnswer.ListAsync(http, List(http, catalog))).WithTags("Quests")
            .WithSummary("All quests, newest first (`?limit=`, `&cursor=`). From memory, with ETag.").Produces<Page<QuestView>>().Produces(StatusCodes.Status304NotModified);
        routes.MapGet("/v1/quests/{id}", (HttpContext http, CatalogReader catalog) => CatalogAnswer.OneAsync(http, List(http, catalog), "quest")).WithTags("Quests")
            .WithSummary("A quest. From memory, with ETag.").Produces<QuestView>().Produces(StatusCodes.Status304NotModified);
    }

    private static CatalogList List(HttpContext http, CatalogReader catalog) => http.User.IsOperator() ? catalog.Current.All : catalog.Current.Public;
}
