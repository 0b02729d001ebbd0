namespace Boon.Platform.Log;

/// <summary>
/// The tables of a copy of another database's log, <c>copy_{source}</c>: what a reader of a log reads, and how far it was received. It has
/// no sequencer and no writer but the receiver; the position of an event is its sequence.
/// </summary>
internal static class CopySchema
{
    /// <summary>The statements that create it.</summary>
    /// <remarks>
    /// <c>received</c> is one row: the id of the broker's stream and the place in it up to which everything was dealt with; the last head
    /// of the source that was heard of; when the copy was last known to hold all of it; the id of a log that is another one and waits to be
    /// accepted; and what is wrong.
    /// </remarks>
    internal static string Create(string schema) => $"""
        create schema {schema};
        create table {schema}.event_log (
            position bigint primary key,
            id uuid not null,
            aggregatetype text not null,
            aggregateid text not null,
            type text not null,
            payload json not null,
            userid uuid,
            time timestamptz not null,
            recordedat timestamptz not null,
            traceparent text,
            causationid uuid,
            by text,
            reason text
        );
        create index event_log_userid on {schema}.event_log (userid, position) where userid is not null;
        create index event_log_type on {schema}.event_log (type collate "C", position);

        create view {schema}.event_order as
        select position as sequence, position, recordedat
        from {schema}.event_log;

        create table {schema}.log_head (
            only_row boolean primary key default true check (only_row),
            last bigint not null default 0,
            recordedat timestamptz not null default 'epoch',
            logid uuid
        );
        insert into {schema}.log_head default values;

        create table {schema}.received (
            only_row boolean primary key default true check (only_row),
            stream uuid,
            stream_offset bigint not null default -1,
            source_head bigint not null default 0,
            current_at timestamptz,
            offered_logid uuid,
            trouble text
        );
        insert into {schema}.received default values;
        """;
}
