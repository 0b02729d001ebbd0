using System.CommandLine;
using Boon.Identity;

namespace Boon.Host.Commands;

/// <summary><c>boon operators unlock|reset-password NAME</c>: for operators who cannot sign in. Whoever can read the settings may run it.</summary>
internal static class OperatorsCommand
{
    internal static Command Create()
    {
        var data = Cli.DataOption();
        var name = new Argument<string>("name") { Description = "The account's username, e-mail address or phone number." };
        var unlock = new Command("unlock", "Lets an account sign in again that too many failed sign-ins have locked.") { name, data };
        unlock.SetAction((result, ct) => UnlockAsync(result.GetValue(name)!, new HostOptions(result.GetValue(data), Quiet: true), ct));
        var reset = new Command("reset-password", "Gives an operator a new random password, prints it once, and ends all sessions of the account.") { name, data };
        reset.SetAction((result, ct) => ResetPasswordAsync(result.GetValue(name)!, new HostOptions(result.GetValue(data), Quiet: true), ct));
        return new Command("operators", "Helps operators who cannot sign in. These commands ask for no password, but need the connection to the database.") { unlock, reset };
    }

    private static async Task<int> UnlockAsync(string name, HostOptions options, CancellationToken ct)
    {
        await using var host = await BoonHost.BuildAsync(options, ct);
        var forgotten = await IdentityModule.UnlockAsync(host.App.Services, name, ct);
        Console.WriteLine(forgotten == 0
            ? $"No failed tries were counted for '{name}'. An address that is locked waits for its window (Boon:SignIn:Window)."
            : $"'{name}' can sign in again: its failed tries are forgotten.");
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
