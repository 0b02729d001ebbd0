using System.Globalization;
using Boon.Platform.Data;
using Boon.Support;
using Npgsql;

namespace Boon.Scenarios;

/// <summary>How Boon writes SQL: a C# value is a parameter of its type, also when it is null.</summary>
public sealed class SqlTests : IAsyncLifetime
{
    private static readonly DateTime Noon = new(2026, 3, 28, 12, 0, 0, DateTimeKind.Utc);
    private static readonly CancellationToken Never = CancellationToken.None;
    private NpgsqlDataSource source = null!;
    private string database = null!;

    public async ValueTask InitializeAsync() => source = NpgsqlDataSource.Create(database = await TestServer.CreateDatabaseAsync());

    public async ValueTask DisposeAsync()
    {
        await source.DisposeAsync();
        await TestServer.DropDatabaseAsync(database);
    }

    private async Task<(string Type, bool IsNull)> Seen(SqlValue value) =>
        (await source.Command("select pg_typeof($1)::text, $1 is null", value)
            .ReadAllAsync(row => (row.GetString(0), row.GetBoolean(1)), Never))[0];

    [Fact]
    public async Task A_null_has_the_type_of_the_expression()
    {
        foreach (var (value, type) in new (SqlValue, string)[]
        {
            ((Guid?)null, "uuid"), ((string?)null, "text"), ((int?)null, "integer"), ((long?)null, "bigint"),
            ((DateTime?)null, "timestamp with time zone"), ((DateTimeOffset?)null, "timestamp with time zone"), ((byte[]?)null, "bytea"),
        })
            (await Seen(value)).ShouldBe((type, true));
    }

    [Fact]
    public async Task A_value_has_the_type_of_the_expression()
    {
        foreach (var (value, type) in new (SqlValue, string)[]
        {
            (Guid.CreateVersion7(), "uuid"), ("a", "text"), (1, "integer"), (1L, "bigint"), (true, "boolean"),
            (TimeSpan.FromSeconds(1), "interval"),
            (Noon, "timestamp with time zone"), (new DateTimeOffset(Noon), "timestamp with time zone"), (new byte[] { 1 }, "bytea"),
            (new[] { "a", null }, "text[]"), (new[] { 1 }, "integer[]"), (new[] { Guid.Empty }, "uuid[]"),
            (new List<Guid> { Guid.Empty }, "uuid[]"),
            (SqlValue.Of((short)1), "smallint"), (SqlValue.Of(1.5m), "numeric"),
        })
            (await Seen(value)).ShouldBe((type, false));
    }

    [Fact]
    public async Task Columns_of_rows_become_rows_again_nulls_included()
    {
        (int Number, string? Text, DateTime? At, Guid? Id, long? Count)[] rows =
            [(1, "one", Noon, Guid.AllBitsSet, 7), (2, null, null, null, null), (3, "three", null, Guid.Empty, null)];
        var back = await source.Command(
            "select * from unnest($1, $2, $3, $4, $5) k (number, text, at, id, count) order by number",
            rows.Column(row => row.Number), rows.Column(row => row.Text), rows.Column(row => row.At), rows.Column(row => row.Id),
            rows.Column(row => row.Count))
            .ReadAllAsync(row => (
                row.GetInt32(0), row.GetNullable<string>(1), row.GetNullable<DateTime>(2), row.GetNullable<Guid>(3),
                    row.GetNullable<long>(4)), Never);
        back.ShouldBe(rows);
        foreach (var (column, type) in new (SqlValue, string)[]
        {
            (rows[1..2].Column(row => row.Text), "text[]"), (rows[1..2].Column(row => row.At), "timestamp with time zone[]"),
            (rows[1..2].Column(row => row.Id), "uuid[]"), (Array.Empty<int>().Column(row => (long?)row), "bigint[]"),
        })
            (await Seen(column)).Type.ShouldBe(type);
    }

    [Fact]
    public async Task A_scalar_that_is_not_there_is_null_or_an_error_as_its_type_says()
    {
        (await source.Command("select 1::bigint where false").ScalarAsync<long?>(Never)).ShouldBeNull();
        (await source.Command("select null::text").ScalarAsync<string?>(Never)).ShouldBeNull();
        (await source.Command("select 5::bigint").ScalarAsync<long?>(Never)).ShouldBe(5);
        await Should.ThrowAsync<InvalidOperationException>(source.Command("select 1::bigint where false").ScalarAsync<long>(Never));
    }

    [Fact]
    public async Task What_runs_a_command_gives_its_connection_back()
    {
        await using var one = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(database) { MaxPoolSize = 1, Timeout = 5 });
        for (var i = 0; i < 3; i++)
        {
            (await one.Command("select $1", i).ScalarAsync<int>(Never)).ShouldBe(i);
            (await one.Command("select g from generate_series(1, $1) g", i).ReadAllAsync(row => row.GetInt32(0), Never)).Count.ShouldBe(i);
            (await one.Command("select $1", i.ToString(CultureInfo.InvariantCulture)).ReadFirstAsync(row => row.GetString(0), Never))
                .ShouldNotBeNull();
            await one.Command("select 1 / $1", 0).ExecuteAsync(Never).ShouldThrowAsync<PostgresException>();
            await one.Command("select 1").ReadEachAsync(_ => throw new TimeZoneNotFoundException(), Never)
                .ShouldThrowAsync<TimeZoneNotFoundException>();
        }
    }

    [Fact]
    public async Task A_round_trip_runs_its_statements_in_order_and_gives_each_answer_to_who_asked()
    {
        await using var connection = await source.OpenConnectionAsync();
        await connection.Command("create temp table t (id int, name text)").ExecuteAsync(Never);
        await using var transaction = await connection.BeginTransactionAsync();
        var trip = new RoundTrip(transaction);
        trip.Add("set local lock_timeout = '1s'");
        var insert = trip.Add("insert into t select * from unnest($1, $2)", new[] { 1, 2, 3 }, new[] { "a", null, "c" });
        var nameless = trip.Add("select id from t where name is not distinct from $1", (string?)null).First(row => row.GetInt32(0));
        var none = trip.Add("select id from t where id = 4").First(row => row.GetInt32(0));
        trip.Add("update t set name = 'd' where id = 3").MustTouch(1, "There is no third.");
        var seen = new List<int>();
        trip.Add("select id from t order by id desc").Each(row => seen.Add(row.GetInt32(0) * nameless.Value));
        var names = trip.Add("select name from t where id > $1 order by id", 1).All(row => row.GetNullable<string>(0));
        await trip.RunAsync(Never);
        (insert.Rows, nameless.Found, nameless.Value, none.Found, none.Value).ShouldBe((3, true, 2, false, 0));
        seen.ShouldBe([6, 4, 2]);
        names.ShouldBe([null, "d"]);
        await new RoundTrip(connection).RunAsync(Never);
    }

    [Fact]
    public async Task A_round_trip_fails_where_a_statement_touches_other_rows_than_it_must()
    {
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var trip = new RoundTrip(transaction);
        trip.Add("create temp table u (id int) on commit drop");
        trip.Add("delete from u").MustTouch(1, "It was not there.");
        (await trip.RunAsync(Never).ShouldThrowAsync<Microsoft.EntityFrameworkCore.DbUpdateConcurrencyException>()).Message
            .ShouldBe("It was not there.");
    }

    [Fact]
    public async Task A_round_trip_outside_of_a_transaction_says_nothing_of_rows_that_it_must_touch_and_does_nothing()
    {
        await using var connection = await source.OpenConnectionAsync();
        await connection.Command("create temp table v (id int)").ExecuteAsync(Never);
        var trip = new RoundTrip(connection);
        trip.Add("insert into v values (1)");
        trip.Add("delete from v where id = 2").MustTouch(1, "It was not there.");
        await trip.RunAsync(Never).ShouldThrowAsync<InvalidOperationException>();
        (await connection.Command("select count(*) from v").ScalarAsync<long>(Never)).ShouldBe(0);
    }

    [Fact]
    public async Task A_round_trip_says_when_an_answer_has_no_reader_or_a_reader_no_answer()
    {
        await using var connection = await source.OpenConnectionAsync();
        var unread = new RoundTrip(connection);
        unread.Add("select 1").First(row => row.GetInt32(0));
        unread.Add("select 2");
        await unread.RunAsync(Never).ShouldThrowAsync<InvalidOperationException>();
        var unanswered = new RoundTrip(connection);
        unanswered.Add("select 1").First(row => row.GetInt32(0));
        unanswered.Add("set lock_timeout = 0").First(row => row.GetInt32(0));
        await unanswered.RunAsync(Never).ShouldThrowAsync<InvalidOperationException>();
        (await connection.Command("select 3").ScalarAsync<int>(Never)).ShouldBe(3);
    }
}
