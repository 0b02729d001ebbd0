using Boon.Greetings.Sending;

namespace Boon.Greetings;

/// <summary>
/// A module that Boon does not have: users greet. Logs <c>greetings.*</c>; reacts to vouchers. It is here so that a test can add it to a
/// host, as anybody would.
/// </summary>
public sealed class GreetingsModule : IModule
{
    public const string ModuleName = "greetings";

    /// <summary>The subscription that notes who got a voucher.</summary>
    public const string NoteVouchersSubscription = "greetings.note-vouchers";

    public string Name => ModuleName;

    public IReadOnlyList<Subscription> Subscriptions { get; } =
    [
        EraseUsers.In<GreetingsDb>(ModuleName),
        new Subscription<GreetingsDb>(
            NoteVouchersSubscription, ["promotions"], NoteVouchers.HandleAsync, SingleLane: false, [VoucherIssued.Name]),
    ];

    public void Add(ModuleBuilder module) => module.Database<GreetingsDb>();

    public void Map(IEndpointRouteBuilder routes) => SendGreeting.Map(routes);
}
