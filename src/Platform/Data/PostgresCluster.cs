using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Boon.Platform.Data;

/// <summary>
/// The files of one private cluster and the programs that work on it. PostgreSQL refuses to run as root; then everything here runs as the user
/// <c>postgres</c>, in a folder that this user can reach.
/// </summary>
internal sealed class PostgresCluster
{
    private const string Owner = "boon";
    private const string RootFallback = "/var/lib/boon";
    private const string SystemUser = "postgres";

    /// <summary>A socket's path may have 107 bytes; its name takes 14 of them.</summary>
    private const int LongestSocketFolder = 90;
    private const int StartSeconds = 60;
    private static readonly TimeSpan HalfDeadLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private readonly string binaries;
    private readonly bool asOtherUser;

    private PostgresCluster(string home, string binaries, bool asOtherUser)
    {
        Home = home;
        this.binaries = binaries;
        this.asOtherUser = asOtherUser;
    }

    internal string Home { get; }

    internal string StartLock => Path.Combine(Home, "start.lock");

    internal string UsersLock => Path.Combine(Home, "users.lock");

    private string Data => Path.Combine(Home, "data");

    private string PasswordFile => Path.Combine(Home, "password");

    private string PortFile => Path.Combine(Home, "port");

    private string LogFile => Path.Combine(Home, "postgres.log");

    private string SocketFolder => Path.Combine(Home, "socket") is { Length: <= LongestSocketFolder } inside ? inside : $"/tmp/boon-{HashOf(Home)}";

    /// <summary>Finds the binaries and makes the folder.</summary>
    internal static async Task<PostgresCluster> PrepareAsync(PrivatePostgresOptions options, Action<string> announce, CancellationToken ct)
    {
        if (OperatingSystem.IsWindows())
            throw new PrivatePostgresException("The private PostgreSQL is for Linux and macOS: set ConnectionStrings__Boon to a PostgreSQL of yours.");
        var folder = Path.GetFullPath(options.DataDirectory);
        var isRoot = Environment.UserName == "root";
        Directory.CreateDirectory(folder);
        var home = Path.Combine(folder, "postgres");
        if (isRoot)
            home = await ReachableHomeAsync(folder, home, announce, ct);
        else
            Directory.CreateDirectory(home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var version = Path.Combine(home, "data", "PG_VERSION");
        var binaries = await PostgresBinaries.FindAsync(options.BinariesDirectory, File.Exists(version) ? (await File.ReadAllTextAsync(version, ct)).Trim() : null, ct);
        return new PostgresCluster(home, binaries, isRoot);
    }

    /// <summary>Makes sure that the server runs and answers; makes the cluster at the first start. The caller has the turn.</summary>
    internal async Task<string> EnsureRunningAsync(Action<string> announce, CancellationToken ct)
    {
        if (await AnsweringAsync(ct) is { } adopted)
            return adopted;
        if (!Directory.Exists(Data))
        {
            announce($"Making a private PostgreSQL in {Home} (once, a few seconds)...");
            await CreateAsync(ct);
        }
        await StartAsync(ct);
        return await AnsweringAsync(ct) ?? throw Failed($"The private PostgreSQL in {Home} started but does not answer.", "");
    }

    /// <summary>Stops the server: waits for running statements to be rolled back and for a clean shutdown.</summary>
    internal async Task StopAsync()
    {
        var (status, output) = await AsOwnerAsync("pg_ctl", ["stop", "-D", Data, "-m", "fast", "-w", "-t", StartSeconds.ToString(CultureInfo.InvariantCulture), "-s"], CancellationToken.None);
        if (status != 0 && !output.Contains("PID file", StringComparison.Ordinal))
            throw Failed($"The private PostgreSQL in {Home} did not stop.", output);
    }

    /// <summary>The connection string if the server of this folder runs and takes our password; null otherwise.</summary>
    private async Task<string?> AnsweringAsync(CancellationToken ct)
    {
        var pidFile = Path.Combine(Data, "postmaster.pid"); // pid, data folder, start, port, socket folder, ...
        string[] lines;
        try
        {
            lines = await File.ReadAllLinesAsync(pidFile, ct);
        }
        catch (IOException)
        {
            return null;
        }
        if (lines.Length < 4 || !int.TryParse(lines[0], out var pid) || !int.TryParse(lines[3], out var port) || !IsAlive(pid))
            return null;
        var connectionString = await ConnectionStringAsync(port, "postgres", ct);
        var began = TimeProvider.System.GetTimestamp();
        while (IsAlive(pid) && TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(StartSeconds))
            try
            {
                await using var connection = new NpgsqlConnection(connectionString);
                await connection.OpenAsync(ct);
                // Ours, and not another server that has taken the port of one that died.
                await using var where = new NpgsqlCommand("select current_setting('data_directory')", connection);
                if (await where.ExecuteScalarAsync(ct) is not string { } data || Path.GetFullPath(data) != Path.GetFullPath(Data))
                    return null;
                await using var exists = new NpgsqlCommand($"select exists (select from pg_database where datname = '{Owner}')", connection);
                if (await exists.ExecuteScalarAsync(ct) is not true)
                {
                    await using var create = new NpgsqlCommand($"create database {Owner}", connection);
                    await create.ExecuteNonQueryAsync(ct);
                }
                return await ConnectionStringAsync(port, Owner, ct);
            }
            catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections)
            {
                await Task.Delay(Poll, ct); // it recovers from a crash, or is very busy
            }
            catch (NpgsqlException)
            {
                return null;
            }
        return null;
    }

    private async Task CreateAsync(CancellationToken ct)
    {
        // A password, because other users of this machine can reach 127.0.0.1 too.
        await WriteForOwnerAsync(PasswordFile, RandomNumberGenerator.GetHexString(48, lowercase: true), ct);
        // Made beside its place and moved there, so that a kill in the middle leaves nothing half made.
        var draft = Data + ".new";
        var made = (Status: -1, Output: "");
        foreach (var locale in (string[])["C.UTF-8", "C"])
        {
            await AsOwnerAsync("rm", ["-rf", draft], ct);
            made = await AsOwnerAsync("initdb", ["-D", draft, "-U", Owner, "-A", "scram-sha-256", "--pwfile=" + PasswordFile, "-E", "UTF8", "--locale=" + locale, "--data-checksums"], ct);
            if (made.Status == 0)
                break;
        }
        if (made.Status != 0)
            throw new PrivatePostgresException($"initdb could not make a PostgreSQL in {Home}:\n{made.Output.Trim()}");
        Directory.Move(draft, Data);
    }

    private async Task StartAsync(CancellationToken ct)
    {
        await MakeFolderAsync(SocketFolder, ct);
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var port = await FreePortAsync(ct);
            var settings = $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{SocketFolder}' -c max_connections=200 -c shared_buffers=256MB";
            // pg_ctl gives the server a session of its own: neither Ctrl-C nor the end of Boon reaches it.
            var (status, output) = await AsOwnerAsync("pg_ctl",
                ["start", "-D", Data, "-l", LogFile, "-w", "-t", StartSeconds.ToString(CultureInfo.InvariantCulture), "-s", "-o", settings], ct);
            if (status == 0)
            {
                await WriteForOwnerAsync(PortFile, port.ToString(CultureInfo.InvariantCulture), ct);
                return;
            }
            // The last processes of a killed server hold its memory for a moment; a port may be taken between look and use.
            var log = LastLines();
            var passing = log.Contains("shared memory block", StringComparison.Ordinal) || log.Contains("Address already in use", StringComparison.Ordinal) || log.Contains("lock file", StringComparison.Ordinal);
            if (!passing || TimeProvider.System.GetElapsedTime(began) > HalfDeadLimit)
                throw Failed($"The private PostgreSQL in {Home} does not start.", output);
            await Task.Delay(Poll, ct);
        }
    }

    /// <summary>The port of last time if it is free, else one that the system gives.</summary>
    private async Task<int> FreePortAsync(CancellationToken ct)
    {
        var last = File.Exists(PortFile) && int.TryParse(await File.ReadAllTextAsync(PortFile, ct), out var stored) ? stored : 0;
        foreach (var port in (int[])[last, 0])
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return ((IPEndPoint)listener.LocalEndpoint).Port;
            }
            catch (SocketException) when (port != 0)
            {
                // taken by somebody else meanwhile
            }
        throw new PrivatePostgresException("No port of this machine is free.");
    }

    private async Task<string> ConnectionStringAsync(int port, string database, CancellationToken ct) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = port,
        Username = Owner,
        Password = (await File.ReadAllTextAsync(PasswordFile, ct)).Trim(),
        Database = database,
        Pooling = database == Owner,
    }.ConnectionString;

    /// <summary>As root: the folder itself if the user postgres can reach it, else one under /var/lib/boon, which is said.</summary>
    private static async Task<string> ReachableHomeAsync(string folder, string home, Action<string> announce, CancellationToken ct)
    {
        var (known, _) = await ProgramRun.RunAsync("id", ["-u", SystemUser], ct);
        if (known != 0)
            throw new PrivatePostgresException($"PostgreSQL does not run as root, and there is no user '{SystemUser}' to run it as: install the package postgresql, run Boon as another user, or set ConnectionStrings__Boon.");
        if (await TryMakeAsync(home))
            return home;
        if (Directory.Exists(home) && !Directory.EnumerateFileSystemEntries(home).Any())
            Directory.Delete(home);
        var fallback = Path.Combine(RootFallback, HashOf(folder));
        announce($"The user '{SystemUser}' cannot reach {folder}: the private PostgreSQL is in {fallback} instead.");
        Directory.CreateDirectory(RootFallback);
        return await TryMakeAsync(fallback) ? fallback : throw new PrivatePostgresException($"The user '{SystemUser}' can reach neither {folder} nor {fallback}.");

        async Task<bool> TryMakeAsync(string path)
        {
            var (made, _) = await ProgramRun.RunAsync("install", ["-d", "-o", SystemUser, "-g", SystemUser, "-m", "700", path], ct);
            return made == 0 && (await ProgramRun.RunAsync("setpriv", [.. OtherUser, "test", "-w", path], ct)).Status == 0;
        }
    }

    private static string[] OtherUser => ["--reuid", SystemUser, "--regid", SystemUser, "--init-groups", "--reset-env"];

    private Task<(int Status, string Output)> AsOwnerAsync(string program, string[] arguments, CancellationToken ct)
    {
        var path = program == "rm" ? program : Path.Combine(binaries, program);
        return asOtherUser ? ProgramRun.RunAsync("setpriv", [.. OtherUser, path, .. arguments], ct) : ProgramRun.RunAsync(path, arguments, ct);
    }

    private async Task MakeFolderAsync(string path, CancellationToken ct)
    {
        if (!asOtherUser)
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        else if ((await ProgramRun.RunAsync("install", ["-d", "-o", SystemUser, "-g", SystemUser, "-m", "700", path], ct)) is { Status: not 0, Output: var output })
            throw new PrivatePostgresException($"{path} cannot be made: {output}");
    }

    private async Task WriteForOwnerAsync(string path, string text, CancellationToken ct)
    {
        await using (var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite }))
            await file.WriteAsync(Encoding.ASCII.GetBytes(text), ct);
        if (asOtherUser)
            await ProgramRun.RunAsync("chown", [$"{SystemUser}:{SystemUser}", path], ct);
    }

    private PrivatePostgresException Failed(string what, string output) => new($"{what}\n{output.Trim()}\nIts log is {LogFile}; the last lines:\n{LastLines()}");

    private string LastLines() => File.Exists(LogFile) ? string.Join('\n', File.ReadLines(LogFile).TakeLast(8)) : "(none)";

    private static bool IsAlive(int pid)
    {
        try
        {
            using var process = System.Diagnostics.Process.GetProcessById(pid);
            return process.ProcessName.StartsWith("postgres", StringComparison.Ordinal);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static string HashOf(string path) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(path)))[..16];
}
