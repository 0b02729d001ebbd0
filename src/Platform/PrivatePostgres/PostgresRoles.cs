using Boon.Platform.Data;

namespace Boon.Platform.PrivatePostgres;

/// <summary>
/// The two roles of a private cluster. The administrator is PostgreSQL's superuser: it sets the cluster up and does nothing else. Boon
/// works as a role that owns its databases and can make more, and can reach neither the files of the server nor its programs. Both are
/// spoken to over the socket, and with SCRAM only: a server that has taken this one's place cannot ask for a password in the clear.
/// </summary>
internal sealed class PostgresRoles(string socket, int port, string password, string administratorPassword)
{
    /// <summary>The superuser.</summary>
    internal const string Administrator = "boon_admin";

    private const string Worker = "boon";
    private const string Database = "boon";
    private const string FirstDatabase = "postgres";

    /// <summary>
    /// Renames the superuser of a cluster that an earlier version made, since nobody can rename himself; dropped at the end.
    /// </summary>
    private const string Helper = "boon_setup";

    /// <summary>
    /// Gives what the superuser of an earlier version made in this database to the role that works. <c>reassign owned</c> would not do:
    /// that superuser owns the system's own things too. Sequences of a column and things of extensions follow what they belong to.
    /// </summary>
    private const string HandOver = $"""
        do $$
        declare
            thing text;
        begin
            set local lock_timeout = '10s';
            for thing in
                select format('schema %I', nspname)
                from pg_namespace
                where nspowner = '{Administrator}'::regrole and nspname !~ '^pg_' and nspname <> 'information_schema'
                union all
                select format('table %s', c.oid::regclass)
                from pg_class c
                join pg_namespace n on n.oid = c.relnamespace
                where c.relowner = '{Administrator}'::regrole and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
                  and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
                  and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                      and d.deptype in ('a', 'i', 'e') and (c.relkind = 'S' or d.deptype = 'e'))
                union all
                select format('routine %s', p.oid::regprocedure)
                from pg_proc p
                join pg_namespace n on n.oid = p.pronamespace
                where p.proowner = '{Administrator}'::regrole and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
                  and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
                union all
                select format('type %s', t.oid::regtype)
                from pg_type t
                join pg_namespace n on n.oid = t.typnamespace
                where t.typowner = '{Administrator}'::regrole and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
                  and t.typtype in ('e', 'd')
            loop
                execute format('alter %s owner to {Worker}', thing);
            end loop;
            execute format('alter database %I owner to {Worker}', current_database());
        end
        $$
        """;

    /// <summary>How Boon reaches its database.</summary>
    internal string ConnectionString => Text(Worker, password, Database, pooling: true);

    /// <summary>How the superuser reaches the cluster: for tests that must.</summary>
    internal string AdministratorConnectionString => Text(Administrator, administratorPassword, FirstDatabase, pooling: false);

    /// <summary>
    /// Makes the role and the database of Boon if they are missing, and puts the roles of an earlier version right. False: this is another
    /// server.
    /// </summary>
    internal async Task<bool> EnsureAsync(string data, Action<string> announce, CancellationToken ct)
    {
        NpgsqlConnection connection;
        try
        {
            connection = await OpenAsync(Administrator, administratorPassword, FirstDatabase, ct);
        }
        catch (PostgresException error) when (
            error.SqlState is PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification)
        {
            if (await UpgradeAsync(data, announce, ct) is not { } upgraded)
                return false;
            if (!upgraded)
                return true;
            connection = await OpenAsync(Administrator, administratorPassword, FirstDatabase, ct);
        }
        await using (connection)
        {
            if (!await IsOfAsync(connection, data, ct))
                return false;
            if (!await HasRoleAsync(connection, Worker, ct))
                await connection.Command(CreateWorker).ExecuteAsync(ct);
            if (!await HasDatabaseAsync(connection, ct))
                await connection.Command($"create database {Database} owner {Worker}").ExecuteAsync(ct);
            var ownedByAdministrator = await connection.Command($"""
                select datname
                from pg_database
                where datdba = '{Administrator}'::regrole and not datistemplate and datname <> '{FirstDatabase}'
                """)
                .ReadAllAsync(row => row.GetString(0), ct);
            foreach (var left in ownedByAdministrator)
            {
                await using var other = await OpenAsync(Administrator, administratorPassword, left, ct);
                await other.Command(HandOver).ExecuteAsync(ct);
            }
            await connection.Command($"drop role if exists {Helper}").ExecuteAsync(ct);
            return true;
        }
    }

    private string CreateWorker => $"create role {Worker} login createdb password {Literal(password)}";

    /// <summary>
    /// An earlier version worked as the superuser. That role gets another name, and its old name and password a role that is no superuser:
    /// processes of that version that still run, go on. Null: this is another server. False: others hold what would change hands, so it
    /// stays as it is until the next start.
    /// </summary>
    private async Task<bool?> UpgradeAsync(string data, Action<string> announce, CancellationToken ct)
    {
        string home;
        await using (var old = await OpenAsync(Worker, password, FirstDatabase, ct))
        {
            if (!await IsOfAsync(old, data, ct))
                return null;
            home = await HasDatabaseAsync(old, ct) ? Database : FirstDatabase;
            var verb = await HasRoleAsync(old, Helper, ct) ? "alter" : "create";
            await old.Command($"{verb} role {Helper} superuser login password {Literal(administratorPassword)}").ExecuteAsync(ct);
        }
        await using var helper = await OpenAsync(Helper, administratorPassword, home, ct);
        await using var transaction = await helper.BeginTransactionAsync(ct);
        try
        {
            await helper.Command($"alter role {Worker} rename to {Administrator}").ExecuteAsync(ct);
            await helper.Command($"alter role {Administrator} password {Literal(administratorPassword)}").ExecuteAsync(ct);
            await helper.Command(CreateWorker).ExecuteAsync(ct);
            if (home == Database)
                await helper.Command(HandOver).ExecuteAsync(ct);
            await transaction.CommitAsync(ct);
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
        {
            announce("The private PostgreSQL is busy: Boon goes on as its superuser, and corrects that at the next start.");
            return false;
        }
        announce("Boon works as a role of its own in the private PostgreSQL from now on, not as its superuser.");
        return true;
    }

    private static async Task<bool> IsOfAsync(NpgsqlConnection connection, string data, CancellationToken ct) =>
        await connection.Command("select setting from pg_settings where name = 'data_directory'").ScalarAsync<string?>(ct) is { } found
        && Path.GetFullPath(found) == Path.GetFullPath(data);

    private static Task<bool> HasRoleAsync(NpgsqlConnection connection, string role, CancellationToken ct) =>
        connection.Command("select exists (select from pg_roles where rolname = $1)", role).ScalarAsync<bool>(ct);

    private static Task<bool> HasDatabaseAsync(NpgsqlConnection connection, CancellationToken ct) =>
        connection.Command("select exists (select from pg_database where datname = $1)", Database).ScalarAsync<bool>(ct);

    private async Task<NpgsqlConnection> OpenAsync(string role, string secret, string database, CancellationToken ct)
    {
        // A source of its own: metrics would call a connection of none after its connection string.
        await using var source = new NpgsqlDataSourceBuilder(Text(role, secret, database, pooling: false)) { Name = role }.Build();
        return await source.OpenConnectionAsync(ct);
    }

    private string Text(string role, string secret, string database, bool pooling) => new NpgsqlConnectionStringBuilder
    {
        Host = socket,
        Port = port,
        Username = role,
        Password = secret,
        Database = database,
        RequireAuth = "ScramSHA256",
        Pooling = pooling,
    }.ConnectionString;

    /// <summary>Statements that make roles take no parameters.</summary>
    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
}
