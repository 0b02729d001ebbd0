using Boon.Contracts;
using Boon.Promotions.Codes;
using FsCheck;
using FsCheck.Fluent;

namespace Boon.Unit.Promotions;

public sealed class DiscountsTests
{
    [Theory]
    [InlineData(30, 5005, 1502)] // 1501.5 to even
    [InlineData(30, 5015, 1504)] // 1504.5 to even
    [InlineData(50, 1, 0)] // 0.5 to even
    [InlineData(50, 3, 2)] // 1.5 to even
    [InlineData(100, 77, 77)]
    public void Percent_is_rounded_half_to_even(long percent, long amount, long discount) =>
        Discounts.Of(new Benefit("percent", percent), amount).ShouldBe(discount);

    [Fact]
    public void A_discount_is_between_nothing_and_the_amount_and_within_its_cap()
    {
        Check.QuickThrowOnFailure(Prop.ForAll(ArbMap.Default.ArbFor<(bool Percent, long Value, long Amount, long Cap)>(), input =>
        {
            var amount = Bounded(input.Amount, Money.LargestAmount);
            var benefit = input.Percent
                ? new Benefit("percent", Bounded(input.Value, 100), "USD", Bounded(input.Cap, Money.LargestAmount))
                : new Benefit("fixed", Bounded(input.Value, Money.LargestAmount), "USD");
            var discount = Discounts.Of(benefit, amount);
            discount.ShouldBeInRange(0, amount);
            discount.ShouldBeLessThanOrEqualTo(benefit.MaxDiscount ?? long.MaxValue);
        }));

        static long Bounded(long value, long most) => (long)((ulong)value % (ulong)most) + 1;
    }

    [Theory]
    [InlineData("EUR", 5000, "shoes", "currency-mismatch")]
    [InlineData("USD", 999, "shoes", "min-spend")]
    [InlineData("USD", 1000, "hats", "product-not-covered")]
    [InlineData("USD", 1000, null, "product-not-covered")]
    [InlineData("USD", 1000, "shoes", null)]
    public void Refusals(string currency, long amount, string? product, string? reason) =>
        Discounts.Refusal(new Benefit("percent", 10, "USD", null, 1000, ["shoes"]), amount, currency, product, allowZeroDiscount: false)
            .ShouldBe(reason);

    [Theory]
    [InlineData(10, 4, false, "no-discount")]
    [InlineData(10, 4, true, null)]
    [InlineData(10, 5, false, "no-discount")]
    [InlineData(10, 6, false, null)]
    [InlineData(1, 50, false, "no-discount")]
    [InlineData(1, 51, false, null)]
    public void A_discount_that_is_rounded_to_nothing_is_refused_unless_it_is_allowed(
        long percent, long amount, bool allowed, string? reason) =>
        Discounts.Refusal(new Benefit("percent", percent), amount, "USD", null, allowed).ShouldBe(reason);
}
