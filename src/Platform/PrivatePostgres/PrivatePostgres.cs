namespace Boon.Platform.PrivatePostgres;

/// <summary>Where a private PostgreSQL keeps its data and finds its binaries.</summary>
/// <param name="DataDirectory">The folder of this Boon, such as <c>.boon</c>; the cluster is in its subfolder <c>postgres</c>.</param>
/// <param name="BinariesDirectory">The folder of <c>postgres</c>, <c>initdb</c> and <c>pg_ctl</c> (<c>Boon__Postgres__Binaries</c>); null:
/// look for it.</param>
public sealed record PrivatePostgresOptions(string DataDirectory, string? BinariesDirectory)
{
    /// <summary>
    /// What the server's <c>max_connections</c> is: a cluster of many processes needs more, and so do the tests of a machine with many
    /// processors. It counts when the server is started.
    /// </summary>
    public int Connections { get; init; } = 200;

    /// <summary>The port to have at the first start, if it is free; later ones have that of the start before. 0: any.</summary>
    public int Port { get; init; }
}

/// <summary>The private PostgreSQL cannot run; the message says why and what to do.</summary>
public sealed class PrivatePostgresException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// A PostgreSQL server of Boon's own, the default database: made at the first start, reachable from this machine only, with the durable
/// settings that PostgreSQL ships with. It outlives a killed Boon and is adopted by the next one; several Boons on one folder share it, and
/// the last one out stops it. Kernel file locks say who is there: they vanish with their process, however it ends.
/// </summary>
public sealed class PrivatePostgres : IAsyncDisposable
{
    private static readonly TimeSpan LongestTurn = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan TurnPoll = TimeSpan.FromMilliseconds(50);

    private readonly PostgresCluster cluster;
    private FileStream? presence;

    private PrivatePostgres(PostgresCluster cluster, FileStream presence, PostgresRoles roles)
    {
        this.cluster = cluster;
        this.presence = presence;
        ConnectionString = roles.ConnectionString;
        AdministratorConnectionString = roles.AdministratorConnectionString;
    }

    /// <summary>
    /// How to reach it: the database <c>boon</c> over its socket, as its owner, who is no superuser and can make databases.
    /// </summary>
    public string ConnectionString { get; }

    /// <summary>The same as its superuser, in the database <c>postgres</c>: for tests of what Boon itself may not do.</summary>
    internal string AdministratorConnectionString { get; }

    /// <summary>Where the cluster, its passwords, port and logs are.</summary>
    public string ClusterDirectory => cluster.Home;

    /// <summary>Starts the server of a folder, or joins the one that runs.</summary>
    /// <param name="options">The folder and the binaries.</param>
    /// <param name="announce">Told, in a line each, what takes time or is worth knowing.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="PrivatePostgresException">There are no binaries, or the server does not start.</exception>
    public static async Task<PrivatePostgres> StartAsync(PrivatePostgresOptions options, Action<string> announce, CancellationToken ct)
    {
        var cluster = await PostgresCluster.PrepareAsync(options, announce, ct);
        await using var turn = await TakeTurnAsync(cluster, ct);
        var presence = new FileStream(cluster.UsersLock, FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read); // a shared kernel lock
        try
        {
            return new PrivatePostgres(cluster, presence, await cluster.EnsureRunningAsync(announce, ct));
        }
        catch
        {
            await presence.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Leaves without stopping the server, for processes that use it without this class. <see cref="StopAsync"/> ends it.
    /// </summary>
    public async ValueTask LeaveRunningAsync()
    {
        if (presence is not null)
            await presence.DisposeAsync();
        presence = null;
    }

    /// <summary>Stops the server of a folder, unless somebody else is there who started or joined it.</summary>
    public static async Task StopAsync(PrivatePostgresOptions options)
    {
        var cluster = await PostgresCluster.PrepareAsync(options, _ => { }, CancellationToken.None);
        if (!await cluster.IsRunningAsync(CancellationToken.None))
            return;
        await using var turn = await TakeTurnAsync(cluster, CancellationToken.None);
        await StopIfAloneAsync(cluster);
    }

    /// <summary>Leaves; the last one out stops the server.</summary>
    public async ValueTask DisposeAsync()
    {
        if (presence is null)
            return;
        await using var turn = await TakeTurnAsync(cluster, CancellationToken.None);
        await presence.DisposeAsync();
        presence = null;
        await StopIfAloneAsync(cluster);
    }

    private static async Task StopIfAloneAsync(PostgresCluster cluster)
    {
        FileStream alone;
        try
        {
            alone = new FileStream(cluster.UsersLock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return; // somebody else is still there
        }
        await using (alone)
            await cluster.StopAsync();
    }

    /// <summary>One process at a time decides about starting and stopping.</summary>
    private static async Task<FileStream> TakeTurnAsync(PostgresCluster cluster, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            try
            {
                return new FileStream(cluster.StartLock, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException error) when (error is not (DirectoryNotFoundException or FileNotFoundException))
            {
                if (TimeProvider.System.GetElapsedTime(began) > LongestTurn)
                    throw new PrivatePostgresException($"Another Boon has been starting or stopping the database of {cluster.Home} for "
                        + $"{LongestTurn.TotalMinutes} minutes.", error);
            }
            await Task.Delay(TurnPoll, ct);
        }
    }
}
