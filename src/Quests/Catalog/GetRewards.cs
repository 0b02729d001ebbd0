namespace Boon.Quests.Catalog;

/// <summary>Shows rewards to anyone, from memory.</summary>
internal static class GetRewards
{
    internal static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/rewards", ListRewardsAsync).WithTags("Quests")
            .WithSummary("All rewards, newest first. Served from memory, with an ETag.").Produces<Page<RewardView>>()
                .Produces(StatusCodes.Status304NotModified);
        routes.MapGet("/v1/rewards/{id}", GetRewardAsync).WithTags("Quests")
            .WithSummary("A reward. Served from memory, with an ETag.").Produces<RewardView>().Produces(StatusCodes.Status304NotModified);
    }

    private static Task ListRewardsAsync([AsParameters] PageQuery page, HttpContext http, CatalogReader catalog) =>
        CatalogAnswer.ListAsync(http, page, catalog.Current.Rewards);

    private static Task GetRewardAsync(string id, HttpContext http, CatalogReader catalog) =>
        CatalogAnswer.OneAsync(http, id, catalog.Current.Rewards, "reward");
}
