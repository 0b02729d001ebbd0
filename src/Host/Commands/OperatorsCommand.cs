using System.CommandLine;
using System.CommandLine.Parsing;
using System.Net;
using Boon.Identity;

namespace Boon.Host.Commands;

/// <summary>
/// <c>boon operators unlock NAME|--address ADDRESS</c> and <c>reset-password NAME</c>: for operators who cannot sign in. Whoever can read
/// the settings may run it.
/// </summary>
internal static class OperatorsCommand
{
    internal static Command Create()
    {
        var data = Cli.DataOption();
        var unlock = CreateUnlock(data);
        var name = new Argument<string>("name") { Description = "The account's username, e-mail address or phone number." };
        var reset = new Command(
            "reset-password", "Gives an operator a new random password, prints it once, and ends all sessions of the account.")
            { name, data };
        reset.SetAction((result, ct) =>
            ResetPasswordAsync(result.GetValue(name)!, new HostOptions(result.GetValue(data), Quiet: true), ct));
        return new Command("operators",
            "Helps operators who cannot sign in. These commands ask for no password, but need the connection to the database.")
            { unlock, reset };
    }

    private static Command CreateUnlock(Option<string?> data)
    {
        var name = new Argument<string?>("name")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "The account's username, e-mail address or phone number.",
        };
        var address = new Option<IPAddress?>("--address")
        {
            Description = "The IP address to unlock, for everybody who calls from it. An IPv6 address stands for its /64.",
            CustomParser = result => IPAddress.TryParse(result.Tokens[0].Value, out var parsed) ? parsed : Refuse(result),
        };
        var unlock = new Command("unlock", "Lets an account or an address sign in again that too many failed sign-ins have locked.")
            { name, address, data };
        unlock.Validators.Add(result =>
        {
            if (result.GetResult(name)?.Tokens.Count is null or 0 && result.GetResult(address) is null)
                result.AddError("Give the name of an account, or --address ADDRESS, or both.");
        });
        unlock.SetAction((result, ct) =>
            UnlockAsync(result.GetValue(name), result.GetValue(address), new HostOptions(result.GetValue(data), Quiet: true), ct));
        return unlock;

        static IPAddress? Refuse(ArgumentResult result)
        {
            result.AddError($"'{result.Tokens[0].Value}' is not an IP address.");
            return null;
        }
    }

    private static async Task<int> UnlockAsync(string? name, IPAddress? address, HostOptions options, CancellationToken ct)
    {
        await using var host = await BoonHost.BuildAsync(options, ct);
        if (name is not null)
            Console.WriteLine(await IdentityModule.UnlockAsync(host.App.Services, name, ct) == 0
                ? $"No failed tries were counted for '{name}'. If its address is locked, run `boon operators unlock --address ADDRESS`."
                : $"'{name}' can sign in again: its failed tries are forgotten.");
        if (address is not null)
            Console.WriteLine(await IdentityModule.UnlockAsync(host.App.Services, address, ct) == 0
                ? $"Nothing was counted for the address {address}."
                : $"Everybody at {address} can sign in and sign up again: what was counted for the address is forgotten.");
        return 0;
    }

    private static async Task<int> ResetPasswordAsync(string name, HostOptions options, CancellationToken ct)
    {
        await using var host = await BoonHost.BuildAsync(options, ct);
        var password = await IdentityModule.ResetPasswordAsync(host.App.Services, name, ct);
        Console.WriteLine($"The new password of '{name}' is {password}\nIt is not shown again. All sessions of the account have ended.");
        return 0;
    }
}
