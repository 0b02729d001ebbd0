using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Boon.Quests.Migrations
{
    /// <inheritdoc />
    public partial class RecordSteps : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder) =>
            migrationBuilder.Sql("""
                -- Users at each step of each quest, and in all: totals, and the changes that are not in them yet. The database records them, whoever makes them.
                create table quests.steps (
                    quest_id uuid not null,
                    completions int not null,
                    streak int not null,
                    users bigint not null,
                    primary key (quest_id, completions, streak)
                );
                create index steps_empty on quests.steps (quest_id) where users = 0;
                create table quests.totals (
                    quest_id uuid primary key,
                    users bigint not null,
                    completions bigint not null
                );
                create table quests.step_changes (
                    place bigint generated always as identity primary key,
                    quest_id uuid not null,
                    completions int not null,
                    streak int not null,
                    users bigint not null
                );
                create index step_changes_quest on quests.step_changes (quest_id);

                create function quests.record_steps() returns trigger language plpgsql as $$
                begin
                    if tg_op = 'INSERT' then
                        insert into quests.step_changes (quest_id, completions, streak, users)
                        select quest_id, completions, streak, count(*) from new_rows group by quest_id, completions, streak;
                    elsif tg_op = 'DELETE' then
                        insert into quests.step_changes (quest_id, completions, streak, users)
                        select quest_id, completions, streak, -count(*) from old_rows group by quest_id, completions, streak;
                    else
                        insert into quests.step_changes (quest_id, completions, streak, users)
                        select quest_id, completions, streak, sum(users) from (
                            select quest_id, completions, streak, 1 as users from new_rows
                            union all
                            select quest_id, completions, streak, -1 from old_rows) c
                        group by quest_id, completions, streak having sum(users) <> 0;
                    end if;
                    return null;
                end $$;
                create trigger progress_made after insert on quests.progress
                    referencing new table as new_rows for each statement execute function quests.record_steps();
                create trigger progress_moved after update on quests.progress
                    referencing old table as old_rows new table as new_rows for each statement execute function quests.record_steps();
                create trigger progress_gone after delete on quests.progress
                    referencing old table as old_rows for each statement execute function quests.record_steps();

                -- For a user's events in their order. Nobody writes here but the subscription, which waits.
                create index received_user on quests.received (user_id, position) include (quest_id);
                """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder) =>
            throw new System.NotSupportedException("Boon goes forward only: restore a backup instead.");
    }
}
