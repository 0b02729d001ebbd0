namespace Boon.Wallet.Entries;

/// <summary>Lists the ledger's entries of a user, newest first.</summary>
internal static class ListEntries
{
    /// <summary>An entry.</summary>
    /// <param name="Id">Its id.</param>
    /// <param name="Item"><c>gold</c> or <c>diamond</c>.</param>
    /// <param name="Amount">How many; negative: they were taken back.</param>
    /// <param name="Reason">Why: <c>quest-reward</c>, or <c>quest-withdrawn</c>: the completion was withdrawn.</param>
    /// <param name="QuestId">The quest.</param>
    /// <param name="Number">Which completion of it, from 1.</param>
    /// <param name="EventId">The event that caused the entry: <c>quests.reward-claimed</c> or
    /// <c>quests.completion-withdrawn</c>.</param>
    /// <param name="At">When it was written.</param>
    /// <example>
    /// {"id": "0191f3a0-7c1e-7a52-9a3e-5b0c7d1e2f3a", "item": "diamond", "amount": 10, "reason": "quest-reward", "questId":
    /// "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "number": 1, "eventId": "0191f3a1-1a2b-7c3d-9e4f-7b2e9f3a4c5d", "at":
    /// "2026-05-01T09:30:00Z"}
    /// </example>
    internal sealed record WalletEntryView(
        Guid Id, string Item, long Amount, string Reason, Guid QuestId, int Number, Guid EventId, DateTimeOffset At);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/v1/wallet/entries", Handle)
        .ForMembers().WithTags("Wallet")
        .WithSummary("The entries of the caller's wallet, newest first, each with the event that caused it. With `?userId=`, an operator "
            + "sees those of another user.")
        .Produces<Page<WalletEntryView>>()
        .CatchesUp(WalletModule.CreditRewardsSubscription);

    private static async Task<IResult> Handle(
        string? userId, [AsParameters] PageQuery page, ClaimsPrincipal caller, WalletDb db, CancellationToken ct)
    {
        if (!page.TryRead(out var limit, out Guid? before, out var problem))
            return problem!;
        if (!caller.MaySee(userId, out var user))
            return Problems.NotFound("user");
        var query = db.Entries.Where(entry => entry.UserId == user);
        if (before is { } id)
            query = query.Where(entry => entry.Id.CompareTo(id) < 0);
        var entries = await query.OrderByDescending(entry => entry.Id).Take(limit + 1)
            .Select(entry => new WalletEntryView(
                entry.Id, entry.Item, entry.Amount, entry.Amount > 0 ? "quest-reward" : "quest-withdrawn", entry.QuestId,
                Math.Abs(entry.Number), entry.EventId, entry.CreatedAt))
                .ToListAsync(ct);
        return TypedResults.Ok(PageQuery.Page(entries, limit, view => (Guid?)view.Id));
    }
}
