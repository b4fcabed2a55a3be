"""The tables and views of ``history.db`` (INTERFACE section 6), as the first migration makes them.

Times are RFC 3339 text in UTC, so that text order is time order; lists and objects are JSON text; booleans 0/1.
``docs/history.md`` describes every column; a test holds the two together.
"""

from __future__ import annotations

import sqlite3

from nimwrap.history.sqlite.schema_additions import ACTORS, DRILLS

MIGRATION_SET = "nimwrap"
MIGRATIONS_TABLE = "_sqlite_migrations"

TABLES = """
create table runs (
  id text primary key,
  client text not null,
  master text not null,
  kind text not null default 'mksysb',
  schedule text,
  slot text,
  outcome text not null,
  phase text,
  failure_code text,
  failure_message text,
  failure_fix text,
  failure_evidence text,
  expected_address text,
  actual_address text,
  address_method text,
  cluster text,
  remedy text,
  image integer references images(id),
  started text not null,
  ended text,
  duration_s real,
  owner_host text not null,
  owner_pid integer not null,
  log_path text
) strict;
create index runs_by_client on runs (master, client, started);
create index runs_by_client_outcome on runs (master, client, outcome, started);
create index runs_by_start on runs (started, outcome);
create index runs_by_outcome on runs (outcome, started);
create index runs_by_failure on runs (failure_code, started) where failure_code is not null;
create index runs_by_remedy on runs (master, remedy, started)
  where remedy is not null and outcome in ('ok', 'warning');
create index runs_open on runs (master, started) where outcome = 'running';

create table attempts (
  id integer primary key,
  run text not null references runs(id),
  number integer not null,
  started text not null,
  ended text,
  returncode integer,
  failure_code text,
  remedy text,
  location text,
  resource text,
  output text,
  unique (run, number)
) strict;

create table findings (
  id integer primary key,
  run text not null references runs(id),
  "check" text not null,
  status text not null,
  message text not null,
  fix text not null default '',
  evidence text not null default '',
  failure_code text
) strict;
create index findings_by_run on findings (run);

create table images (
  id integer primary key,
  run text references runs(id),
  client text not null,
  master text not null,
  kind text not null default 'mksysb',
  resource text,
  location text not null,
  size_bytes integer not null,
  outcome text not null default 'ok',
  verified integer not null default 0,
  verified_by text not null default '[]',
  verified_at text,
  verified_full_at text,
  fault text,
  managed integer not null default 1,
  pinned integer not null default 0,
  node text,
  machine_id text,
  oslevel text,
  file_count integer,
  cksum text,
  created text not null,
  recorded text not null,
  removal text,
  removed text
) strict;
create index images_by_client on images (master, client, kind, created);
create index images_present on images (master, client, kind, created) where removed is null;
create index images_faulty on images (master, client) where fault is not null and removed is null;
create index images_by_run on images (run) where run is not null;
create unique index images_by_place on images (master, location) where removed is null;

create table export_changes (
  id integer primary key,
  run text not null references runs(id),
  master text not null,
  directory text not null,
  added text not null,
  before text,
  after text,
  state text not null,
  planned text not null,
  applied text,
  reverted text,
  note text
) strict;
create index export_changes_by_run on export_changes (run);
create index export_changes_open on export_changes (master, id) where state in ('planned', 'applied', 'foreign');

create table events (
  id integer primary key,
  run text,
  master text,
  at text not null,
  kind text not null,
  text text not null,
  data text
) strict;
create index events_by_run on events (run, id);
create index events_by_kind on events (kind, at);
create index events_by_time on events (at);

create table holds (
  id integer primary key,
  client text not null,
  master text not null,
  reason text not null,
  since text not null,
  until text,
  released text
) strict;
create unique index holds_open on holds (master, client) where released is null;

create table clients (
  master text not null,
  name text not null,
  type text not null,
  host text,
  cluster text,
  first_seen text not null,
  last_seen text not null,
  vanished text,
  primary key (master, name)
) strict, without rowid;

create table inventories (
  master text primary key,
  taken text,
  tried text not null,
  error text
) strict;

create table slots (
  id integer primary key,
  schedule text not null,
  slot text not null,
  client text not null,
  master text not null default '',
  state text not null,
  run text,
  reason text,
  owner text,
  claimed text not null,
  unique (schedule, slot, master, client)
) strict;
create index slots_by_state on slots (state, slot);
create index slots_by_time on slots (slot);
create index slots_by_run on slots (run) where run is not null;
"""

VIEWS = """
create view last_good as
  select i.master, i.client, i.kind, i.id as image, i.run, i.resource, i.location, i.size_bytes, i.outcome,
         i.created, i.verified_by, i.managed
  from (select distinct master, client, kind from images where removed is null) k
  join images i on i.id = (
    select g.id from images g
    where g.master = k.master and g.client = k.client and g.kind = k.kind
      and g.removed is null and g.removal is null and g.verified = 1 and g.fault is null
    order by g.created desc, g.id desc limit 1);

create view fleet_status as
  select c.master, c.name as client, c.type, c.cluster, c.vanished,
         g.created as last_good, g.id as last_good_image, g.run as last_good_run, g.resource, g.location, g.size_bytes,
         g.outcome as last_good_outcome,
         r.id as last_run, r.outcome as last_outcome, r.failure_code, r.failure_message, r.failure_fix,
         r.started as last_started, r.ended as last_ended,
         h.reason as hold, h.until as hold_until
  from clients c
  left join images g on g.id = (
    select i.id from images i
    where i.master = c.master and i.client = c.name and i.kind = 'mksysb'
      and i.removed is null and i.removal is null and i.verified = 1 and i.fault is null
    order by i.created desc, i.id desc limit 1)
  left join runs r on r.rowid = (
    select l.rowid from runs l where l.master = c.master and l.client = c.name
    order by l.started desc, l.rowid desc limit 1)
  left join holds h on h.master = c.master and h.client = c.name and h.released is null;
"""

FINDING_DATA = """
alter table findings add column data text;
update findings set data =
  '{"mounted_on": "' || substr(evidence, instr(evidence, ' /') + 1, instr(evidence, ': ') - instr(evidence, ' /') - 1)
  || '", "free_bytes": ' || cast(substr(evidence, instr(evidence, ': ') + 2) as integer) || '}'
where "check" = 'space' and evidence like '% /%: % bytes free' and instr(evidence, '"') = 0;
"""
"""What ``space`` measured was text only before; its form is known, and this is the last time that it is read."""

JOB_WAYS = """
create table job_ways (
  master text not null,
  way text not null,
  lost integer not null,
  seen text not null,
  primary key (master, way)
) strict, without rowid;
"""

CHANNELS = """
create table channels (
  master text not null,
  client text not null,
  route text not null,
  calls integer not null,
  found text not null,
  primary key (master, client)
) strict, without rowid;
"""

ATTEMPT_PLAN = """
alter table attempts add column plan text;
update attempts set plan = (
  select e.data from events e
  where e.run = attempts.run and e.kind = 'plan' and instr(e.data, '"number": ' || attempts.number || ',') > 0
  order by e.id desc limit 1);
"""
"""Plans were events before, on which recovery had to come by searching."""

PARALLEL = """
create table knees (
  master text not null,
  weekday integer not null,
  hour integer not null,
  chances text not null,
  quiet real not null,
  windows real not null,
  rate_bytes_s real not null,
  updated text not null,
  primary key (master, weekday, hour)
) strict, without rowid;

create table write_rates (
  id integer primary key,
  master text not null,
  at text not null,
  seconds real not null,
  writers real not null,
  rate_bytes_s real not null,
  cap integer not null,
  wanted integer not null,
  knee real not null,
  one_more real not null,
  one_fewer real not null
) strict;
create index write_rates_by_time on write_rates (master, at);
"""
"""What was learned of how many images at once a master carries, and what it wrote while they were made."""

IMAGE_FAULT = """
alter table images add column fault_code text;
alter table images add column fault_level text;
update images set fault_code = substr(fault, 1, instr(fault, ' ') - 1), fault_level = 'quick'
where instr(fault, ' (quick): ') > 1 and instr(fault, ' (quick): ') = instr(fault, ' ');
update images set fault_code = substr(fault, 1, instr(fault, ' ') - 1), fault_level = 'full'
where instr(fault, ' (full): ') > 1 and instr(fault, ' (full): ') = instr(fault, ' ');
"""
"""Code and level of a fault stood in its text only before; this is the last time that it is read."""

IMAGE_IDENTITY = """
alter table images add column device text;
alter table images add column inode text;
alter table images add column modified text;
alter table images add column seen_at text;
alter table images add column fault_at text;
create table removal_stops (
  master text primary key,
  since text not null,
  why text not null,
  resumed text
) strict, without rowid;
"""
"""By what the file of an image is known again, and whether many of a master's were found gone or changed at once."""

WAITED = """
alter table runs add column waited_s real;
"""
"""What a run waited was part of its duration before."""

COPIES = """
create table copies (
  id integer primary key,
  image integer not null references images(id),
  master text not null,
  client text not null,
  name text not null,
  kind text not null,
  location text not null,
  size_bytes integer not null,
  checksum text,
  state text not null,
  reason text,
  begun text not null,
  made text,
  verified_at text,
  removed text,
  unique (image, name)
) strict;
create index copies_by_client on copies (master, client, name);
create index copies_present on copies (master, client, name) where removed is null;
"""
"""One row for each image and place; what was tried before the last try is in ``events``."""

EXPORTS_LEFT = """
create table exports_left (
  master text not null,
  directory text not null,
  text text not null,
  why text not null,
  cure text not null,
  open integer not null,
  seen text not null,
  primary key (master, directory, why)
) strict, without rowid;
"""
"""What a master exported without a reason when it was looked at last."""

SERIES = """
create index images_proven on images (master, client, kind, created, id, size_bytes)
  where verified = 1 and size_bytes >= 0;
create index runs_made on runs (master, client, kind, started, duration_s) where outcome in ('ok', 'warning');
"""
"""What trends and forecasts ask of every client stands in an index whole: no row is looked up for it.

The second condition holds always; who does not ask for it (the views, which want what is there) gets another index.
"""

MACHINES = """
create index images_of_machines on images (master, client, machine_id, created)
  where removed is null and verified = 1 and fault is null and machine_id is not null;
"""
"""Which machines a client was before is asked of every client, whenever anybody asks for the status."""

MIGRATIONS = {
    "m001_first": TABLES + VIEWS,
    "m002_finding_data": FINDING_DATA,
    "m003_attempt_plan": ATTEMPT_PLAN,
    "m004_channels": CHANNELS,
    "m005_parallel": PARALLEL,
    "m006_image_fault": IMAGE_FAULT,
    "m007_job_ways": JOB_WAYS,
    "m008_image_identity": IMAGE_IDENTITY,
    "m009_waited": WAITED,
    "m010_copies": COPIES,
    "m011_exports_left": EXPORTS_LEFT,
    "m012_series": SERIES,
    "m013_machines": MACHINES,
    "m014_actors": ACTORS,
    "m015_drills": DRILLS,
}
"""Every change of the schema in order. An old one is never edited once a release has shipped it."""


def statements(sql: str) -> list[str]:
    """The single statements of ``sql``; ``strict`` is left out where SQLite is older than 3.37."""
    if sqlite3.sqlite_version_info < (3, 37):
        sql = sql.replace(") strict, without rowid;", ") without rowid;").replace(") strict;", ");")
    return [part.strip() for part in sql.split(";\n") if part.strip()]
