"""The fault switches: their names, and what some of them do to a host's files when they are set.

Most are only read, by the command they concern. Those that stand for a state of files or of the NIM database
(a tool that is missing, a client that NIM takes for busy) change exactly that, and change it back when turned off.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nimwrap.estate import catalogue

if TYPE_CHECKING:
    from nimwrap.estate.estate import Estate

FAULTS: dict[str, str] = {
    "nimsh_down": "the client's nimsh does not answer: 0042-006 ... Connection refused",
    "host_down": "the client does not answer at all: 0042-006 ... Connection timed out",
    "nfs_down": "the server's mountd does not answer: 1831-010",
    "c_rsh_hang": "c_rsh to this client never returns",
    "channel_cut": "c_rsh passes on this many bytes of a command (value), and no more",
    "channel_refuse": "c_rsh refuses a command of more bytes (value)",
    "channel_without": "c_rsh loses these characters of a command (value)",
    "channel_wrapped": 'c_rsh wraps a command once more in ksh -c "..."',
    "channel_one_line": "c_rsh turns the line ends of a command into blanks",
    "channel_merged": "what c_rsh itself complains about comes out on stdout",
    "channel_status_hidden": "c_rsh always ends with status 0",
    "channel_group_ended": "the process group of a request is ended after it (value: so many seconds after it)",
    "channel_no_background": "whatever a request leaves running is ended with it, also in a session of its own",
    "channel_methods_only": "c_rsh lets nothing through but NIM's own methods",
    "ssh_to_clients": "the master's key is known on the client: ssh works there",
    "ssh_to_masters_refused": "the key of another master is not accepted on this one",
    "root_shell": "root's login shell on the host (value: a shell of the build machine, ksh else)",
    "root_umask": "root's umask on the host (value: such as 077)",
    "no_at": "root may not use at",
    "lost_rc": "the last line of what c_rsh prints is lost",
    "garbled_output": "bytes that are no text in what c_rsh and nim relay",
    "nim_hang_after_image": "the image is complete, but nim never returns",
    "nim_hang_midway": "NIM's own mksysb stops in the middle and stays",
    "nfs_stall": "every mksysb through NFS stops in the middle, df on the mount hangs",
    "truncated_image_rc0": "the image ends early (value: the share, else 0.6), all messages and codes say success",
    "no_image_rc0": "no image is left, all messages and codes say success",
    "wrong_host_image_rc0": "the image is another host's (value: its name), all else says success",
    "archive_warning": 'True: 0512-003 and success; "failed": 0512-003, no 0512-038, status 1',
    "disk_full": "no space on the server in the middle of the image (value: the share, else 0.5)",
    "fsize_limited": "the file size limit of all processes of the host (value: bytes, else 2097151 blocks)",
    "small_file_fs": "the master's image file system is not large-file enabled: writing fails in the middle",
    "write_denied": "the client may mount but root may not write",
    "client_busy": 'True: Cstate is another operation; "process": a mksysb of somebody else runs there',
    "cstate_stuck": "Cstate does not return to ready after an operation (set it for the client)",
    "locked_object": "the client's NIM object is locked",
    "push_off": "the client has taken push permission away",
    "sudo_refused": "sudo asks for a password",
    "partial_object": "a failed define leaves its object behind",
    "cpuid_mismatch": "NIM's stored cpuid is not the client's",
    "niminfo_wrong_master": "the client's /etc/niminfo names another master (value: its name)",
    "rootvg_locked": "lsvg warns 0516-1201 and hangs, mksysb too",
    "no_perl": "no perl",
    "no_traceroute": "no traceroute",
    "no_route": "no route command",
    "no_telnet": "no telnet",
    "no_ksh93": "no ksh93",
    "no_netstat": "no netstat",
    "tcp_source": "TCP leaves from this address (value), and UDP from the one that comes first",
    "traceroute_stderr": 'traceroute\'s "source should be" goes to stderr',
    "no_ptr": "service addresses (value: or the listed ones) have no reverse entry",
    "powerha_tools_missing": "PowerHA's utilities are not there",
    "cluster_unstable": "clstrmgrES says so (value: the state, else ST_UNSTABLE)",
    "standing_export": "a parent directory is exported (value: which, else /export/nim)",
    "french_locale": "messages are French unless LC_ALL=C",
    "df_layout": '"wide": very long device names, "dash": no figures, "full": no space left',
}
"""Every switch with what it does; a fault is for one host, or for all."""

_Effect = Callable[["Estate", Any, str], None]


def set_fault(estate: Estate, name: str, value: Any, host: str | None) -> None:
    """Turn ``name`` on (or off by None or False) for ``host`` or all, and let it take effect."""
    if name not in FAULTS:
        raise KeyError(name)
    on = value is not None and value is not False

    def edit(faults: dict[str, Any]) -> None:
        switch = faults.setdefault(name, {})
        if on:
            switch[host or "*"] = value
        elif host is None:
            switch.clear()
        else:
            switch.pop(host, None)

    estate.state.change("faults", edit)
    effect = _EFFECTS.get(name)
    for one in [host] if host else estate.hosts:
        if effect and one:
            effect(estate, value if on else None, one)


def _present(*paths: str) -> _Effect:
    """The tools vanish while the switch is on."""

    def effect(estate: Estate, value: Any, host: str) -> None:
        for path in paths:
            tool = estate.files(host) / path.lstrip("/")
            hidden = estate.root / "state" / f"hidden-{host}-{tool.name}"
            if value and tool.exists():
                tool.rename(hidden)
            elif value is None and hidden.exists():
                hidden.rename(tool)

    return effect


def _attribute(key: str, on: Callable[[Any, str], str], off: Callable[[str], str | None]) -> _Effect:
    """An attribute of the client's NIM object, on each master that knows it."""

    def effect(estate: Estate, value: Any, host: str) -> None:
        from nimwrap.estate import nimdb

        for master, role in estate.state.read("world")["roles"].items():
            machine = estate.machine(master)
            if role == "master" and nimdb.objects(machine).get(host, {}).get("class") in ("machines", "management"):
                kept = on(value, host) if value else off(machine_id(estate, host) if key == "cpuid" else host)
                nimdb.set_attributes(machine, host, **{key: kept})

    return effect


def machine_id(estate: Estate, host: str) -> str:
    """The host's real machine id."""
    return str(estate.machine(host).facts["machine_id"])


def _busy(estate: Estate, value: Any, host: str) -> None:
    if value == "process":
        _foreign_backup(estate, host)
        return
    busy, ready = "alt_disk_install operation is being performed", "ready for a NIM operation"
    _attribute("Cstate", lambda _value, _host: busy, lambda _: ready)(estate, value, host)


def _foreign_backup(estate: Estate, host: str) -> None:
    """A process that looks like somebody else's mksysb, until the switch is turned off or the estate stopped."""
    import subprocess

    program = estate.files(host) / "usr/bin/mksysb"
    subprocess.Popen(
        [program, "-ei", "/dev/rmt0"],
        env={"ESTATE_IDLE": "yes"},
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _niminfo(estate: Estate, value: Any, host: str) -> None:
    machine = estate.machine(host)
    if machine.facts["role"] == "master":
        return
    name = machine.facts["master"] if not value else "othernim" if value is True else str(value)
    text = re.sub(r"NIM_MASTER_HOSTNAME=\S+", f"NIM_MASTER_HOSTNAME={name}", machine.read("/etc/niminfo"))
    machine.write("/etc/niminfo", text)


def _standing_export(estate: Estate, value: Any, host: str) -> None:
    from nimwrap.estate import nfs

    machine = estate.machine(host)
    if machine.facts["role"] != "master":
        return
    directory = "/export/nim" if value in (None, True) else str(value)
    for file in (nfs.XTAB, nfs.EXPORTS):
        if value:
            nfs.put(machine, nfs.ExportedDirectory(directory, "sec=sys,rw,access=aix01,root=aix01"), file)
        else:
            nfs.drop(machine, directory, file)


def _limits(estate: Estate, value: Any, host: str) -> None:
    machine = estate.machine(host)
    blocks = -1 if not value else 2097151 if value is True else int(value) // 512
    text = re.sub(r"fsize = \S+", f"fsize = {blocks}", machine.read("/etc/security/limits"))
    machine.write("/etc/security/limits", text)


_EFFECTS: dict[str, _Effect] = {
    "no_perl": _present("/usr/bin/perl"),
    "no_traceroute": _present("/usr/bin/traceroute"),
    "no_route": _present("/usr/sbin/route"),
    "no_telnet": _present("/usr/bin/telnet"),
    "no_ksh93": _present("/usr/bin/ksh93"),
    "no_netstat": _present("/usr/bin/netstat"),
    "powerha_tools_missing": _present(*catalogue.CLUSTER),
    "client_busy": _busy,
    "cpuid_mismatch": _attribute("cpuid", lambda _value, _host: "00F6DEAD4C00", str),
    "push_off": _attribute("control", lambda _value, host: f"{host} push_off", lambda _: None),
    "locked_object": _attribute("locked", lambda value, _host: "4194" if value is True else str(value), lambda _: None),
    "niminfo_wrong_master": _niminfo,
    "standing_export": _standing_export,
    "fsize_limited": _limits,
}
