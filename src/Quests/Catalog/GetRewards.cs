namespace Boon.Quests.Catalog;

/// <summary>Shows rewards to anyone, from memory.</summary>
internal static class GetRewards
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/rewards", (HttpContext http, CatalogReader catalog) => CatalogAnswer.ListAsync(http, catalog.Current.Rewards)).WithTags("Quests")
            .WithSummary("All rewards, newest first (`?limit=`, `&cursor=`). From memory, with ETag.").Produces<Page<RewardView>>().Produces(StatusCodes.Status304NotModified);
        routes.MapGet("/v1/rewards/{id}", (HttpContext http, CatalogReader catalog) => CatalogAnswer.OneAsync(http, catalog.Current.Rewards, "reward")).WithTags("Quests")
            .WithSummary("A reward. From memory, with ETag.").Produces<RewardView>().Produces(StatusCodes.Status304NotModified);
    }
}
