using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Boon.Broker.PrivateRabbit;

/// <summary>The files of one private RabbitMQ and its process. Whoever changes anything has the turn.</summary>
internal sealed class RabbitServer
{
    private const string Owner = "boon-owner";
    private const int LogLinesShown = 12;
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LoginLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly string binaries;

    private RabbitServer(string folder, string binaries)
    {
        Folder = folder;
        this.binaries = binaries;
    }

    internal string Folder { get; }

    internal RabbitPorts Ports { get; private set; } = RabbitPorts.None;

    internal int? ProcessId => RunningIn(Folder);

    /// <summary>Says who its users are, so that a server with others is not adopted. Private, as all of the folder.</summary>
    private string UsersFile => Path.Combine(Folder, "users");

    private string PasswordFile => PasswordFileOf(Folder);

    private static string PasswordFileOf(string folder) => Path.Combine(folder, "password");

    /// <summary>The folder of the programs; null if there is none.</summary>
    internal static string? Binaries(string? configured) =>
        // Debian and Ubuntu (whose /usr/sbin has a wrapper for its own user); RHEL and Fedora; Homebrew.
        (configured is not null ? [configured] : (string[])["/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin", "/usr/sbin"])
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "rabbitmq-server")));

    internal static RabbitServer Prepare(PrivateRabbitOptions options)
    {
        if (OperatingSystem.IsWindows())
            throw new SetupException("The private RabbitMQ is for Linux and macOS: set Boon__Broker__Url to a broker of yours.");
        if (Binaries(options.BinariesDirectory) is not { } binaries)
            throw new SetupException("RabbitMQ was not found. Install it (apt-get install rabbitmq-server; dnf install rabbitmq-server; "
                + "brew install rabbitmq), or set Boon__Broker__Url to a broker of yours.");
        var folder = Path.GetFullPath(options.Folder);
        PrivateFolder.Create(folder);
        return new RabbitServer(folder, binaries);
    }

    internal async Task EnsureRunningAsync(PrivateRabbitOptions options, Action<string> announce, CancellationToken ct)
    {
        if (!File.Exists(PasswordFile))
            await WriteAsync("password", RandomNumberGenerator.GetHexString(48, lowercase: true), ct);
        var owner = RabbitUser.OfOperator(Owner, await File.ReadAllTextAsync(PasswordFile, ct));
        IReadOnlyList<RabbitUser> users = [.. options.Users, owner];
        var wanted = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(
            string.Join('\n', users.Select(user => $"{user.Name} {user.Password} {user.Configure} {user.Write} {user.Read}")))));
        Ports = RabbitPorts.Read(Folder);
        if (ProcessId is not null && File.Exists(UsersFile) && await File.ReadAllTextAsync(UsersFile, ct) == wanted
            && await AnswersAsync(Ports.Amqp, owner.Password, ct))
            return;
        await StopAsync(Folder, ct);
        announce($"Starting a private RabbitMQ in {Folder} (some seconds)...");
        Ports = await RabbitPorts.ChooseAsync(Folder, options.Port, ct);
        await WriteConfigurationAsync(users, ct);
        await WriteAsync("users", wanted, ct);
        await StartAsync(owner.Password, ct);
    }

    /// <summary>Stops the process of a folder: a clean shutdown if it manages that in time.</summary>
    internal static async Task StopAsync(string folder, CancellationToken ct)
    {
        if (RunningIn(folder) is { } process)
        {
            RabbitProcess.Terminate(process);
            var began = TimeProvider.System.GetTimestamp();
            while (RabbitProcess.IsAlive(process))
            {
                if (TimeProvider.System.GetElapsedTime(began) > StopLimit)
                    RabbitProcess.Kill(process);
                await Task.Delay(Poll, ct);
            }
        }
        await RabbitPorts.Read(folder).EndMapperAsync(ct);
    }

    private async Task StartAsync(string password, CancellationToken ct)
    {
        var start = new ProcessStartInfo(Path.Combine(binaries, "rabbitmq-server"), "-detached")
            { WorkingDirectory = "/", RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment.Clear();
        foreach (var (name, value) in Environment())
            start.Environment[name] = value;
        var log = new DirectoryInfo(Path.Combine(Folder, "log"));
        foreach (var old in log.GetFiles())
            old.Delete();
        File.Delete(PidFile(Folder)); // the number of one that was killed says nothing of this one
        using (var script = Process.Start(start)!)
        {
            await script.WaitForExitAsync(ct);
            if (script.ExitCode != 0)
                throw new SetupException($"RabbitMQ does not start: {(await script.StandardError.ReadToEndAsync(ct)).Trim()}");
        }
        var began = TimeProvider.System.GetTimestamp();
        var seen = false;
        while (!await AnswersAsync(Ports.Amqp, password, ct))
        {
            var alive = ProcessId is not null;
            seen |= alive;
            if (seen && !alive || TimeProvider.System.GetElapsedTime(began) > StartLimit)
                throw new SetupException($"RabbitMQ does not start in {Folder}; the last lines of its log:\n"
                    + string.Join('\n', log.GetFiles().SelectMany(file => File.ReadLines(file.FullName)).TakeLast(LogLinesShown)));
            await Task.Delay(Poll, ct);
        }
    }

    /// <summary>Whether the server of a folder takes logins.</summary>
    internal static async Task<bool> AnswersAsync(string folder, CancellationToken ct)
    {
        var password = PasswordFileOf(folder);
        return File.Exists(password) && await AnswersAsync(RabbitPorts.Read(folder).Amqp, await File.ReadAllTextAsync(password, ct), ct);
    }

    /// <summary>It is ready when it takes a login; that it takes ours says that it is the server of this folder.</summary>
    private static async Task<bool> AnswersAsync(int port, string password, CancellationToken ct)
    {
        var factory = new ConnectionFactory
        {
            HostName = "127.0.0.1", Port = port, UserName = Owner, Password = password, AutomaticRecoveryEnabled = false,
            RequestedConnectionTimeout = LoginLimit, HandshakeContinuationTimeout = LoginLimit, ContinuationTimeout = LoginLimit,
        };
        try
        {
            await using var connection = await factory.CreateConnectionAsync(ct);
            return true;
        }
        catch (BrokerUnreachableException)
        {
            return false;
        }
    }

    private async Task WriteConfigurationAsync(IReadOnlyList<RabbitUser> users, CancellationToken ct)
    {
        foreach (var folder in (string[])["data", "log"])
            Directory.CreateDirectory(Path.Combine(Folder, folder));
        await WriteAsync("rabbitmq.conf", string.Create(CultureInfo.InvariantCulture, $"""
            listeners.tcp.1 = 127.0.0.1:{Ports.Amqp}
            load_definitions = {Path.Combine(Folder, "definitions.json")}
            vm_memory_high_watermark.absolute = 512MB
            disk_free_limit.absolute = 50MB

            """), ct);
        await WriteAsync("definitions.json", Definitions(users), ct);
        await WriteAsync("enabled_plugins", "[].\n", ct);
        await WriteAsync("advanced.config", "[].\n", ct);
        await WriteAsync("env.conf", "", ct);
        var cookie = Path.Combine(Folder, ".erlang.cookie");
        // Erlang would make one that is easier to guess. Whoever knows it can run code as this user.
        if (!File.Exists(cookie))
            await WriteAsync(".erlang.cookie", RandomNumberGenerator.GetHexString(48, lowercase: true), ct);
        File.SetUnixFileMode(cookie, UnixFileMode.UserRead);
    }

    /// <summary>Users and what they may do. The server reads this at each start, so nothing else has to be run.</summary>
    private static string Definitions(IReadOnlyList<RabbitUser> users) => System.Text.Json.JsonSerializer.Serialize(new
    {
        vhosts = new[] { new { name = "/" } },
        users = users.Select(user => new
            { name = user.Name, password_hash = user.PasswordHash(), hashing_algorithm = "rabbit_password_hashing_sha256", tags = "" }),
        permissions = users.Select(user => new
            { user = user.Name, vhost = "/", configure = user.Configure, write = user.Write, read = user.Read }),
    });

    private Dictionary<string, string> Environment() => new(StringComparer.Ordinal)
    {
        ["HOME"] = Folder,
        ["LANG"] = "C.UTF-8",
        ["PATH"] = System.Environment.GetEnvironmentVariable("PATH") ?? "/usr/sbin:/usr/bin:/sbin:/bin",
        ["RABBITMQ_NODENAME"] = "boon@localhost",
        ["RABBITMQ_DIST_PORT"] = Ports.Distribution.ToString(CultureInfo.InvariantCulture),
        ["ERL_EPMD_PORT"] = Ports.Mapper.ToString(CultureInfo.InvariantCulture),
        ["ERL_EPMD_ADDRESS"] = "127.0.0.1",
        // Its threads do not spin while they wait: this server shares its machine.
        ["RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS"] =
            "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none",
        ["RABBITMQ_MNESIA_BASE"] = Path.Combine(Folder, "data"),
        ["RABBITMQ_LOG_BASE"] = Path.Combine(Folder, "log"),
        ["RABBITMQ_CONFIG_FILE"] = Path.Combine(Folder, "rabbitmq.conf"),
        ["RABBITMQ_ADVANCED_CONFIG_FILE"] = Path.Combine(Folder, "advanced.config"),
        ["RABBITMQ_CONF_ENV_FILE"] = Path.Combine(Folder, "env.conf"),
        ["RABBITMQ_ENABLED_PLUGINS_FILE"] = Path.Combine(Folder, "enabled_plugins"),
        ["RABBITMQ_PID_FILE"] = PidFile(Folder),
    };

    private static string PidFile(string folder) => Path.Combine(folder, "pid");

    internal static int? RunningIn(string folder) =>
        File.Exists(PidFile(folder)) && int.TryParse(File.ReadAllText(PidFile(folder)), CultureInfo.InvariantCulture, out var process)
            && RabbitProcess.IsAlive(process) ? process : null;

    private async Task WriteAsync(string name, string text, CancellationToken ct)
    {
        await using var file = new FileStream(Path.Combine(Folder, name), new FileStreamOptions
            { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
        await file.WriteAsync(Encoding.UTF8.GetBytes(text), ct);
    }
}
