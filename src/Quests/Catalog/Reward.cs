using System.Text.RegularExpressions;

namespace Boon.Quests.Catalog;

/// <summary>What a completion of a quest gives. It never changes: a quest is given another one instead.</summary>
internal sealed class Reward
{
    public required Guid Id { get; init; }
    public required string Name { get; init; }

    /// <summary><c>gold</c>, <c>diamond</c> or <c>coupon:TYPE</c>.</summary>
    public required string Item { get; init; }
    public required int Quantity { get; init; }
    public DateTimeOffset CreatedAt { get; private set; }

    /// <summary>Gold and diamonds are an amount in a ledger; a coupon may be used up.</summary>
    internal bool CanBeTakenBack => !Item.StartsWith(RewardClaimed.CouponPrefix, StringComparison.Ordinal);
}

/// <summary>A reward, as the API shows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">For people.</param>
/// <param name="Item"><c>gold</c>, <c>diamond</c> or <c>coupon:TYPE</c>.</param>
/// <param name="Quantity">How many of it.</param>
/// <example>{"id": "0191f3a0-8d2f-7b63-8c4f-6a1d8e2f3b4c", "name": "10 diamonds", "item": "diamond", "quantity": 10}</example>
internal sealed record RewardView(Guid Id, string Name, string Item, int Quantity)
{
    internal static RewardView Of(Reward reward) => new(reward.Id, reward.Name, reward.Item, reward.Quantity);
}

/// <summary>The rules of rewards. Pure.</summary>
internal static partial class RewardRules
{
    internal const int LongestName = 200;
    internal const int LongestItem = 60;
    internal const int MostPieces = 1_000_000;
    private const int MostCoupons = 100;

    /// <summary>What an item looks like, for the API description.</summary>
    internal const string ItemPattern = "^(gold|diamond|coupon:[A-Za-z0-9_-]{1,50})$";

    /// <summary>Checks an item and its quantity.</summary>
    internal static void Check(Validation validation, string? item, int? quantity)
    {
        if (validation.Require(item, "item"))
            validation.Check(Item.IsMatch(item), "item", "must be gold, diamond or coupon:TYPE");
        var most = item?.StartsWith(RewardClaimed.CouponPrefix, StringComparison.Ordinal) == true ? MostCoupons : MostPieces;
        if (validation.Require(quantity, "quantity"))
            validation.Check(quantity >= 1 && quantity <= most, "quantity", $"must be 1 to {most}");
    }

    [GeneratedRegex("^(gold|diamond|coupon:[A-Za-z0-9_-]{1,50})\\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Item { get; }
}
