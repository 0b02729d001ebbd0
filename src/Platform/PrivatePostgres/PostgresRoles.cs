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
            if (!await IsThereAsync(connection, $"pg_roles where rolname = '{Worker}'", ct))
                await ExecuteAsync(connection, CreateWorker, ct);
            if (!await IsThereAsync(connection, $"pg_database where datname = '{Database}'", ct))
                await ExecuteAsync(connection, $"create database {Database} owner {Worker}", ct);
            foreach (var left in await NamesAsync(connection, $"select datname from pg_database where datdba = '{Administrator}'::regrole "
                + $"and not datistemplate and datname <> '{FirstDatabase}'", ct))
            {
                await using var other = await OpenAsync(Administrator, administratorPassword, left, ct);
                await ExecuteAsync(other, HandOver, ct);
            }
            await ExecuteAsync(connection, $"drop role if exists {Helper}", ct);
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
            home = await IsThereAsync(old, $"pg_database where datname = '{Database}'", ct) ? Database : FirstDatabase;
            var verb = await IsThereAsync(old, $"pg_roles where rolname = '{Helper}'", ct) ? "alter" : "create";
            await ExecuteAsync(old, $"{verb} role {Helper} superuser login password {Literal(administratorPassword)}", ct);
        }
        await using var helper = await OpenAsync(Helper, administratorPassword, home, ct);
        await using var transaction = await helper.BeginTransactionAsync(ct);
        try
        {
            await ExecuteAsync(helper, $"alter role {Worker} rename to {Administrator}", ct);
            await ExecuteAsync(helper, $"alter role {Administrator} password {Literal(administratorPassword)}", ct);
            await ExecuteAsync(helper, CreateWorker, ct);
            if (home == Database)
                await ExecuteAsync(helper, HandOver, ct);
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

    private static async Task<bool> IsOfAsync(NpgsqlConnection connection, string data, CancellationToken ct)
    {
        await using var where = new NpgsqlCommand("select setting from pg_settings where name = 'data_directory'", connection);
        return await where.ExecuteScalarAsync(ct) is string found && Path.GetFullPath(found) == Path.GetFullPath(data);
    }

    private static async Task<bool> IsThereAsync(NpgsqlConnection connection, string what, CancellationToken ct)
    {
        await using var exists = new NpgsqlCommand($"select exists (select from {what})", connection);
        return await exists.ExecuteScalarAsync(ct) is true;
    }

    private static async Task<List<string>> NamesAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        var names = new List<string>();
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(ct);
        while (await reader.ReadAsync(ct))
            names.Add(reader.GetString(0));
        return names;
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken ct)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(ct);
    }

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
