namespace Boon.Wallet.Entries;

/// <summary>Shows what a user owns: the sum of the ledger's entries.</summary>
internal static class GetWallet
{
    /// <summary>A wallet.</summary>
    /// <param name="Balances">What is in it.</param>
    /// <example>{"balances": {"gold": 0, "diamond": 10}}</example>
    internal sealed record WalletView(Balances Balances);

    /// <summary>What is in it.</summary>
    /// <param name="Gold">Pieces; negative: more was taken back than is there.</param>
    /// <param name="Diamond">Pieces; negative: more was taken back than is there.</param>
    internal sealed record Balances(long Gold, long Diamond);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/wallet", Handle)
        .ForMembers().WithTags("Wallet")
        .WithSummary("The balances of the caller, which are the sums of the ledger's entries. With `?userId=`, an operator sees those of "
            + "another user.")
        .Produces<WalletView>()
        .CatchesUp(WalletModule.CreditRewardsSubscription);

    private static async Task<IResult> Handle(string? userId, ClaimsPrincipal caller, WalletDb db, CancellationToken ct)
    {
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");
        var sums = await db.Entries.Where(entry => entry.UserId == user).GroupBy(entry => entry.Item)
            .Select(group => new { Item = group.Key, Sum = group.Sum(entry => entry.Amount) })
                .ToDictionaryAsync(group => group.Item, group => group.Sum, ct);
        return TypedResults.Ok(new WalletView(new Balances(sums.GetValueOrDefault("gold"), sums.GetValueOrDefault("diamond"))));
    }
}
