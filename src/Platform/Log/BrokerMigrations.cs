using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// Makes what a log needs that is read over a broker, each once: the table <c>shipped</c> of each module here, and the copies that this
/// process's databases have of other logs.
/// </summary>
internal sealed class BrokerMigrations(LogPlaces places, IEnumerable<HostedModule> modules) : ModuleMigrations
{
    private const string Lock = "select pg_advisory_xact_lock(hashtextextended('boon:broker-tables', 0))";

    /// <summary>A table or schema that is to be made.</summary>
    private sealed record Part(string Name, ModuleDatabase Database, string Schema, string Table, string Create);

    /// <inheritdoc/>
    public override string Module => "broker";

    private IEnumerable<Part> Parts => !places.HasBroker ? [] :
    [
        .. modules.Select(module => new Part($"shipped of {module.Name}", module.Database, module.Name, "shipped", Shipped(module.Name))),
        .. places.Copies.Select(copy =>
            new Part($"copy of {copy.Source}", copy.Database, copy.Schema, "received", CopySchema.Create(copy.Schema))),
    ];

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<string>> PendingAsync(CancellationToken ct)
    {
        var pending = new List<string>();
        foreach (var part in Parts)
        {
            await using var connection = await part.Database.Background.OpenConnectionAsync(ct);
            if (!await IsThereAsync(connection, part, ct))
                pending.Add(part.Name);
        }
        return pending;
    }

    /// <inheritdoc/>
    public override async Task<IReadOnlyList<string>> ApplyAsync(CancellationToken ct)
    {
        var made = new List<string>();
        foreach (var part in Parts)
        {
            await using var connection = await part.Database.Background.OpenConnectionAsync(ct);
            if (await IsThereAsync(connection, part, ct))
                continue;
            await using var transaction = await connection.BeginTransactionAsync(ct);
            await connection.Command(Lock).ExecuteAsync(ct);
            if (await IsThereAsync(connection, part, ct))
                continue;
            await connection.Command(part.Create).ExecuteAsync(ct);
            await transaction.CommitAsync(ct);
            made.Add(part.Name);
        }
        return made;
    }

    /// <summary>The last sequence of a module's log that is on the broker for certain.</summary>
    internal static string Shipped(string schema) => $"""
        create table {schema}.shipped (
            only_row boolean primary key default true check (only_row),
            sequence bigint not null default 0
        );
        insert into {schema}.shipped default values;
        """;

    /// <summary>
    /// Read from the catalogue's tables. <c>to_regclass</c> answers from the session's memory, which is older than the wait
    /// for the lock.
    /// </summary>
    private static Task<bool> IsThereAsync(NpgsqlConnection connection, Part part, CancellationToken ct) => connection.Command(
        "select exists (select from pg_tables where schemaname = $1 and tablename = $2)", part.Schema, part.Table).ScalarAsync<bool>(ct);
}
