namespace Boon.Platform.Data;

/// <summary>
/// The connections of one process to one database, in two pools, so that neither requests nor the work behind them take all: together as
/// many as <c>Maximum Pool Size</c> says, of which the background gets what its lanes need.
/// </summary>
internal sealed class DatabasePools : IAsyncDisposable
{
    /// <summary>Connections of one process to one database, unless the connection string says otherwise.</summary>
    internal const int DefaultSize = 40;

    /// <summary>Fewer connections than this for requests serve nobody.</summary>
    internal const int LeastForRequests = 4;

    /// <summary>
    /// Connections for what listens all the time, and for what takes turns: sequencers, notifications, watches, and what cleans up now and
    /// then.
    /// </summary>
    private const int ForTheRest = 6;

    /// <summary>
    /// Unacknowledged for so long, a connection is given up by the server: also when a frozen client does not read what it asked for.
    /// </summary>
    private static readonly TimeSpan TcpLimit = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Statements go by their indexes, row by row, whatever the planner believes: a log or a pool grows faster than its statistics, and a
    /// plan made when a table was small (a scan, a sort or a hash of all of it) is kept while it grows. For the same reason nothing is
    /// compiled; and where indexes decide, a plan for these very values is the plan for any: a prepared statement is planned once for a
    /// connection.
    /// </summary>
    private const string PlansByIndex = "-c jit=off -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c "
        + "enable_mergejoin=off -c max_parallel_workers_per_gather=0 -c plan_cache_mode=force_generic_plan";

    /// <summary>A server or a network that went away without a word is noticed within 20 s.</summary>
    private const string KeepAlives = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3";

    internal DatabasePools(string name, string connection, int lanes, ILoggerFactory loggers)
    {
        var builder = new NpgsqlConnectionStringBuilder(connection);
        Size = builder.ShouldSerialize("Maximum Pool Size") ? builder.MaxPoolSize : DefaultSize;
        var background = lanes + ForTheRest;
        if (Size - background < LeastForRequests)
            throw new SetupException(
                $"The lanes and the other background work of this process need {background} connections to the database "
                    + $"'{builder.Database}' and its requests {LeastForRequests} at least, "
                + $"but it may have {Size}: set Maximum Pool Size={background + LeastForRequests} or more in its connection string, or ask "
                + $"for fewer lanes.");
        Requests = Build(name, builder, Size - background, Databases.RequestStatementLimit, loggers);
        Background = !Defences.PoolsApart.On
            ? Requests : Build($"{name}-background", builder, background, Databases.BackgroundStatementLimit, loggers);
    }

    /// <summary>The most connections of both pools together.</summary>
    internal int Size { get; }

    internal NpgsqlDataSource Requests { get; }

    internal NpgsqlDataSource Background { get; }

    private static NpgsqlDataSource Build(
        string name, NpgsqlConnectionStringBuilder said, int size, TimeSpan statementLimit, ILoggerFactory loggers)
    {
        var builder = new NpgsqlConnectionStringBuilder(said.ConnectionString) { MaxPoolSize = size, Pooling = true };
        builder.MinPoolSize = Math.Min(builder.MinPoolSize, size);
        if (string.IsNullOrEmpty(builder.ApplicationName))
            builder.ApplicationName = "boon";
        // Room for the statements of all modules: what does not fit is planned again and again.
        builder.MaxAutoPrepare = 256;
        builder.AutoPrepareMinUsages = 2;
        // Nothing outlives a transaction (set local, on commit drop) but advisory locks, which are given back: a returned connection needs
        // no cleaning.
        builder.NoResetOnClose = true;
        // A socket of this machine knows no such thing, and refuses it.
        if (builder.Host is { Length: > 0 } host && host[0] is not ('/' or '@'))
            (builder.TcpKeepAlive, builder.TcpKeepAliveTime, builder.TcpKeepAliveInterval) = (true, 10, 3);
        var idle = Defences.IdleTransactionTimeout.On ? Databases.IdleInTransactionLimit : TimeSpan.Zero;
        builder.Options = $"{builder.Options} {PlansByIndex} {KeepAlives} -c TimeZone=UTC -c tcp_user_timeout={Milliseconds(TcpLimit)} "
            + $"-c idle_in_transaction_session_timeout={Milliseconds(idle)} "
            + $"-c statement_timeout={Milliseconds(statementLimit)}";
        return new NpgsqlDataSourceBuilder(builder.ConnectionString) { Name = name }.UseLoggerFactory(loggers).Build();
    }

    private static long Milliseconds(TimeSpan span) => (long)span.TotalMilliseconds;

    public async ValueTask DisposeAsync()
    {
        await Requests.DisposeAsync();
        await Background.DisposeAsync();
    }
}
