using System.Globalization;
using System.Runtime.InteropServices;
using Boon.Gateway;
using Boon.Host;
using Boon.Host.Cluster;
using Boon.Identity;
using Boon.Identity.Passwords;
using Boon.Intake;
using Boon.Orders;
using Boon.Platform;
using Boon.Platform.Access.Tokens;
using Boon.Platform.Data;
using Boon.Platform.PrivatePostgres;
using Boon.Platform.Rules;
using Boon.Promotions;
using Boon.Quests;
using Boon.Wallet;

namespace Boon.FaultHost;

/// <summary>
/// Boon with the switches that only tests reach: <c>[--without DEFENCE]... [--kill-at POINT:N] [--freeze-at POINT:N] [--slow-grant MS]
/// [--fast-hash] [--patient] BOON-ARGUMENTS</c>. At the Nth time that a fault point is reached the process sends itself SIGKILL or
/// SIGSTOP, inside whatever it was doing.
/// </summary>
public static class FaultyBoon
{
    private const int Sigkill = 9;
    private const int Sigstop = 19;

    /// <summary>Takes the switches off the arguments and runs Boon with the rest.</summary>
    public static Task<int> RunAsync(string[] args)
    {
        if (args is ["hold-postgres", var folder])
            return HoldPostgresAsync(folder);
        if (args is ["--mock-kafka"])
            return Task.FromResult(MockKafka.Run());
        EventTriggers.TestPrefix = "test.";
        var rest = new List<string>();
        for (var i = 0; i < args.Length; i++)
            switch (args[i])
            {
                case "--without":
                    TakeOut(args[++i]);
                    break;
                case "--kill-at":
                    At(args[++i], Sigkill);
                    break;
                case "--freeze-at":
                    At(args[++i], Sigstop);
                    break;
                case "--slow-grant":
                    var grant = TimeSpan.FromMilliseconds(int.Parse(args[++i], CultureInfo.InvariantCulture));
                    PromotionsDefences.GrantWork = () => Task.Delay(grant);
                    break;
                case "--fast-hash":
                    PasswordHashing.Rounds = FastRounds;
                    ClusterPlan.Switches = ["--fast-hash"];
                    break;
                case "--patient":
                    BePatient();
                    break;
                default:
                    rest.Add(args[i]);
                    break;
            }
        return Cli.RunAsync([.. rest]);
    }

    /// <summary>Rounds of PBKDF2 where the hash is not what a test is about.</summary>
    public const int FastRounds = 1_000;

    /// <summary>A machine that is busy with tests stands still for longer than Boon's sessions may; for tests of something else.</summary>
    public static void BePatient() =>
        Databases.RequestStatementLimit = Databases.IdleInTransactionLimit = TimeSpan.FromMinutes(3);

    /// <summary>Switches a defence off (or back on) in this process, by its name.</summary>
    public static void TakeOut(string defence, bool on = false) =>
        (BoonHost.AllDefences.SingleOrDefault(one => one.Name == defence) ?? throw new ArgumentException(
            $"There is no defence {defence}.", nameof(defence))).On = on;

    /// <summary>Holds a private PostgreSQL until its standard input ends, or it is killed.</summary>
    private static async Task<int> HoldPostgresAsync(string folder)
    {
        await using var postgres = await PrivatePostgres.StartAsync(
            new PrivatePostgresOptions(folder, null), Console.WriteLine, CancellationToken.None);
        Console.WriteLine($"postmaster {File.ReadLines(Path.Combine(postgres.ClusterDirectory, "data", "postmaster.pid")).First()}");
        Console.WriteLine("Boon serves at nothing");
        await Console.In.ReadToEndAsync();
        return 0;
    }

    private static void At(string place, int signal)
    {
        var parts = place.Split(':');
        var left = int.Parse(parts[1], CultureInfo.InvariantCulture);
        FaultPoints.Reached += point =>
        {
            if (point != parts[0] || Interlocked.Decrement(ref left) != 0)
                return;
            Console.WriteLine($"signal {signal} at {point}");
            Console.Out.Flush();
            _ = Raise(signal);
        };
    }

    /// <summary>To this very thread, so that it does not run on to a commit while another thread is chosen to take the signal.</summary>
    [DllImport("libc", EntryPoint = "raise")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Raise(int signal);
}
