namespace Boon.Support;

/// <summary>Steps that tests of orders share.</summary>
public static class OrderSteps
{
    /// <summary>Uploads a coupon of a type of its own and claims it; answers its code.</summary>
    public static async Task<string> HeldCoupon(this TestBoon boon, string token, int maxUses = 1, int percent = 10)
    {
        var type = "T" + Guid.CreateVersion7().ToString("N").ToUpperInvariant();
        var operatorToken = await boon.OperatorToken();
        await boon.Api.Put($"/v1/coupon-types/{type}", new { perUser = 1 }, operatorToken);
        await boon.Api.Post("/v1/coupons", new
            { coupons = new[]
            { new { code = $"{type}-1", type, discount = new { kind = "percent", value = percent }, expiresAt = "2090-01-01T00:00:00Z",
            maxUses } } }, operatorToken);
        var claimed = await boon.Api.Post("/v1/claims", new { type }, token);
        return claimed.Code == 201 ? $"{type}-1" : throw new InvalidOperationException(claimed.Text);
    }

    /// <summary>An order, as soon as it is no longer pending. Of a member's many some may not wait (429); they look again.</summary>
    public static Task<Answer> Settled(this TestBoon boon, Guid order, string token) => Eventually.Get("the order's end", async () =>
        await boon.Api.Send(HttpMethod.Get, $"/v1/orders/{order}", null, token, change: request =>
            request.Headers.Add("Prefer", "wait=10")) is { Code: 200 } answer && answer["state"].GetString() != "pending" ? answer : null);
}
