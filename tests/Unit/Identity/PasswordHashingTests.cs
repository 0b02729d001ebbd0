using Boon.Identity.Accounts;
using Boon.Identity.Passwords;
using Boon.Platform.Input;

namespace Boon.Unit.Identity;

public sealed class PasswordHashingTests
{
    [Fact]
    public async Task A_thousand_may_wait_and_more_than_two_thousand_are_sent_away()
    {
        using var hashing = new PasswordHashing();
        using var cancel = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, 2_200).Select(_ => hashing.HashAsync("a pass phrase", HashFor.SignUp, cancel.Token)).ToList();
        var sentAway = waiting.Count(task => task.IsCompletedSuccessfully && task.Result is null);
        sentAway.ShouldBeInRange(1, 1_200);
        await cancel.CancelAsync(); // those who wait are dropped without a hash
        foreach (var task in waiting)
            await task.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    [Fact]
    public async Task The_hash_is_PBKDF2_with_SHA512_of_a_hundred_thousand_rounds_and_ignores_the_form_of_Unicode()
    {
        using var hashing = new PasswordHashing();
        var hash = (await hashing.HashAsync("Café au lait, s'il te plaît", HashFor.SignUp, CancellationToken.None))!;
        var bytes = Convert.FromBase64String(hash);
        bytes[0].ShouldBe((byte)1); // version 3 of the format
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(1)).ShouldBe(2u); // HMAC-SHA512
        System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes.AsSpan(5)).ShouldBeGreaterThanOrEqualTo(100_000u);
        (await hashing.VerifyAsync(hash, "Cafe\u0301 au lait, s'il te plai\u0302t", CancellationToken.None)).ShouldBe(Verified.Yes);
        (await hashing.VerifyAsync(hash, "Cafe au lait", CancellationToken.None)).ShouldBe(Verified.No);
        (await hashing.VerifyAsync(null, "Cafe au lait", CancellationToken.None)).ShouldBe(Verified.No);
    }

    [Theory]
    [InlineData("twelve chars", true)]
    [InlineData("eleven char", false)]
    [InlineData("password123456", false)]
    [InlineData("PASSWORD123456", false)]
    [InlineData("some-username", false)]
    [InlineData("SOME@example.com", false)]
    public void Passwords(string password, bool valid)
    {
        var validation = new Validation();
        UserRules.Password(validation, password, "Some-Username", "some@example.com");
        validation.Ok.ShouldBe(valid);
    }
}
