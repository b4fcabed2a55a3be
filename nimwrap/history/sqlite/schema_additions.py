"""What later issues added to the tables: the SQL of migrations, which :mod:`schema` puts in order."""

from __future__ import annotations

ACTORS = """
alter table runs add column actor text;
alter table events add column actor text;
alter table events add column control_host text;
alter table events add column act text;
alter table events add column subject text;
alter table events add column hash text;
create index events_acts on events (at) where act is not null;
create index export_changes_by_time on export_changes (planned);
create table event_chain (
  id integer primary key check (id = 1),
  start integer not null,
  last integer not null,
  hash text not null
) strict;
insert into event_chain (id, start, last, hash) select 1, coalesce(max(id), 0), coalesce(max(id), 0), '' from events;
"""
"""Who asked for it; and the events after ``start`` as a chain, of which ``event_chain`` has the end."""

DRILLS = """
create table drills (
  id integer primary key,
  image integer not null references images(id),
  master text not null,
  client text not null,
  level text not null,
  sandbox text,
  outcome text not null,
  reason text,
  evidence text not null,
  begun text not null,
  ended text,
  took_s real,
  cleared text
) strict;
create index drills_by_client on drills (master, client, begun);
create index drills_left on drills (master) where cleared is null;
"""
"""Restores that were tried, one row for each."""
