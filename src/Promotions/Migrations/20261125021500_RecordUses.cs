using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Promotions.Migrations
{
    /// <inheritdoc />
    public partial class RecordUses : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("""
                -- Standing uses of each campaign's vouchers: a total, and the changes that are not in it yet. The database records them, whoever makes them.
                create table promotions.campaign_uses (
                    campaign_id uuid primary key,
                    uses bigint not null
                );
                create table promotions.use_changes (
                    place bigint generated always as identity primary key,
                    campaign_id uuid not null,
                    uses bigint not null
                );
                create index use_changes_campaign on promotions.use_changes (campaign_id);

                create function promotions.record_uses() returns trigger language plpgsql as $$
                begin
                    insert into promotions.use_changes (campaign_id, uses)
                    values (new.campaign_id, new.uses - case when tg_op = 'UPDATE' then old.uses else 0 end);
                    return null;
                end $$;
                create trigger uses_changed after update of uses on promotions.codes for each row
                    when (new.campaign_id is not null and new.uses <> old.uses) execute function promotions.record_uses();
                create trigger uses_made after insert on promotions.codes for each row
                    when (new.campaign_id is not null and new.uses <> 0) execute function promotions.record_uses();
                """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
