"""Every key of the configuration, once: name, kind, meaning.

Checking, schema, starter file and ``config show`` read it. Defaults are those of the records in ``model``,
which a test holds against this table.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from datetime import date
from functools import partial
from typing import Any

from nimwrap.aix.exclude_rootvg import is_anchored
from nimwrap.config.model import (
    AFTER_RUN,
    AUTO,
    COPY_KINDS,
    COPY_PLACES,
    HOOK_OF_COPY,
    HOOK_OF_FLEET,
    HOOK_OF_RUN,
    HOOK_PLACES,
    KINDS,
    REMEDIES,
    TRANSPORTS,
    BackupPolicy,
    BlackoutConfig,
    ClientConfig,
    Config,
    CopyConfig,
    HookConfig,
    LimitConfig,
    MasterConfig,
    NotifyConfig,
    RecipientsConfig,
    ReportConfig,
    RetryPolicy,
    SandboxConfig,
)
from nimwrap.config.value_types import (
    Choice,
    Count,
    CountOr,
    Duration,
    Environment,
    LocalPath,
    MksysbFlags,
    Readable,
    SecretUrl,
    Several,
    Text,
    ValueType,
    Words,
    YesNo,
)
from nimwrap.domain.alert_kind import DIGEST, AlertKind
from nimwrap.domain.black_hours import falls_on, hour_of_day
from nimwrap.domain.names import is_address, is_host_name, is_nim_name, is_safe_path
from nimwrap.domain.time_zones import time_zone


@dataclass(frozen=True)
class Key:
    """``example`` is TOML text for the starter file where the default says too little."""

    name: str
    kind: ValueType
    doc: str
    example: str = ""


@dataclass(frozen=True)
class Table:
    """``name`` is the table's name in the file, "" for the top; ``record`` gives the defaults."""

    name: str
    doc: str
    record: type
    keys: tuple[Key, ...]

    def key(self, name: str) -> Key | None:
        return next((key for key in self.keys if key.name == name), None)

    def default(self, name: str) -> Any:
        """The value that holds where the key is absent."""
        found = next(field for field in fields(self.record) if field.name == name)
        return found.default if found.default_factory is MISSING else found.default_factory()


def _matching(pattern: str) -> Callable[[str], bool]:
    return partial(_matches, re.compile(pattern))


def _matches(pattern: re.Pattern[str], text: str) -> bool:
    return pattern.fullmatch(text) is not None


LABEL = Text("a name of letters, digits, ., - and _", _matching(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"), False)
NIM_NAME = Text("a NIM name: at most 39 letters, digits, - ! or _", is_nim_name, False)
_HOST = Text("a host name or an address", lambda text: is_host_name(text) or is_address(text))
_USER = Text("a user name", _matching(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}"), False)
_SITE_NAME = Text("at most 60 printable characters", lambda text: len(text) <= 60 and text.isprintable())
_REMOTE_DIRECTORY = Text("a full path of plain characters, without . or .. steps", is_safe_path, False)
_BECOME = Text('"sudo" or its absolute path', lambda text: text == "sudo" or is_safe_path(text))
_KEY_FILE = LocalPath(credential=True)
_VOLUME_GROUP = Text("the name of a volume group", _matching(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}"), False)

TOP = Table(
    "",
    "This installation",
    Config,
    (
        Key("state_dir", LocalPath(), "History, locks and run logs. It has one owner; another user is refused."),
        Key("schedules", LocalPath(relative=True), "Directory of schedule files, relative to this file."),
        Key("site_name", _SITE_NAME, "What it is called in reports and messages; else by its host.", '"Melbourne"'),
    ),
)

MASTER = Table(
    "masters",
    "How a NIM master is reached",
    MasterConfig,
    (
        Key("transport", Choice(tuple(TRANSPORTS)), "ssh (Fabric), openssh (the system's) or, on it, local."),
        Key("host", _HOST, "What ssh connects to.", '"nim.example.com"'),
        Key("port", Count(1, 65535), "Its ssh port."),
        Key("user", _USER, "Who logs in there."),
        Key("become", _BECOME, '"sudo", or its path, where root may not log in.', '"sudo"'),
        Key("identity_file", _KEY_FILE, "Private key, or credential:NAME.", '"/etc/nimwrap/id_ed25519"'),
        Key("known_hosts", LocalPath(), "Host keys; an unknown or changed is refused.", '"/etc/nimwrap/known_hosts"'),
        Key("ssh_config", LocalPath(), "OpenSSH client configuration, ProxyJump too.", '"/etc/nimwrap/ssh_config"'),
        Key(
            "client_channel",
            Choice(("auto", "c_rsh", "ssh")),
            "Master to client: c_rsh as far as it carries, else ssh; or one.",
        ),
        Key("spool", _REMOTE_DIRECTORY, "Directory on the master: running operations, their undo, locks."),
        Key(
            "max_parallel",
            CountOr(Count(1, 1000), AUTO),
            'Images at the same time here, over all nimwraps; "auto" learns it from what the master writes.',
        ),
        Key("max_parallel_limit", Count(1, 1000), 'With max_parallel = "auto": never more than this.'),
        Key("env", Environment(), "Environment of nim.", '{ NIM_MKSYSB_SUBDIRS = "yes" }'),
        Key("shell", LocalPath(), "Program that runs scripts when the transport is local.", '"/usr/bin/ksh"'),
    ),
)

BACKUP = Table(
    "backup",
    "What an image is and how long it counts; may also stand in [masters.X] and [clients.X], the nearest wins",
    BackupPolicy,
    (
        Key("directory", _REMOTE_DIRECTORY, "Where images go on the master."),
        Key("naming", Choice(("dated", "fixed")), "dated: CLIENT_YYYYMMDD_HHMMSS in UTC; fixed: CLIENT_mksysb."),
        Key("layout", Choice(("per-client", "flat")), "per-client: DIRECTORY/CLIENT/NAME.mksysb; flat: all in one."),
        Key("mksysb_flags", MksysbFlags(), "Flags of mksysb, without the dash."),
        Key("kinds", Several(Choice(KINDS), empty=False), "What is backed up."),
        Key("volume_groups", Several(_VOLUME_GROUP), "For the kind savevg: which ones.", '["datavg"]'),
        Key("keep", Count(1), "Proven generations that stay."),
        Key("keep_weekly", Count(0), "And the newest of that many weeks."),
        Key("keep_monthly", Count(0), "And the newest of that many months."),
        Key("min_age", Duration(zero=True), "Nothing younger is ever removed."),
        Key("max_age", Duration(), "A last good image older than this is a fault."),
        Key("timeout", Duration(), "Ends an operation, client side first."),
        Key("stall", Duration(), "Without a sign of life for this long, evidence is gathered."),
        Key("verify_full_every", Duration(zero=True), "Each image is read to its end this often; 0s: never."),
        Key("drill_every", Duration(zero=True), "Files are restored from its newest image this often; 0s: never."),
        Key("export_change", Choice(("when-needed", "never")), "May an export be changed, for one operation?"),
        Key("remedies", Several(Choice(REMEDIES)), "Ways to let a client in, in this order."),
        Key(
            "exclude_rootvg",
            Several(
                Text(
                    "a pattern anchored at the root that spares the system, such as ^./var/log/big/", is_anchored, False
                )
            ),
            "What /etc/exclude.rootvg of the client is to hold; empty: left as it is.",
            '["^./var/log/big/"]',
        ),
    ),
)

RETRY = Table(
    "retry",
    "For failures that can pass; may also stand in [masters.X] and [clients.X]",
    RetryPolicy,
    (
        Key("attempts", Count(1, 100), "Image-making operations of one run at most."),
        Key("wait", Duration(zero=True), "Before the second; doubles, with jitter."),
        Key("max_wait", Duration(zero=True), "But never longer than this."),
    ),
)

CLIENT = Table(
    "clients",
    "Only what differs: every client that lsnim lists is known already",
    ClientConfig,
    (
        Key("cluster", LABEL, "Clients of one cluster are never backed up at the same time.", '"powerha"'),
        Key("exclude", YesNo(), "Leave it out of every fleet."),
    ),
)

_ON = Several(Choice((*(kind.value for kind in AlertKind), DIGEST)))
_TARGET = Text("a client, master/client, a glob or group:NAME", empty=False)

NOTIFY = Table(
    "notify",
    "Who is told",
    NotifyConfig,
    (
        Key("urls", Several(SecretUrl()), "Apprise URLs; file:PATH or credential:NAME keeps them out of this file."),
        Key("ping", SecretUrl(), "Dead-man's switch: the base URL.", '"file:/etc/nimwrap/ping"'),
        Key("on", _ON, "What is told; digest: once a week how things stand, also when all is well."),
    ),
)

RECIPIENTS = Table(
    "notify.NAME",
    "Others who are told, of the clients that are theirs",
    RecipientsConfig,
    (
        Key("urls", Several(SecretUrl()), "As above.", '["file:/etc/nimwrap/unix-team-url"]'),
        Key("on", _ON, "What is told."),
        Key("targets", Several(_TARGET, empty=False), "Whose clients."),
    ),
)

REPORT = Table(
    "report",
    "Files written after each fleet run, and what signs evidence",
    ReportConfig,
    (
        Key("html", LocalPath(), "One self-contained page.", '"/var/lib/nimwrap/report.html"'),
        Key("textfile", LocalPath(), "For Prometheus.", '"/var/lib/node_exporter/nimwrap.prom"'),
        Key("sign_key", _KEY_FILE, "Signs packages of evidence, or credential:NAME.", '"/etc/nimwrap/evidence_key"'),
    ),
)

COPY_PLACEHOLDERS = ("file", "client", "name", "checksum", "size", "until")
_STORE = '["/usr/local/bin/store", "{file}", "{client}/{name}"]'

COPY = Table(
    "copies",
    "Another place for proven images; nothing is copied where there is no such table",
    CopyConfig,
    (
        Key("kind", Choice(COPY_KINDS), "path: a directory of the same master; nim: another; command: a program."),
        Key("to", LABEL, "Kind nim: the other master, one of [masters].", '"nim2"'),
        Key("directory", _REMOTE_DIRECTORY, "Kinds path and nim: where copies go.", '"/export/copies"'),
        Key("on", Choice(COPY_PLACES), "Kind command: where it runs; control: the image comes to its standard input."),
        Key("store", Words(COPY_PLACEHOLDERS), "Kind command: stores {file} as {client} {name}.", _STORE),
        Key("check", Words(COPY_PLACEHOLDERS), "Prints the checksum of what is stored; given {checksum}, proves it."),
        Key("fetch", Words(COPY_PLACEHOLDERS), "Brings it back as {file}."),
        Key("remove", Words(COPY_PLACEHOLDERS), "Removes it."),
        Key("targets", Several(_TARGET, empty=False), "Whose images are copied."),
        Key("keep", Count(1), "Proven copies that stay; the last one always does."),
        Key("max_age", Duration(), "A client whose newest copied image is older than this has a fault."),
        Key("after", Choice((AFTER_RUN, "")), '"run": after each fleet run; "": only by `nimwrap images copy`.'),
        Key("timeout", Duration(), "Ends one copy, or the reading back of one."),
        Key("beside_backups", YesNo(), "Also while an image is being written to the same file system."),
    ),
)

_DISK = Text("the name of a disk, such as hdisk1", _matching(r"hdisk[0-9]{1,5}"), False)

_HMC = Text("USER@HOST", _matching(r"[A-Za-z0-9_.-]{1,64}@[A-Za-z0-9_.-]{1,255}"), False)
_HMC_NAME = Text("a name on the HMC", _matching(r"[A-Za-z0-9_.-]{1,64}"), False)

SANDBOX = Table(
    "sandboxes",
    "A machine on which restores may be tried (images drill --on NAME): what is on it there is lost",
    SandboxConfig,
    (
        Key("client", NIM_NAME, "Its NIM name.", '"drill01"'),
        Key("disk", _DISK, "A free disk of it, onto which images are restored and removed again.", '"hdisk1"'),
        Key("spot", NIM_NAME, "The SPOT from which all of it may be installed anew.", '"spot_725"'),
        Key("hmc", _HMC, "Who boots it: USER@HMC, by ssh from the master; none: NIM reboots it.", '"hscroot@hmc1"'),
        Key("hmc_system", _HMC_NAME, "Its managed system.", '"Server-9105-22A-SN7841234"'),
        Key("hmc_lpar", _HMC_NAME, "Its name on the HMC, where that is not its NIM name.", '"drill01"'),
        Key("hmc_profile", _HMC_NAME, "Its profile."),
        Key("gateway", Text("an address", is_address, False), "Between it and the master; 0.0.0.0: none."),
        Key("timeout", Duration(), "Ends one drill."),
    ),
)

LIMIT = Table(
    "limits",
    "Never more images at once than this of some of the clients, whatever a master takes",
    LimitConfig,
    (
        Key("max_parallel", Count(1, 1000), "At the same time on one master, over all nimwraps.", "2"),
        Key("targets", Several(_TARGET, empty=False), "Whose images: a frame or a network is a group of clients."),
        Key("directory", _REMOTE_DIRECTORY, "Only of images that go there or below: a file system.", '"/export/nim2"'),
    ),
)

TIME_ZONE = Readable("a time zone in quotes", time_zone)
_DAYS = Readable('days in quotes such as "28-31"', partial(falls_on, day=date(2026, 1, 1)))
_TIME_OF_DAY = Readable('a time of day in quotes such as "18:30"', hour_of_day)

BLACKOUT = Table(
    "blackout",
    "When no schedule begins a backup, such as the end of the month; those begun by hand are not held up",
    BlackoutConfig,
    (
        Key("days", Several(_DAYS), "Of month or week, or dates; none: every day.", '["last 3", "1", "2026-12-24"]'),
        Key("begins", _TIME_OF_DAY, "On each of these days, from this time of day on."),
        Key("ends", _TIME_OF_DAY, "Until then; of the next day where that is not later."),
        Key("timezone", TIME_ZONE, "Whose days and hours."),
        Key("targets", Several(_TARGET, empty=False), "Whose backups."),
    ),
)

HOOK_PLACEHOLDERS = {
    "before": ("client", "master", "run", "kind"),
    "after": ("client", "master", "run", "kind", "outcome", "location"),
    "failed": ("client", "master", "run", "kind", "outcome", "code"),
    "copied": ("client", "master", "run", "kind", "location", "copy", "image"),
    "fleet-before": ("master",),
    "fleet-after": ("master", "ok", "warning", "failed"),
}
"""What the words of a hook may name, by when it is run."""
_EVERY_HOLE = tuple(dict.fromkeys(hole for holes in HOOK_PLACEHOLDERS.values() for hole in holes))
_CALL = '["/usr/local/bin/hook", "{client}"]'

HOOK = Table(
    "hooks",
    "A command of the site's own at a named point; any number of [[hooks]]",
    HookConfig,
    (
        Key("when", Choice((*HOOK_OF_RUN, *HOOK_OF_FLEET, HOOK_OF_COPY)), "The point at which it is run."),
        Key("on", Choice(HOOK_PLACES), "Where it runs: the client, its master, or this control host."),
        Key("run", Words(_EVERY_HOLE), "The command as words; no shell reads them.", _CALL),
        Key("targets", Several(_TARGET, empty=False), "For whom."),
        Key("timeout", Duration(), "Ends it."),
    ),
)

OVERRIDABLE = (*BACKUP.keys, *RETRY.keys)
PLAIN_TABLES = (BACKUP, RETRY, NOTIFY, REPORT)
ALL_TABLES = (TOP, MASTER, BACKUP, RETRY, CLIENT, LIMIT, BLACKOUT, NOTIFY, RECIPIENTS, COPY, SANDBOX, HOOK, REPORT)
TOP_NAMES = (
    *(key.name for key in TOP.keys),
    *("masters", "backup", "retry", "groups", "clients", "limits", "blackout", "notify", "copies", "sandboxes"),
    *("hooks", "report"),
)


def home_of(name: str) -> str:
    """The table a key belongs to, for the hint when it stands elsewhere; "" when no table has it."""
    for table in ALL_TABLES:
        if table.key(name):
            named = {each.name: f"[{each.name}.NAME]" for each in (MASTER, CLIENT, COPY, SANDBOX, LIMIT, BLACKOUT)}
            named[HOOK.name] = f"[[{HOOK.name}]]"
            return {**named, "": "the top of the file"}.get(table.name, f"[{table.name}]")
    return ""
