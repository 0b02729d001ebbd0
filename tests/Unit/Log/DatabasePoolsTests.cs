using Boon.Platform;
using Boon.Platform.Data;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Boon.Unit.Log;

/// <summary>The connections of one process to one database.</summary>
public sealed class DatabasePoolsTests
{
    [Theory]
    [InlineData("Host=db;Database=boon", 15, 40)]
    [InlineData("Host=db;Database=boon;Maximum Pool Size=100", 64, 100)]
    [InlineData("Host=db;Database=boon;MaxPoolSize=28", 16, 28)]
    public async Task The_two_pools_add_up_to_what_is_said(string connection, int busy, int size)
    {
        await using var pools = new DatabasePools("boon", connection, busy, NullLoggerFactory.Instance);
        pools.Size.ShouldBe(size);
        (SizeOf(pools.Requests) + SizeOf(pools.Background)).ShouldBe(size);
        SizeOf(pools.Background).ShouldBeGreaterThan(busy);
    }

    [Fact]
    public void More_lanes_than_connections_are_refused_with_the_number_that_is_needed()
    {
        var refused = Should.Throw<SetupException>(() =>
            new DatabasePools("boon", "Host=db;Database=boon", 70, NullLoggerFactory.Instance));
        refused.Message.ShouldContain("Maximum Pool Size=80");
    }

    private static int SizeOf(NpgsqlDataSource source) => new NpgsqlConnectionStringBuilder(source.ConnectionString).MaxPoolSize;
}
