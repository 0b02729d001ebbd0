using System.Globalization;

namespace Boon.Broker.PrivateRabbit;

/// <summary>Where a private RabbitMQ is and who may use it.</summary>
/// <param name="Folder">Its folder, which is made; nobody else's files are in it.</param>
/// <param name="Users">Its users.</param>
internal sealed record PrivateRabbitOptions(string Folder, IReadOnlyList<RabbitUser> Users)
{
    /// <summary>The folder of <c>rabbitmq-server</c>; null: look for it.</summary>
    internal string? BinariesDirectory { get; init; }

    /// <summary>Where a server that does not run yet is to listen; 0: where it listened last, or anywhere.</summary>
    internal int Port { get; init; }
}

/// <summary>
/// A RabbitMQ server of Boon's own, for development and tests: started without a service manager, as the user who runs Boon, reachable from
/// this machine only. It outlives the process that started it; the next start on the same folder adopts it, or starts it anew where it has
/// other users than are wanted. Its streams stay in the folder, and so do its ports where they are free.
/// </summary>
internal sealed class PrivateRabbit
{
    private static readonly TimeSpan LongestTurn = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);

    private readonly RabbitServer server;

    private PrivateRabbit(RabbitServer server) => this.server = server;

    /// <summary>Where it listens, on 127.0.0.1.</summary>
    internal int Port => server.Ports.Amqp;

    /// <summary>Its process.</summary>
    internal int ProcessId => server.ProcessId ?? throw new InvalidOperationException("It does not run.");

    /// <summary>What <c>Boon:Broker:Url</c> is for a user; the password goes into <c>Boon:Broker:Password</c>.</summary>
    internal string Url(string user) =>
        string.Create(CultureInfo.InvariantCulture, $"amqp://{Uri.EscapeDataString(user)}@127.0.0.1:{Port}");

    /// <summary>True where its programs are installed.</summary>
    internal static bool IsInstalled => RabbitServer.Binaries(null) is not null;

    /// <summary>The process of a folder's server; null: it does not run.</summary>
    internal static int? ProcessOf(string folder) => RabbitServer.RunningIn(Path.GetFullPath(folder));

    /// <summary>Whether the server of a folder takes logins.</summary>
    internal static Task<bool> AnswersAsync(string folder, CancellationToken ct) =>
        RabbitServer.AnswersAsync(Path.GetFullPath(folder), ct);

    /// <summary>Starts the server of a folder, or adopts the one that runs. It takes logins when this returns.</summary>
    /// <param name="options">The folder and the users.</param>
    /// <param name="announce">Told, in a line each, what takes time.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="SetupException">There are no programs, or the server does not start.</exception>
    internal static async Task<PrivateRabbit> StartAsync(PrivateRabbitOptions options, Action<string> announce, CancellationToken ct)
    {
        var server = RabbitServer.Prepare(options);
        await using var turn = await TakeTurnAsync(server.Folder, ct);
        await server.EnsureRunningAsync(options, announce, ct);
        return new PrivateRabbit(server);
    }

    /// <summary>Stops it in good order. A second time does nothing.</summary>
    internal Task StopAsync(CancellationToken ct) => StopAsync(server.Folder, ct);

    /// <summary>Stops the server of a folder in good order, whoever started it; does nothing when none runs.</summary>
    internal static async Task StopAsync(string folder, CancellationToken ct)
    {
        folder = Path.GetFullPath(folder);
        if (!Directory.Exists(folder))
            return;
        await using var turn = await TakeTurnAsync(folder, ct);
        await RabbitServer.StopAsync(folder, ct);
    }

    /// <summary>One process at a time decides about starting and stopping.</summary>
    private static async Task<FileStream> TakeTurnAsync(string folder, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(folder, "start.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException error) when (error is not (DirectoryNotFoundException or FileNotFoundException))
            {
                if (TimeProvider.System.GetElapsedTime(began) > LongestTurn)
                    throw new SetupException($"Another Boon has been starting or stopping the RabbitMQ of {folder} for "
                        + $"{LongestTurn.TotalMinutes} minutes.", error);
            }
            await Task.Delay(Poll, ct);
        }
    }
}
