using Boon.Support;

namespace Boon.Scenarios;

/// <summary>Somebody who erases an account and comes back.</summary>
public sealed class ErasedPeopleTests
{
    /// <summary>Registers, signs in and erases, again and again, as the same person; answers who the accounts were.</summary>
    private static async Task<List<Guid>> ComeBack(TestBoon boon, int times)
    {
        var username = "u" + Guid.CreateVersion7().ToString("N");
        var ids = new List<Guid>();
        for (var time = 0; time < times; time++)
        {
            var person = await boon.Register(username);
            ids.Add(person.Id);
            (await boon.Api.Erase(await boon.Api.SignIn(username, person.Password), person.Password)).Code.ShouldBe(204);
        }
        return ids;
    }

    private static async Task<List<Guid>> Winners(TestBoon boon, Guid campaign) =>
        [.. (await boon.Api.All<Decision>($"/v1/campaigns/{campaign}/decisions", await boon.OperatorToken()))
            .Select(decision => decision.UserId)];

    [Fact]
    public async Task Is_known_where_Boon_remembers_and_wins_once_what_is_for_newcomers()
    {
        await using var boon = await TestBoon.StartAsync(("Boon:Users:RememberErased", "true"));
        var welcome = await boon.CreateCampaign(new { trigger = "identity.user-registered", when = new { returning = false } });
        var first = await boon.CreateCampaign(new { when = new { first = true } });
        var ids = await ComeBack(boon, 3);
        var other = await boon.Register();
        await boon.Api.SignIn(other.Username, other.Password);
        await boon.CaughtUp();
        (await Winners(boon, welcome)).ShouldBe([ids[0], other.Id]);
        (await Winners(boon, first)).ShouldBe([ids[0], other.Id]);

        // By the phone number alone, too; and nothing that was erased can be read.
        var phone = TestBoon.NewPhone();
        async Task<Answer> Register(string name) =>
            await boon.Api.Post("/v1/users", new
                { username = name, email = $"{name}@example.com", phone, password = "a long enough phrase", fullName = "Somebody" });
        (await Register("by-phone-1")).Code.ShouldBe(201);
        (await boon.Api.Erase(await boon.Api.SignIn("by-phone-1", "a long enough phrase"), "a long enough phrase")).Code.ShouldBe(204);
        var back = await Register("by-phone-2");
        (await boon.Scalar<bool>("select returned from identity.users where id = $1", back.Id)).ShouldBeTrue();
        (await boon.Scalar<long>("select count(*) from identity.erased_identifiers where encode(hash, 'escape') like '%by-phone%'"))
            .ShouldBe(0);
        (await boon.Scalar<long>("select count(*) from identity.erased_secrets")).ShouldBe(1);
    }

    [Fact]
    public async Task Is_somebody_new_otherwise_and_nothing_is_kept()
    {
        await using var boon = await TestBoon.StartAsync();
        var welcome = await boon.CreateCampaign(new { trigger = "identity.user-registered", when = new { returning = false } });
        var ids = await ComeBack(boon, 2);
        await boon.CaughtUp();
        (await Winners(boon, welcome)).ShouldBe(ids);
        (await boon.Scalar<long>(
            "select (select count(*) from identity.erased_identifiers) + (select count(*) from identity.erased_secrets)")).ShouldBe(0);
    }
}
