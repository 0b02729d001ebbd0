using System.Globalization;
using System.Runtime.InteropServices;
using Boon.Broker.PrivateRabbit;

namespace Boon.Support;

/// <summary>
/// RabbitMQ for tests, in the checkout's folder <c>artifacts</c>: one that the tests of this checkout share and the last of them stops, or
/// one of a test's own, which it can kill, freeze and wipe.
/// </summary>
public sealed class TestRabbit : IAsyncDisposable
{
    /// <summary>A user who may do everything.</summary>
    public const string Anybody = "anybody";

    /// <summary>Another one.</summary>
    public const string Second = "second";

    /// <summary>What all of them sign in with.</summary>
    public const string Password = "a password: with @ and / in it";

    private const int Sigstop = 19;
    private const int Sigcont = 18;
    private static readonly Lazy<Task<TestRabbit>> Common = new(StartCommonAsync);
    private static readonly Lazy<Task> Swept = new(SweepAsync);
    private static int owned;

    private readonly PrivateRabbitOptions options;
    private PrivateRabbit server;

    private TestRabbit(PrivateRabbitOptions options, PrivateRabbit server)
    {
        this.options = options;
        this.server = server;
    }

    /// <summary>True where RabbitMQ is installed.</summary>
    public static bool IsInstalled => PrivateRabbit.IsInstalled;

    private static string Folder => Path.Combine(Checkout.Root, "artifacts", "tests");

    private static string OwnFolder => Path.Combine(Folder, "rabbit-own");

    /// <summary>The one that all share. Use names of your own for streams.</summary>
    public static Task<TestRabbit> SharedAsync() => Common.Value;

    /// <summary>
    /// One of its own, with these modules as users besides <see cref="Anybody"/>: <c>boon-{module}</c> reads all of them.
    /// </summary>
    public static async Task<TestRabbit> OwnAsync(params string[] modules)
    {
        await Swept.Value;
        var name = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Interlocked.Increment(ref owned)}");
        return await StartAsync(new(Path.Combine(OwnFolder, name), Users(modules)));
    }

    /// <summary>What <c>Boon:Broker:Url</c> is for a user.</summary>
    public string Url(string user = Anybody) => server.Url(user);

    /// <summary>
    /// SIGKILL: nothing is put away. RabbitMQ writes half a second after its first stream that it has streams at all, and without that it
    /// finds none of them ever again: so the kill comes after that.
    /// </summary>
    public async Task KillAsync()
    {
        await Eventually.Holds("RabbitMQ's note that it has streams", async () => !HasStreams || await NotesStreamsAsync());
        await KillAtOnceAsync();
    }

    /// <summary>SIGKILL, whatever RabbitMQ has written until now.</summary>
    public async Task KillAtOnceAsync()
    {
        var process = server.ProcessId;
        RabbitProcess.Kill(process);
        await Eventually.Holds("the end of RabbitMQ", () => Task.FromResult(!RabbitProcess.IsAlive(process)));
    }

    /// <summary>SIGSTOP: it keeps its connections and says nothing any more.</summary>
    public void Freeze() => _ = Signal(server.ProcessId, Sigstop);

    /// <summary>SIGCONT.</summary>
    public void Thaw() => _ = Signal(server.ProcessId, Sigcont);

    /// <summary>Starts it again, on the same ports.</summary>
    public async Task RestartAsync() => server = await PrivateRabbit.StartAsync(options, _ => { }, CancellationToken.None);

    /// <summary>Takes away its data while it is down.</summary>
    public void Wipe() => Directory.Delete(Path.Combine(options.Folder, "data"), recursive: true);

    /// <summary>Stops one's own; the shared one stays.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!options.Folder.StartsWith(OwnFolder, StringComparison.Ordinal))
            return;
        await PrivateRabbit.StopAsync(options.Folder, CancellationToken.None);
        Directory.Delete(options.Folder, recursive: true);
    }

    private string Node => Path.Combine(options.Folder, "data", "boon@localhost");

    private bool HasStreams => Directory.Exists(Path.Combine(Node, "stream"));

    private async Task<bool> NotesStreamsAsync()
    {
        var names = await File.ReadAllBytesAsync(Path.Combine(Node, "coordination", "boon@localhost", "names.dets"));
        return names.AsSpan().IndexOf("rabbit_stream_coordinator"u8) >= 0;
    }

    private static List<RabbitUser> Users(params string[] modules) =>
        [RabbitUser.OfOperator(Anybody, Password), RabbitUser.OfOperator(Second, Password),
            .. modules.Select(module => RabbitUser.OfModule(module, Password, modules))];

    private static async Task<TestRabbit> StartAsync(PrivateRabbitOptions options) =>
        new(options, await PrivateRabbit.StartAsync(options, Console.WriteLine, CancellationToken.None));

    private static async Task<TestRabbit> StartCommonAsync()
    {
        var options = new PrivateRabbitOptions(Path.Combine(Folder, "rabbit"), Users());
        Directory.CreateDirectory(options.Folder);
        var presence = await PresentAsync(Path.Combine(options.Folder, "users.lock"));
        var started = await StartAsync(options);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => LeaveAsync(options.Folder, presence).GetAwaiter().GetResult();
        return started;
    }

    /// <summary>A shared lock of the kernel, which goes with its process. Whoever stops the server has it alone meanwhile.</summary>
    private static async Task<FileStream> PresentAsync(string file)
    {
        return await Eventually.Get("a place at the shared RabbitMQ", () =>
        {
            try
            {
                return Task.FromResult<FileStream?>(new FileStream(file, FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read));
            }
            catch (IOException)
            {
                return Task.FromResult<FileStream?>(null); // somebody stops the server just now
            }
        });
    }

    private static async Task LeaveAsync(string folder, FileStream presence)
    {
        await presence.DisposeAsync();
        FileStream alone;
        try
        {
            alone = new FileStream(presence.Name, FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return; // somebody else is still there
        }
        await using (alone)
            await PrivateRabbit.StopAsync(folder, CancellationToken.None);
    }

    /// <summary>Stops what tests of a process that was killed have left.</summary>
    private static async Task SweepAsync()
    {
        foreach (var left in Directory.Exists(OwnFolder) ? Directory.GetDirectories(OwnFolder) : [])
        {
            var process = int.Parse(Path.GetFileName(left).Split('-')[0], CultureInfo.InvariantCulture);
            if (process == Environment.ProcessId || IsAlive(process))
                continue;
            await PrivateRabbit.StopAsync(left, CancellationToken.None);
            Directory.Delete(left, recursive: true);
        }
    }

    private static bool IsAlive(int process)
    {
        try
        {
            using var found = System.Diagnostics.Process.GetProcessById(process);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Signal(int process, int signal);
}
