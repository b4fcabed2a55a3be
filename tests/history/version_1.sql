BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'nimwrap','m001_first','2026-11-28 14:37:26.611393+00:00');
CREATE TABLE attempts (
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
INSERT INTO "attempts" VALUES(1,'20261122T141000-aix01-mksy',1,'2026-11-22T14:11:00+00:00','2026-11-22T14:15:00+00:00',0,NULL,NULL,'/export/nim/mksysb/aix01/aix01_mksysb_1.mksysb','aix01_mksysb','0512-038 mksysb: Backup Completed Successfully.');
INSERT INTO "attempts" VALUES(2,'20261122T142000-aix01-save',1,'2026-11-22T14:21:00+00:00','2026-11-22T14:25:00+00:00',0,NULL,NULL,'/export/nim/mksysb/aix01/aix01_savevg_1.savevg','aix01_savevg','0512-038 mksysb: Backup Completed Successfully.');
INSERT INTO "attempts" VALUES(3,'20261122T143000-vios1-ios',1,'2026-11-22T14:31:00+00:00','2026-11-22T14:35:00+00:00',0,NULL,NULL,'/export/nim/mksysb/vios1/vios1_ios_backup_1.ios_backup','vios1_ios_backup','0512-038 mksysb: Backup Completed Successfully.');
INSERT INTO "attempts" VALUES(4,'20261122T144000-master-nim',1,'2026-11-22T14:41:00+00:00','2026-11-22T14:45:00+00:00',0,NULL,NULL,'/export/nim/mksysb/master/master_nim_db_1.nim_db','master_nim_db','0512-038 mksysb: Backup Completed Successfully.');
INSERT INTO "attempts" VALUES(5,'20261122T145000-master-mast',1,'2026-11-22T14:51:00+00:00','2026-11-22T14:55:00+00:00',0,NULL,NULL,'/export/nim/mksysb/master/master_master_mksysb_1.master_mksysb','master_master_mksysb','0512-038 mksysb: Backup Completed Successfully.');
INSERT INTO "attempts" VALUES(6,'20261122T150000-powerha1-warn',1,'2026-11-22T15:01:00+00:00','2026-11-22T15:02:00+00:00',1,'export_denied','pre-export','/export/nim/mksysb/powerha1/powerha1_mksysb_1.mksysb','powerha1_mksysb','0512-003');
INSERT INTO "attempts" VALUES(7,'20261122T150000-powerha1-warn',2,'2026-11-22T15:03:00+00:00','2026-11-22T15:10:00+00:00',0,NULL,'own-mount','/export/nim/mksysb/powerha1/powerha1_mksysb_2.mksysb','powerha1_mksysb','0512-038 mksysb: Backup Completed Successfully.');
INSERT INTO "attempts" VALUES(8,'20261122T153000-powerha2-fail',1,'2026-11-22T15:31:00+00:00','2026-11-22T15:35:00+00:00',1,'stalled','own-mount','/export/nim/mksysb/powerha2/powerha2_mksysb_1.mksysb','powerha2_mksysb','0512-003');
INSERT INTO "attempts" VALUES(9,'20261122T154000-aix01-open',1,'2026-11-22T15:41:00+00:00','2026-11-22T15:43:00+00:00',1,'timed_out','own-mount','/export/nim/mksysb/aix01/aix01_mksysb_1.mksysb','aix01_mksysb','0512-003');
INSERT INTO "attempts" VALUES(10,'20261122T164000-aix02-open',1,'2026-11-22T16:41:00+00:00',NULL,NULL,NULL,'own-mount','/export/nim/mksysb/aix02/aix02_mksysb_1.mksysb','aix02_mksysb',NULL);
CREATE TABLE clients (
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
INSERT INTO "clients" VALUES('nim','aix01','standalone','aix01',NULL,'2026-11-21T14:00:00+00:00','2026-11-22T13:00:00+00:00',NULL);
INSERT INTO "clients" VALUES('nim','aix02','standalone','aix02',NULL,'2026-11-21T14:00:00+00:00','2026-11-22T13:00:00+00:00',NULL);
INSERT INTO "clients" VALUES('nim','aix03','standalone','aix03',NULL,'2026-11-21T14:00:00+00:00','2026-11-22T13:00:00+00:00',NULL);
INSERT INTO "clients" VALUES('nim','aix04','standalone','aix04',NULL,'2026-11-21T14:00:00+00:00','2026-11-22T13:00:00+00:00',NULL);
INSERT INTO "clients" VALUES('nim','gone01','standalone','gone01',NULL,'2026-11-21T14:00:00+00:00','2026-11-21T14:00:00+00:00','2026-11-22T13:00:00+00:00');
INSERT INTO "clients" VALUES('nim','powerha1','standalone','powerha1','powerha','2026-11-21T14:00:00+00:00','2026-11-22T13:00:00+00:00',NULL);
INSERT INTO "clients" VALUES('nim','powerha2','standalone','powerha2',NULL,'2026-11-21T14:00:00+00:00','2026-11-22T13:00:00+00:00',NULL);
INSERT INTO "clients" VALUES('nim','vios1','vios','vios1',NULL,'2026-11-21T14:00:00+00:00','2026-11-22T13:00:00+00:00',NULL);
CREATE TABLE events (
  id integer primary key,
  run text,
  master text,
  at text not null,
  kind text not null,
  text text not null,
  data text
) strict;
INSERT INTO "events" VALUES(1,'20261122T141000-aix01-mksy','nim','2026-11-22T14:11:00+00:00','plan','attempt 1: nim','{"added": [], "after": null, "before": null, "change": null, "channel": "c_rsh", "client": "aix01", "client_host": "aix01", "env": {}, "exported": null, "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "mksysb", "location": "/export/nim/mksysb/aix01/aix01_mksysb_1.mksysb", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "nim", "node": null, "number": 1, "resource": "aix01_mksysb", "run": "20261122T141000-aix01-mksy", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/aix01/aix01_mksysb_1.mksysb", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(2,'20261122T142000-aix01-save','nim','2026-11-22T14:21:00+00:00','plan','attempt 1: nim','{"added": [], "after": null, "before": null, "change": null, "channel": "c_rsh", "client": "aix01", "client_host": "aix01", "env": {}, "exported": null, "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "savevg", "location": "/export/nim/mksysb/aix01/aix01_savevg_1.savevg", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "nim", "node": null, "number": 1, "resource": "aix01_savevg", "run": "20261122T142000-aix01-save", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/aix01/aix01_savevg_1.savevg", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(3,'20261122T143000-vios1-ios','nim','2026-11-22T14:31:00+00:00','plan','attempt 1: nim','{"added": [], "after": null, "before": null, "change": null, "channel": "c_rsh", "client": "vios1", "client_host": "vios1", "env": {}, "exported": null, "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "ios_backup", "location": "/export/nim/mksysb/vios1/vios1_ios_backup_1.ios_backup", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "nim", "node": null, "number": 1, "resource": "vios1_ios_backup", "run": "20261122T143000-vios1-ios", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/vios1/vios1_ios_backup_1.ios_backup", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(4,'20261122T144000-master-nim','nim','2026-11-22T14:41:00+00:00','plan','attempt 1: nim','{"added": [], "after": null, "before": null, "change": null, "channel": "c_rsh", "client": "master", "client_host": "master", "env": {}, "exported": null, "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "nim_db", "location": "/export/nim/mksysb/master/master_nim_db_1.nim_db", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "nim", "node": null, "number": 1, "resource": "master_nim_db", "run": "20261122T144000-master-nim", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/master/master_nim_db_1.nim_db", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(5,'20261122T145000-master-mast','nim','2026-11-22T14:51:00+00:00','plan','attempt 1: nim','{"added": [], "after": null, "before": null, "change": null, "channel": "c_rsh", "client": "master", "client_host": "master", "env": {}, "exported": null, "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "master_mksysb", "location": "/export/nim/mksysb/master/master_master_mksysb_1.master_mksysb", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "nim", "node": null, "number": 1, "resource": "master_master_mksysb", "run": "20261122T145000-master-mast", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/master/master_master_mksysb_1.master_mksysb", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(6,'20261122T150000-powerha1-warn','nim','2026-11-22T15:01:00+00:00','plan','attempt 1: pre-export','{"added": ["10.20.0.52"], "after": "rw,access=powerha1:10.20.0.52", "before": "rw,access=powerha1", "change": 1, "channel": "c_rsh", "client": "powerha1", "client_host": "powerha1", "env": {}, "exported": "/export/nim/mksysb/powerha1", "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "mksysb", "location": "/export/nim/mksysb/powerha1/powerha1_mksysb_1.mksysb", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "pre-export", "node": null, "number": 1, "resource": "powerha1_mksysb", "run": "20261122T150000-powerha1-warn", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/powerha1/powerha1_mksysb_1.mksysb", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(7,'20261122T150000-powerha1-warn','nim','2026-11-22T15:03:00+00:00','plan','attempt 2: own-mount','{"added": ["10.20.0.52", "powerha1"], "after": null, "before": null, "change": 2, "channel": "c_rsh", "client": "powerha1", "client_host": "powerha1", "env": {}, "exported": "/export/nim/mksysb/.nimwrap/x", "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "mksysb", "location": "/export/nim/mksysb/powerha1/powerha1_mksysb_2.mksysb", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "own-mount", "node": null, "number": 2, "resource": "powerha1_mksysb", "run": "20261122T150000-powerha1-warn", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/.nimwrap/x/powerha1.mksysb", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(8,'20261122T153000-powerha2-fail','nim','2026-11-22T15:31:00+00:00','plan','attempt 1: own-mount','{"added": ["10.20.0.53"], "after": null, "before": null, "change": 3, "channel": "c_rsh", "client": "powerha2", "client_host": "powerha2", "env": {}, "exported": "/export/nim/mksysb/.nimwrap/y", "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "mksysb", "location": "/export/nim/mksysb/powerha2/powerha2_mksysb_1.mksysb", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "own-mount", "node": null, "number": 1, "resource": "powerha2_mksysb", "run": "20261122T153000-powerha2-fail", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/.nimwrap/y/powerha2.mksysb", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(9,'20261122T154000-aix01-open','nim','2026-11-22T15:41:00+00:00','plan','attempt 1: own-mount','{"added": ["10.20.0.61"], "after": null, "before": null, "change": 4, "channel": "c_rsh", "client": "aix01", "client_host": "aix01", "env": {}, "exported": "/export/nim/mksysb/.nimwrap/w", "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "mksysb", "location": "/export/nim/mksysb/aix01/aix01_mksysb_1.mksysb", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "own-mount", "node": null, "number": 1, "resource": "aix01_mksysb", "run": "20261122T154000-aix01-open", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/.nimwrap/w/aix01.mksysb", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(10,'20261122T164000-aix02-open','nim','2026-11-22T16:41:00+00:00','plan','attempt 1: own-mount','{"added": ["10.20.0.62"], "after": null, "before": null, "change": 5, "channel": "c_rsh", "client": "aix02", "client_host": "aix02", "env": {}, "exported": "/export/nim/mksysb/.nimwrap/z", "flags": "ei", "force": false, "had_allocations": [], "had_cstate": null, "had_exports": [], "had_mounts": null, "kind": "mksysb", "location": "/export/nim/mksysb/aix02/aix02_mksysb_1.mksysb", "machine_id": null, "master": "nim", "master_name": "nim", "max_parallel": 4, "method": "own-mount", "node": null, "number": 1, "resource": "aix02_mksysb", "run": "20261122T164000-aix02-open", "spool": "/var/adm/nimwrap", "staged": "/export/nim/mksysb/.nimwrap/z/aix02.mksysb", "stall_s": 1800, "timeout_s": 21600, "volume_group": null}');
INSERT INTO "events" VALUES(11,NULL,NULL,'2026-11-22T17:20:00+00:00','notified','nimwrap: 1 failed','{"states": {"nim/powerha2": {"failed": "stalled"}, "": {"warning": "the inventory of nim# is old"}}, "delivered": true}');
INSERT INTO "events" VALUES(12,NULL,'nim','2026-11-22T17:21:00+00:00','verification','0 images read','{"left": [1]}');
CREATE TABLE export_changes (
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
INSERT INTO "export_changes" VALUES(1,'20261122T150000-powerha1-warn','nim','/export/nim/mksysb/powerha1','["10.20.0.52"]','rw,access=powerha1','-rw,access=powerha1:10.20.0.52','reverted','2026-11-22T15:01:00+00:00','2026-11-22T15:01:00+00:00','2026-11-22T15:02:00+00:00',NULL);
INSERT INTO "export_changes" VALUES(2,'20261122T150000-powerha1-warn','nim','/export/nim/mksysb/.nimwrap/x','["10.20.0.52", "powerha1"]',NULL,'-rw,access=10.20.0.52:powerha1','reverted','2026-11-22T15:03:00+00:00','2026-11-22T15:03:00+00:00','2026-11-22T15:10:00+00:00',NULL);
INSERT INTO "export_changes" VALUES(3,'20261122T153000-powerha2-fail','nim','/export/nim/mksysb/.nimwrap/y','["10.20.0.53"]',NULL,'-rw,access=10.20.0.53','foreign','2026-11-22T15:31:00+00:00','2026-11-22T15:31:00+00:00',NULL,'not understood');
INSERT INTO "export_changes" VALUES(4,'20261122T154000-aix01-open','nim','/export/nim/mksysb/.nimwrap/w','["10.20.0.61"]',NULL,'-rw,access=10.20.0.61','applied','2026-11-22T15:41:00+00:00','2026-11-22T15:42:00+00:00',NULL,NULL);
INSERT INTO "export_changes" VALUES(5,'20261122T164000-aix02-open','nim','/export/nim/mksysb/.nimwrap/z','["10.20.0.62"]',NULL,NULL,'planned','2026-11-22T16:41:00+00:00',NULL,NULL,NULL);
CREATE TABLE findings (
  id integer primary key,
  run text not null references runs(id),
  "check" text not null,
  status text not null,
  message text not null,
  fix text not null default '',
  evidence text not null default '',
  failure_code text
) strict;
INSERT INTO "findings" VALUES(1,'20261122T141000-aix01-mksy','channel','ok','c_rsh answers','','',NULL);
INSERT INTO "findings" VALUES(2,'20261122T141000-aix01-mksy','space','ok','enough','','nim /export/nim: 107374182400 bytes free',NULL);
INSERT INTO "findings" VALUES(3,'20261122T142000-aix01-save','channel','ok','c_rsh answers','','',NULL);
INSERT INTO "findings" VALUES(4,'20261122T142000-aix01-save','space','ok','enough','','nim /export/nim: 107374182400 bytes free',NULL);
INSERT INTO "findings" VALUES(5,'20261122T143000-vios1-ios','channel','ok','c_rsh answers','','',NULL);
INSERT INTO "findings" VALUES(6,'20261122T143000-vios1-ios','space','ok','enough','','nim /export/nim: 107374182400 bytes free',NULL);
INSERT INTO "findings" VALUES(7,'20261122T144000-master-nim','channel','ok','c_rsh answers','','',NULL);
INSERT INTO "findings" VALUES(8,'20261122T144000-master-nim','space','ok','enough','','nim /export/nim: 107374182400 bytes free',NULL);
INSERT INTO "findings" VALUES(9,'20261122T145000-master-mast','channel','ok','c_rsh answers','','',NULL);
INSERT INTO "findings" VALUES(10,'20261122T145000-master-mast','space','ok','enough','','nim /export/nim: 107374182400 bytes free',NULL);
INSERT INTO "findings" VALUES(11,'20261122T160000-aix02-refu','source_address','failed','differs','Disable Firstalias','perl','source_address_mismatch');
CREATE TABLE holds (
  id integer primary key,
  client text not null,
  master text not null,
  reason text not null,
  since text not null,
  until text,
  released text
) strict;
INSERT INTO "holds" VALUES(1,'aix03','nim','moving house','2026-11-22T13:40:00+00:00','2026-11-25T08:40:00+00:00',NULL);
INSERT INTO "holds" VALUES(2,'aix04','nim','old reason','2026-11-22T13:30:00+00:00',NULL,'2026-11-22T13:35:00+00:00');
CREATE TABLE images (
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
INSERT INTO "images" VALUES(1,'20261122T141000-aix01-mksy','aix01','nim','mksysb','aix01_mksysb','/export/nim/mksysb/aix01/aix01_mksysb_1.mksysb',7000010,'ok',1,'["0512-038", "file"]',NULL,NULL,NULL,1,0,'aix01',NULL,'7300-02-01-2346',NULL,NULL,'2026-11-22T14:15:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
INSERT INTO "images" VALUES(2,'20261122T142000-aix01-save','aix01','nim','savevg','aix01_savevg','/export/nim/mksysb/aix01/aix01_savevg_1.savevg',7000020,'ok',1,'["0512-038", "file"]',NULL,NULL,NULL,1,0,'aix01',NULL,'7300-02-01-2346',NULL,NULL,'2026-11-22T14:25:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
INSERT INTO "images" VALUES(3,'20261122T143000-vios1-ios','vios1','nim','ios_backup','vios1_ios_backup','/export/nim/mksysb/vios1/vios1_ios_backup_1.ios_backup',7000030,'ok',1,'["0512-038", "file"]',NULL,NULL,NULL,1,0,'vios1',NULL,'7300-02-01-2346',NULL,NULL,'2026-11-22T14:35:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
INSERT INTO "images" VALUES(4,'20261122T144000-master-nim','master','nim','nim_db',NULL,'/export/nim/mksysb/master/master_nim_db_1.nim_db',7000040,'ok',1,'["0512-038", "file"]',NULL,NULL,NULL,1,0,'master',NULL,'7300-02-01-2346',NULL,NULL,'2026-11-22T14:45:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
INSERT INTO "images" VALUES(5,'20261122T145000-master-mast','master','nim','master_mksysb','master_master_mksysb','/export/nim/mksysb/master/master_master_mksysb_1.master_mksysb',7000050,'ok',1,'["0512-038", "file"]',NULL,NULL,NULL,1,0,'master',NULL,'7300-02-01-2346',NULL,NULL,'2026-11-22T14:55:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
INSERT INTO "images" VALUES(6,'20261122T150000-powerha1-warn','powerha1','nim','mksysb','powerha1_mksysb','/export/nim/mksysb/powerha1/powerha1_mksysb_2.mksysb',8000000,'warning',1,'["0512-003"]',NULL,NULL,NULL,1,0,NULL,NULL,NULL,NULL,NULL,'2026-11-22T15:10:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
INSERT INTO "images" VALUES(7,NULL,'aix03','nim','mksysb','aix03_gone','/export/nim/mksysb/aix03/aix03_gone.mksysb',5000000,'ok',1,'["file"]',NULL,NULL,NULL,1,0,NULL,NULL,NULL,NULL,NULL,'2026-11-21T21:20:00+00:00','2026-11-23T00:00:00+00:00','removed','2026-11-22T13:50:00+00:00');
INSERT INTO "images" VALUES(8,NULL,'aix03','nim','mksysb','aix03_going','/export/nim/mksysb/aix03/aix03_going.mksysb',5000000,'ok',1,'["file"]',NULL,NULL,NULL,1,0,NULL,NULL,NULL,NULL,NULL,'2026-11-21T21:20:00+00:00','2026-11-23T00:00:00+00:00','planned',NULL);
INSERT INTO "images" VALUES(9,NULL,'aix03','nim','mksysb','aix03_bad','/export/nim/mksysb/aix03/aix03_bad.mksysb',5000000,'ok',1,'["file"]',NULL,NULL,'image_unreadable (full): cannot be read',1,0,NULL,NULL,NULL,NULL,NULL,'2026-11-21T21:20:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
INSERT INTO "images" VALUES(10,NULL,'aix03','nim','mksysb','aix03_foreign','/export/nim/mksysb/aix03/aix03_foreign.mksysb',5000000,'ok',0,'["file"]',NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,'2026-11-21T21:20:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
INSERT INTO "images" VALUES(11,NULL,'aix03','nim','mksysb','aix03_pinned','/export/nim/mksysb/aix03/aix03_pinned.mksysb',5000000,'ok',1,'["file"]',NULL,'2026-11-22T13:55:00+00:00',NULL,1,1,NULL,'00F84C0C4C00',NULL,4711,'123 456','2026-11-21T21:20:00+00:00','2026-11-23T00:00:00+00:00',NULL,NULL);
CREATE TABLE inventories (
  master text primary key,
  taken text,
  tried text not null,
  error text
) strict;
INSERT INTO "inventories" VALUES('nim','2026-11-22T13:00:00+00:00','2026-11-22T13:00:00+00:00',NULL);
INSERT INTO "inventories" VALUES('nim2',NULL,'2026-11-22T13:30:00+00:00','the connection was refused');
CREATE TABLE runs (
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
INSERT INTO "runs" VALUES('20261122T141000-aix01-mksy','aix01','nim','mksysb',NULL,NULL,'ok',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,'2026-11-22T14:10:00+00:00','2026-11-22T14:16:00+00:00',360.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T142000-aix01-save','aix01','nim','savevg',NULL,NULL,'ok',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,'2026-11-22T14:20:00+00:00','2026-11-22T14:26:00+00:00',360.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T143000-vios1-ios','vios1','nim','ios_backup',NULL,NULL,'ok',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3,'2026-11-22T14:30:00+00:00','2026-11-22T14:36:00+00:00',360.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T144000-master-nim','master','nim','nim_db',NULL,NULL,'ok',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,4,'2026-11-22T14:40:00+00:00','2026-11-22T14:46:00+00:00',360.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T145000-master-mast','master','nim','master_mksysb',NULL,NULL,'ok',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,5,'2026-11-22T14:50:00+00:00','2026-11-22T14:56:00+00:00',360.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T150000-powerha1-warn','powerha1','nim','mksysb','weekly','2026-11-22T15:00:00+00:00','warning',NULL,'archive_warning','some files are missing','see them','0512-003','10.20.0.51','10.20.0.52','perl','{"name": "powerha", "state": "ST_STABLE", "resource_groups": [{"name": "rg1", "state": "ONLINE", "node": "powerha1"}], "service_addresses": ["10.20.0.52"], "nodes": ["powerha1", "powerha2"]}','own-mount',6,'2026-11-22T15:00:00+00:00','2026-11-22T15:11:00+00:00',660.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T153000-powerha2-fail','powerha2','nim','mksysb','weekly','2026-11-22T15:00:00+00:00','failed',NULL,'stalled','no sign of life','ask the client','rc=?',NULL,NULL,NULL,'{"name": "powerha", "state": "ST_STABLE", "resource_groups": [{"name": "rg1", "state": "ONLINE", "node": "powerha1"}], "service_addresses": ["10.20.0.52"], "nodes": ["powerha1", "powerha2"]}',NULL,NULL,'2026-11-22T15:30:00+00:00','2026-11-22T15:36:00+00:00',360.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T154000-aix01-open','aix01','nim','mksysb',NULL,NULL,'failed',NULL,'timed_out','it did not end within its timeout','raise timeout','',NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-22T15:40:00+00:00','2026-11-22T15:44:00+00:00',240.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T160000-aix02-refu','aix02','nim','mksysb',NULL,NULL,'refused',NULL,'source_address_mismatch','the packets leave with 10.20.0.52','smitty cm_service_ip','perl: 10.20.0.52',NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-22T16:00:00+00:00','2026-11-22T16:01:00+00:00',60.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T161000-aix03-skip','aix03','nim','mksysb',NULL,NULL,'skipped',NULL,'held','on hold: moving','nimwrap release aix03','',NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-22T16:10:00+00:00','2026-11-22T16:10:00+00:00',0.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T162000-aix04-lock','aix04','nim','mksysb',NULL,NULL,'locked',NULL,'locked','another nimwrap works on it','','',NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-22T16:20:00+00:00','2026-11-22T16:20:00+00:00',0.0,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T163000-aix04-look','aix04','nim','mksysb',NULL,NULL,'running','preflight',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'2026-11-22T16:30:00+00:00',NULL,NULL,'control',4711,NULL);
INSERT INTO "runs" VALUES('20261122T164000-aix02-open','aix02','nim','mksysb',NULL,NULL,'running','image',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'own-mount',NULL,'2026-11-22T16:40:00+00:00',NULL,NULL,'control',4711,NULL);
CREATE TABLE slots (
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
INSERT INTO "slots" VALUES(1,'weekly','2026-11-22T15:00:00+00:00','powerha1','nim','done','20261122T150000-powerha1-warn',NULL,'claims-14645-805f041b','2026-11-22T15:00:00+00:00');
INSERT INTO "slots" VALUES(2,'weekly','2026-11-22T15:00:00+00:00','powerha2','nim','done','20261122T153000-powerha2-fail',NULL,'claims-14645-805f041b','2026-11-22T15:00:00+00:00');
INSERT INTO "slots" VALUES(3,'weekly','2026-11-22T15:00:00+00:00','aix03','nim','missed',NULL,'outside the window',NULL,'2026-11-22T15:00:00+00:00');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX runs_by_client on runs (master, client, started);
CREATE INDEX runs_by_client_outcome on runs (master, client, outcome, started);
CREATE INDEX runs_by_start on runs (started, outcome);
CREATE INDEX runs_by_outcome on runs (outcome, started);
CREATE INDEX runs_by_failure on runs (failure_code, started) where failure_code is not null;
CREATE INDEX runs_by_remedy on runs (master, remedy, started)
  where remedy is not null and outcome in ('ok', 'warning');
CREATE INDEX runs_open on runs (master, started) where outcome = 'running';
CREATE INDEX findings_by_run on findings (run);
CREATE INDEX images_by_client on images (master, client, kind, created);
CREATE INDEX images_present on images (master, client, kind, created) where removed is null;
CREATE INDEX images_faulty on images (master, client) where fault is not null and removed is null;
CREATE INDEX images_by_run on images (run) where run is not null;
CREATE UNIQUE INDEX images_by_place on images (master, location) where removed is null;
CREATE INDEX export_changes_by_run on export_changes (run);
CREATE INDEX export_changes_open on export_changes (master, id) where state in ('planned', 'applied', 'foreign');
CREATE INDEX events_by_run on events (run, id);
CREATE INDEX events_by_kind on events (kind, at);
CREATE INDEX events_by_time on events (at);
CREATE UNIQUE INDEX holds_open on holds (master, client) where released is null;
CREATE INDEX slots_by_state on slots (state, slot);
CREATE INDEX slots_by_time on slots (slot);
CREATE INDEX slots_by_run on slots (run) where run is not null;
CREATE VIEW last_good as
  select i.master, i.client, i.kind, i.id as image, i.run, i.resource, i.location, i.size_bytes, i.outcome,
         i.created, i.verified_by, i.managed
  from (select distinct master, client, kind from images where removed is null) k
  join images i on i.id = (
    select g.id from images g
    where g.master = k.master and g.client = k.client and g.kind = k.kind
      and g.removed is null and g.removal is null and g.verified = 1 and g.fault is null
    order by g.created desc, g.id desc limit 1);
CREATE VIEW fleet_status as
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
COMMIT;
