using Boon.Platform.Data;

namespace Boon.Platform.Log;

/// <summary>
/// The tables that every module's schema has for its log, its subscriptions and its idempotency keys. Part of each module's first
/// migration.
/// </summary>
public static class EventLogSchema
{
    /// <summary>
    /// Adds who caused each event; part of each module's migration <c>By</c>, after <see cref="Create"/>. Events of before have none.
    /// </summary>
    public static string AddBy(string schema) => $"alter table {schema}.event_log add column by text;";

    /// <summary>
    /// Adds what tells logs and clusters apart; part of each module's migration <c>Epochs</c>, after <see cref="Create"/>. <c>logid</c> is
    /// another one after a restore. <c>system</c> is the identifier of the cluster that the ids of transactions belong to; up to the
    /// position <c>floor</c> they belong to another one. A checkpoint keeps the log's id and the last event that was read.
    /// </summary>
    public static string AddEpochs(string schema) => $"""
        alter table {schema}.log_head
            add column logid uuid not null default gen_random_uuid(),
            add column system text,
            add column floor bigint not null default 0;
        alter table {schema}.checkpoints
            add column logid uuid,
            add column read_sequence bigint,
            add column read_event uuid;
        """;

    /// <summary>
    /// The index that lists a type's events newest first, made while others write. It runs outside a transaction, and starts anew what was
    /// broken off; part of each module's migration <c>EventTypes</c>. Names of types are compared byte by byte, so that all versions of one
    /// stand together.
    /// </summary>
    public static string[] AddTypeIndex(string schema) =>
        LargeTables.Index(schema, "event_log_type", $"{schema}.event_log (type collate \"C\", position)");

    /// <summary>
    /// Adds who redrove a dead letter, and the order in which redriven ones are listed; part of each module's migration <c>RedrivenBy</c>,
    /// after <see cref="Create"/>.
    /// </summary>
    public static string AddRedrivenBy(string schema) => $"""
        alter table {schema}.dead_letters add column redriven_by text;
        create index dead_letters_redriven on {schema}.dead_letters (parked_at) where redriven_at is not null;
        """;

    /// <summary>
    /// The index by which redriven letters are deleted when they are old, made by each module's migration <c>LettersByAge</c> while others
    /// write.
    /// </summary>
    public const string LettersByAge = "dead_letters_redriven_at";

    /// <summary>What it is an index of.</summary>
    public static string OnLettersByAge(string schema) => $"{schema}.dead_letters (redriven_at) where redriven_at is not null";

    /// <summary>
    /// Adds the number of lanes that was asked for, kept while it changes; part of each module's migration <c>WantedLanes</c>, after
    /// <see cref="Create"/>.
    /// </summary>
    public static string AddWantedLanes(string schema) => $"alter table {schema}.checkpoints add column wanted_lanes int;";

    /// <summary>
    /// Adds why each event was caused, as whoever caused it said; part of each module's migration <c>Reason</c>, after
    /// <see cref="Create"/>.
    /// </summary>
    public static string AddReason(string schema) => $"alter table {schema}.event_log add column reason text;";

    /// <summary>
    /// The index by which the audit finds what somebody did, made by each module's migration <c>EventsByActor</c> while others write.
    /// </summary>
    public const string EventsByActor = "event_log_by";

    /// <summary>
    /// What it is an index of: what a person or a key did to anything but themselves. What members do for themselves is most of a log, and
    /// is found by their ids.
    /// </summary>
    public static string OnEventsByActor(string schema) => $"{schema}.event_log (by collate \"C\", position) where {ActedOnOthers("")}";

    /// <summary>True for a row of the log that this index has; <paramref name="row"/> is its name with a dot, or nothing.</summary>
    internal static string ActedOnOthers(string row) =>
        $"{row}by is not null and {row}by not in ('{Actor.System}', '{Actor.Anonymous}') "
            + $"and {row}by is distinct from '{Role.Member}:' || {row}userid::text";

    /// <summary>The statements that create them in <paramref name="schema"/>.</summary>
    /// <remarks>
    /// <c>event_log</c> follows the column names of Debezium's outbox event router and is only ever inserted into (erasing a user's
    /// personal data is the one exception). <c>txid</c> lets the sequencer find what became visible since its last pass.
    /// <c>event_order</c> gives each committed event its dense sequence. <c>log_head</c> is one row: the last sequence given and the
    /// snapshot up to which everything has its number.
    /// </remarks>
    public static string Create(string schema) => $"""
        create table {schema}.event_log (
            position bigint generated always as identity primary key,
            txid xid8 not null default pg_current_xact_id(),
            id uuid not null,
            aggregatetype text not null,
            aggregateid text not null,
            type text not null,
            payload json not null,
            userid uuid,
            time timestamptz not null default now(),
            traceparent text,
            causationid uuid
        );
        create index event_log_txid on {schema}.event_log (txid);
        create index event_log_userid on {schema}.event_log (userid, position) where userid is not null;

        create table {schema}.event_order (
            sequence bigint primary key,
            position bigint not null unique,
            recordedat timestamptz not null
        );

        create table {schema}.log_head (
            only_row boolean primary key default true check (only_row),
            last bigint not null,
            recordedat timestamptz not null,
            settled pg_snapshot not null
        );
        insert into {schema}.log_head (last, recordedat, settled) values (0, 'epoch', '1:1:');

        create table {schema}.checkpoints (
            subscription text not null,
            lane int not null,
            source text not null,
            lanes int not null check (lane >= 0 and lane < lanes),
            sequence bigint not null default 0,
            hold_at bigint,
            updated_at timestamptz not null default now(),
            primary key (subscription, lane, source)
        ) with (fillfactor = 50);

        create table {schema}.dead_letters (
            id uuid primary key,
            subscription text not null,
            source text not null,
            sequence bigint not null,
            event_id uuid not null,
            event_type text not null,
            error text not null,
            attempts int not null,
            parked_at timestamptz not null default now(),
            redriven_at timestamptz,
            unique (subscription, source, sequence)
        );
        create index dead_letters_open on {schema}.dead_letters (parked_at) where redriven_at is null;

        create table {schema}.idempotency_keys (
            caller text not null,
            route text not null,
            key text not null,
            body_hash bytea not null,
            status int,
            content_type text,
            location text,
            body bytea,
            created_at timestamptz not null default now(),
            primary key (caller, route, key)
        );
        create index idempotency_keys_created on {schema}.idempotency_keys (created_at);
        """;
}
