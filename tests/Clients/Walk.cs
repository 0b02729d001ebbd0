// The README's walk, with a client made of the OpenAPI document. It is compiled with that client by ClientTests, and by no project.
#nullable enable
using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Headers;
using System.Threading.Tasks;

namespace Boon.Client;

public static class Walk
{
    private const string Wait = "wait=30";

    public static async Task RunAsync(string url, string password)
    {
        try
        {
            await WalkAsync(url, password);
        }
        catch (ApiException<Problem> problem)
        {
            throw new InvalidOperationException($"{problem.StatusCode} {problem.Result.Code}: {problem.Result.Detail} "
                + $"{string.Join(", ", problem.Result.Errors?.Keys ?? [])}", problem);
        }
    }

    private static async Task WalkAsync(string url, string password)
    {
        using var http = new HttpClient { BaseAddress = new Uri(url) };
        var anyone = new BoonClient(http);
        async Task<BoonClient> SignIn(string identifier, string secret)
        {
            var session = await anyone.SignInAsync(new SignInRequest { Identifier = identifier, Password = secret });
            var own = new HttpClient { BaseAddress = new Uri(url) };
            own.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", session.AccessToken);
            return new BoonClient(own);
        }

        var op = await SignIn("operator", password);
        await op.CreateCampaignAsync(null, null, new CreateCampaignRequest
        {
            Name = "First 100 sign-ins", Trigger = "identity.user-signed-in", When = new Dictionary<string, object> { ["first"] = true },
            Limit = 100,
            Benefit = new Benefit { Kind = BenefitKind.Percent, Value = 30, Products = ["mobile-top-up"] }, VoucherValidFor = "P30D",
        });
        await anyone.RegisterUserAsync(null, new RegisterUserRequest
        {
            Username = "cees", Email = "cees@example.com", Phone = "+31201234569", Password = "correct horse battery", FullName =
                "Cees Sharp",
        });
        var cees = await SignIn("cees", "correct horse battery");

        var code = (await cees.ListVouchersAsync(null, null, null, Wait)).Data.First().Code;
        var redeemed = await cees.RedeemCodeAsync(
            "order-4711", new RedeemCodeRequest
            { Code = code, Amount = 5000, Currency = "USD", Product = "mobile-top-up", Reference = "order-4711" });
        Equal(3500, redeemed.Total);
        try
        {
            await cees.RedeemCodeAsync(
                null, new RedeemCodeRequest { Code = code, Amount = 5000, Currency = "USD", Product = "mobile-top-up" });
            throw new InvalidOperationException("A code was redeemed twice.");
        }
        catch (ApiException<Problem> refused)
        {
            Equal("code-exhausted", refused.Result.Code);
        }

        var reward = await op.CreateRewardAsync(null, null, new() { Name = "Ten diamonds", Item = "diamond", Quantity = 10 });
        var quest = await op.CreateQuestAsync(
            null, null, new CreateQuestRequest
            { Name = "Three sign-ins", RewardId = reward.Id, Trigger = "identity.user-signed-in", Streak = 3, Duplication = 2 });
        for (var i = 0; i < 3; i++)
            cees = await SignIn("cees", "correct horse battery");
        Equal(1, (await cees.GetProgressAsync(null, null, null, Wait)).Data.First(one => one.QuestId == quest.Id).Claimable);
        await cees.ClaimRewardAsync(quest.Id, null);
        Equal(10L, (await cees.GetWalletAsync(null, Wait)).Balances.Diamond);

        await op.UploadCouponsAsync(null, null, new UploadCouponsRequest
        {
            Coupons =
            [
                new NewCoupon { Code = "TEN-OFF-CS", Type = "FREE", Discount = new NewDiscount
                    { Kind = NewDiscountKind.Percent, Value = 10 }, ExpiresAt = new DateTimeOffset(2090, 1, 1, 0, 0, 0, TimeSpan.Zero),
                    MaxUses = 2 },
            ],
        });
        var claim = await cees.ClaimCouponAsync(null, new ClaimCouponRequest { Type = "FREE" });
        var order = await cees.PlaceOrderAsync(
            null, new PlaceOrderRequest
            { Product = "shoes", Quantity = 1, Total = new Price { Amount = 5005, Currency = "USD" }, Code = claim.Coupon!.Code });
        var settled = await cees.GetOrderAsync(order.Id, Wait);
        Equal(OrderState.Confirmed, settled.State);
        Equal(4505L, settled.ToPay!.Amount);
        Equal(OrderState.Cancelled, (await cees.CancelOrderAsync(order.Id)).State);
    }

    private static void Equal<T>(T expected, T actual)
    {
        if (!Equals(expected, actual))
            throw new InvalidOperationException($"{actual} instead of {expected}");
    }
}
