using Boon.Platform;

namespace Boon.Host.Cluster;

/// <summary>
/// The connections to PostgreSQL, from the number of processes: what each may open, and what the server must allow for all of them.
/// </summary>
/// <param name="Pool"><c>Maximum Pool Size</c> of each process.</param>
/// <param name="All">The least <c>max_connections</c>.</param>
internal sealed record ClusterSize(int Pool, int All)
{
    /// <summary>Connections that all processes share while each has enough.</summary>
    private const int Shared = 480;

    /// <summary>What requests and the lanes of a module need at least.</summary>
    private const int LeastPool = 20;

    /// <summary>What a process has at most, as without a cluster.</summary>
    private const int MostPool = 40;

    /// <summary>For commands, migrations, people, and those that PostgreSQL keeps for its superuser.</summary>
    private const int Reserve = 30;

    /// <summary>The size for so many processes, each with one database.</summary>
    internal static ClusterSize Of(int processes)
    {
        var pool = Math.Clamp(Shared / processes, LeastPool, MostPool);
        return new ClusterSize(pool, (processes * pool) + Reserve);
    }

    /// <summary>Checks the sum against what the server allows.</summary>
    /// <exception cref="SetupException">It allows less.</exception>
    internal void Check(int allowed)
    {
        if (allowed < All)
            throw new SetupException($"The cluster's PostgreSQL allows {allowed} connections (max_connections), and its processes may open "
                + $"{All}. It gets more when it starts anew: run boon cluster down, then boon cluster up.");
    }
}
