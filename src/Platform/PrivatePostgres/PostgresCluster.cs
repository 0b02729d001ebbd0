using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Boon.Platform.PrivatePostgres;

/// <summary>The files of one private cluster and the programs that work on it.</summary>
internal sealed class PostgresCluster
{
    /// <summary>A socket's path may have 107 bytes; its name takes 14 of them.</summary>
    private const int LongestSocketFolder = 90;

    /// <summary>Where the socket is when the data's path cannot hold it.</summary>
    private const string TemporarySocketFolder = "/tmp/boon-";

    /// <summary>
    /// What the server's log may say. It is no place for personal data: an error's details name the values of a row, and its statement
    /// those of a request. Boon gets and logs each error itself. A file for each day of the week, taken anew a week later.
    /// </summary>
    private const string LogSettings =
        "-c logging_collector=on -c log_directory=../log -c log_filename=postgres-%a.log -c log_file_mode=0600 "
        + "-c log_rotation_age=1d -c log_rotation_size=0 -c log_truncate_on_rotation=on "
        + "-c log_error_verbosity=terse -c log_min_error_statement=panic -c log_statement=none -c log_min_duration_statement=-1";
    private const int StartSeconds = 60;
    private static readonly TimeSpan HalfDeadLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);

    private readonly string binaries;
    private readonly PostgresUser user;
    private readonly PrivatePostgresOptions options;

    private PostgresCluster(string home, string binaries, PostgresUser user, PrivatePostgresOptions options)
    {
        Home = home;
        this.binaries = binaries;
        this.user = user;
        this.options = options;
    }

    internal string Home { get; }

    internal string StartLock => Path.Combine(Home, "start.lock");

    internal string UsersLock => Path.Combine(Home, "users.lock");

    private string Data => Path.Combine(Home, "data");

    private string PasswordFile => Path.Combine(Home, "password");

    private string AdministratorPasswordFile => Path.Combine(Home, "admin-password");

    private string PortFile => Path.Combine(Home, "port");

    /// <summary>What a start says until the server's own log takes over.</summary>
    private string StartLog => Path.Combine(Home, "postgres.log");

    private string LogFolder => Path.Combine(Home, "log");

    private IEnumerable<string> LogFiles => (Directory.Exists(LogFolder) ? Directory.EnumerateFiles(LogFolder) : []).Append(StartLog)
        .Where(File.Exists).OrderBy(File.GetLastWriteTimeUtc);

    /// <summary>Finds the binaries and makes the folder.</summary>
    internal static async Task<PostgresCluster> PrepareAsync(PrivatePostgresOptions options, Action<string> announce, CancellationToken ct)
    {
        if (OperatingSystem.IsWindows())
            throw new PrivatePostgresException(
                "The private PostgreSQL is for Linux and macOS: set ConnectionStrings__Boon to a PostgreSQL of yours.");
        var folder = Path.GetFullPath(options.DataDirectory);
        var isRoot = Environment.UserName == "root";
        Directory.CreateDirectory(folder);
        var home = Path.Combine(folder, "postgres");
        if (isRoot)
            home = await PostgresUser.ReachableHomeAsync(folder, home, announce, ct);
        else
            Directory.CreateDirectory(home, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var version = Path.Combine(home, "data", "PG_VERSION");
        var binaries = await PostgresBinaries.FindAsync(
            options.BinariesDirectory, File.Exists(version) ? (await File.ReadAllTextAsync(version, ct)).Trim() : null, ct);
        return new PostgresCluster(home, binaries, new PostgresUser(isRoot), options);
    }

    /// <summary>Makes sure that the server runs and answers; makes the cluster at the first start. The caller has the turn.</summary>
    internal async Task<PostgresRoles> EnsureRunningAsync(Action<string> announce, CancellationToken ct)
    {
        if (await AnsweringAsync(announce, ct) is { } adopted)
            return adopted;
        if (!Directory.Exists(Data))
        {
            announce($"Making a private PostgreSQL in {Home} (once, a few seconds)...");
            await CreateAsync(ct);
        }
        await StartAsync(ct);
        return await AnsweringAsync(announce, ct) ?? throw Failed($"The private PostgreSQL in {Home} started but does not answer.", "");
    }

    /// <summary>True while a server runs on the data.</summary>
    internal async Task<bool> IsRunningAsync(CancellationToken ct) => await ReadPidFileAsync(ct) is { } server && IsAlive(server.Pid);

    /// <summary>Stops the server: waits for running statements to be rolled back and for a clean shutdown.</summary>
    internal async Task StopAsync()
    {
        var socket = (await ReadPidFileAsync(CancellationToken.None))?.Socket;
        var (status, output) = await user.RunAsync(
            Path.Combine(binaries, "pg_ctl"),
            ["stop", "-D", Data, "-m", "fast", "-w", "-t", StartSeconds.ToString(CultureInfo.InvariantCulture), "-s"],
            CancellationToken.None);
        if (status != 0 && !output.Contains("PID file", StringComparison.Ordinal))
            throw Failed($"The private PostgreSQL in {Home} did not stop.", output);
        DropTemporary(socket);
    }

    /// <summary>The server of this folder, if it runs and takes our passwords; null otherwise.</summary>
    private async Task<PostgresRoles?> AnsweringAsync(Action<string> announce, CancellationToken ct)
    {
        if (await ReadPidFileAsync(ct) is not { } server || !IsAlive(server.Pid))
            return null;
        // A cluster of an earlier version has no password of this kind: its roles are put right with this one.
        if (!File.Exists(AdministratorPasswordFile))
            await user.WriteAsync(AdministratorPasswordFile, NewPassword(), ct);
        var roles = new PostgresRoles(
            server.Socket, server.Port, await ReadAsync(PasswordFile, ct), await ReadAsync(AdministratorPasswordFile, ct));
        var began = TimeProvider.System.GetTimestamp();
        while (IsAlive(server.Pid) && TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(StartSeconds))
            try
            {
                // Ours, and not another server that has taken the port of one that died.
                return await roles.EnsureAsync(Data, announce, ct) ? roles : null;
            }
            catch (PostgresException error) when (
                error.SqlState is PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.TooManyConnections)
            {
                await Task.Delay(Poll, ct); // it recovers from a crash, or is very busy
            }
            catch (NpgsqlException)
            {
                return null;
            }
        return null;
    }

    /// <summary>Who runs on the data, and where it listens.</summary>
    private async Task<(int Pid, int Port, string Socket)?> ReadPidFileAsync(CancellationToken ct)
    {
        try
        {
            var lines = await File.ReadAllLinesAsync(
                Path.Combine(Data, "postmaster.pid"), ct); // pid, data folder, start, port, socket folder, ...
            return lines.Length >= 5 && int.TryParse(lines[0], out var pid) && int.TryParse(lines[3], out var port)
                ? (pid, port, lines[4].Trim()) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private async Task CreateAsync(CancellationToken ct)
    {
        // Passwords, because other users of this machine can reach 127.0.0.1 too.
        await user.WriteAsync(PasswordFile, NewPassword(), ct);
        await user.WriteAsync(AdministratorPasswordFile, NewPassword(), ct);
        // Made beside its place and moved there, so that a kill in the middle leaves nothing half made.
        var draft = Data + ".new";
        var made = (Status: -1, Output: "");
        foreach (var locale in (string[])["C.UTF-8", "C"])
        {
            await user.RunAsync("rm", ["-rf", draft], ct);
            made = await user.RunAsync(
                Path.Combine(binaries, "initdb"),
                ["-D", draft, "-U", PostgresRoles.Administrator, "-A", "scram-sha-256", "--pwfile=" + AdministratorPasswordFile, "-E",
                "UTF8", "--locale=" + locale, "--data-checksums"], ct);
            if (made.Status == 0)
                break;
        }
        if (made.Status != 0)
            throw new PrivatePostgresException($"initdb could not make a PostgreSQL in {Home}:\n{made.Output.Trim()}");
        Directory.Move(draft, Data);
    }

    private async Task StartAsync(CancellationToken ct)
    {
        DropTemporary((await ReadPidFileAsync(ct))?.Socket); // of a server that was killed
        var socket = SocketFolder();
        await user.MakeFolderAsync(socket, ct);
        await user.MakeFolderAsync(LogFolder, ct);
        File.Delete(StartLog);
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var port = await FreePortAsync(ct);
            var settings = $"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='{socket}' -c unix_socket_permissions=0700 "
                + $"-c max_connections={options.Connections} -c shared_buffers=256MB {LogSettings}";
            var before = LogFiles.ToDictionary(file => file, file => new FileInfo(file).Length, StringComparer.Ordinal);
            // pg_ctl gives the server a session of its own: neither Ctrl-C nor the end of Boon reaches it.
            var (status, output) = await user.RunAsync(Path.Combine(binaries, "pg_ctl"),
                ["start", "-D", Data, "-l", StartLog, "-w", "-t", StartSeconds.ToString(CultureInfo.InvariantCulture), "-s", "-o",
                    settings], ct);
            if (status == 0)
            {
                await user.WriteAsync(PortFile, port.ToString(CultureInfo.InvariantCulture), ct);
                return;
            }
            // The last processes of a killed server hold its memory for a moment; a port may be taken between look and use.
            var log = SaidSince(before);
            var passing = log.Contains("shared memory block", StringComparison.Ordinal)
                || log.Contains("Address already in use", StringComparison.Ordinal) || log.Contains("lock file", StringComparison.Ordinal);
            if (!passing || TimeProvider.System.GetElapsedTime(began) > HalfDeadLimit)
                throw Failed($"The private PostgreSQL in {Home} does not start.", output);
            await Task.Delay(Poll, ct);
        }
    }

    /// <summary>
    /// Inside the cluster's own folder, which is its user's alone; where the path is too long or has what settings cannot hold, in /tmp
    /// under a name that nobody can know before, so that nobody has made that folder first.
    /// </summary>
    private string SocketFolder() =>
        Path.Combine(Home, "socket") is { Length: <= LongestSocketFolder } inside && inside.AsSpan().IndexOfAny(",:'\"\\") < 0
        ? inside
        : TemporarySocketFolder + RandomNumberGenerator.GetHexString(16, lowercase: true);

    private static void DropTemporary(string? socket)
    {
        try
        {
            if (socket?.StartsWith(TemporarySocketFolder, StringComparison.Ordinal) == true && Directory.Exists(socket))
                Directory.Delete(socket, recursive: true);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // not ours; an empty folder stays
        }
    }

    /// <summary>The port of last time if it is free, else the one that is wished, else one that the system gives.</summary>
    private async Task<int> FreePortAsync(CancellationToken ct)
    {
        var last = File.Exists(PortFile) && int.TryParse(await File.ReadAllTextAsync(PortFile, ct), out var stored) ? stored : 0;
        foreach (var port in last > 0 ? (int[])[last, options.Port, 0] : [options.Port, 0])
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

    private static string NewPassword() => RandomNumberGenerator.GetHexString(48, lowercase: true);

    private static async Task<string> ReadAsync(string file, CancellationToken ct) => (await File.ReadAllTextAsync(file, ct)).Trim();

    private PrivatePostgresException Failed(string what, string output) =>
        new($"{what}\n{output.Trim()}\nIts logs are {StartLog} and {LogFolder}; the last "
            + $"lines:\n{string.Join('\n', LogFiles.SelectMany(File.ReadLines).TakeLast(8))}");

    /// <summary>What the logs say beyond the sizes that they had.</summary>
    private string SaidSince(Dictionary<string, long> before) => string.Concat(LogFiles.Select(file =>
    {
        var text = File.ReadAllText(file);
        return before.TryGetValue(file, out var size) && size <= text.Length ? text[(int)size..] : text;
    }));

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
}
