"""Building an estate on disk: a tree a host, executables at AIX's places, and the state they share."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from nimwrap.estate import catalogue, launchers
from nimwrap.estate import spec as specs
from nimwrap.estate.estate import Estate
from nimwrap.estate.machine import BASE, Machine, State
from nimwrap.estate.spec import HostSpec, Spec

_PLAIN_ROOT = re.compile(r"[A-Za-z0-9_./+@,=-]+")


def build(root: Path, **spec: Any) -> Estate:
    """Build an estate below ``root`` (created, must be empty or absent); keywords are the fields of Spec.

    ``root`` may hold only characters that need no quoting, since it appears in rewritten scripts: ValueError.
    """
    wanted = launchers.completed(Spec(**spec))
    base = root.resolve()
    if not _PLAIN_ROOT.fullmatch(str(base)):
        raise ValueError(f"an estate cannot be built in {base}: its path needs quoting")
    all_ = specs.hosts(wanted)
    _shared_state(base, wanted, all_)
    for one in all_:
        _host(base, wanted, one, all_)
    for one in all_:
        if one.role == "master":
            _register(Machine(str(base / "hosts" / one.name)), all_)
    return Estate(base)


def _shared_state(base: Path, spec: Spec, all_: list[HostSpec]) -> None:
    directory = base / "state"
    directory.mkdir(parents=True)
    state = State(str(directory))
    state.write(
        "world",
        {
            "hosts": {one.name: [line[1] for line in one.interfaces] for one in all_},
            "roles": {one.name: one.role for one in all_},
        },
    )
    state.write("cluster", specs.cluster_state(spec))
    state.write("faults", {})
    keys = ("behaviour", "replace_end", "refuse_text", "image_size", "rate", "steps", "files")
    state.write("settings", {key: getattr(spec, key) for key in keys})
    (directory / "commands.log").touch()
    (directory / "running").touch()


def _host(base: Path, spec: Spec, one: HostSpec, all_: list[HostSpec]) -> None:
    tree = base / "hosts" / one.name
    for directory in (*catalogue.DIRECTORIES, *spec.directories):
        (tree / directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
    if one.role == "master":
        for directory in catalogue.MASTER_DIRECTORIES:
            (tree / directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
    (tree / "bin").symlink_to("usr/bin")
    (tree / "tmp").chmod(0o1777)
    facts = {
        "name": one.name,
        "node": one.name,
        "role": one.role,
        "master": one.master,
        "machine_id": one.machine_id,
        "mac": one.mac,
        "oslevel": spec.oslevel,
        "interfaces": one.interfaces,
        "gateway": specs.GATEWAY,
        "booted": time.strftime("%b %d %H:%M"),
        "filesystems": specs.file_systems(spec, one.role),
        "real_root": spec.real_root,
        "tops": sorted({directory.split("/")[1] for directory in spec.directories}),
    }
    (tree / ".host").write_text(json.dumps(facts))
    if spec.real_root:
        (tree / BASE.lstrip("/")).mkdir()
    _files(tree, spec, one, all_)
    _executables(base, spec, one)


def _files(tree: Path, spec: Spec, one: HostSpec, all_: list[HostSpec]) -> None:
    etc = tree / "etc"
    (etc / "hosts").write_text(specs.hosts_file(spec, all_))
    (etc / "netsvc.conf").write_text("hosts = local, bind4\n")
    limits = "\tfsize = -1\n\tcore = 2097151\n\tcpu = -1\n\tdata = -1\n\tnofiles = -1\n"
    (etc / "security" / "limits").write_text(f"default:\n{limits}\nroot:\n{limits}")
    if one.role == "master":
        (etc / "exports").write_text("")
        (etc / "xtab").write_text("")
        (etc / "niminfo").write_text(niminfo(one, "master"))
        return
    (etc / "niminfo").write_text(niminfo(one, "standalone"))
    (etc / "exclude.rootvg").write_text("^./tmp/\n")


def niminfo(one: HostSpec, configuration: str) -> str:
    """/etc/niminfo as niminit leaves it (reference aix-nim section 5.1)."""
    lines = [
        f"NIM_NAME={'master' if configuration == 'master' else one.name}",
        f"NIM_HOSTNAME={one.name}",
        f"NIM_CONFIGURATION={configuration}",
        "NIM_MASTER_PORT=1058",
        "NIM_REGISTRATION_PORT=1059",
    ]
    if configuration == "standalone":
        lines += [
            f"NIM_MASTER_HOSTNAME={one.master}",
            'NIM_SHELL="nimsh"',
            "NIM_MASTERID=00F60A644C00",
            "NIM_FIPS_MODE=0",
            "NIM_BOS_FORMAT=rte",
        ]
    title = "#------------------ Network Install Manager ---------------\n"
    return title + "".join(f"export {line}\n" for line in lines)


def _executables(base: Path, spec: Spec, one: HostSpec) -> None:
    tree = base / "hosts" / one.name
    for path, module in catalogue.executables(one.role).items():
        _program(base, tree / path.lstrip("/"), launchers.command(spec, module, path))
    if spec.real_root:
        return
    for tool in catalogue.TOOLS:
        if real := launchers.real_tool(tool):
            (tree / "usr/bin" / tool).symlink_to(real)
    for tool in catalogue.CHANGING_TOOLS:
        if real := launchers.real_tool(tool):
            _program(base, tree / "usr/bin" / tool, launchers.logged_tool(tool, real))
    _program(base, tree / "usr/bin/ksh", launchers.ksh(spec))
    _program(base, base / "shells" / one.name, launchers.shell(spec))


def _program(base: Path, path: Path, text: str) -> None:
    """Programs with the same text are one file with many links: an estate of 200 hosts is built in a moment."""
    stored = _stored(base, text)
    try:
        os.link(stored, path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True)
        os.link(stored, path)


def _stored(base: Path, text: str) -> str:
    place = f"{base}/state/programs/{hashlib.sha256(text.encode()).hexdigest()}"
    if not os.path.exists(place):
        Path(place).parent.mkdir(exist_ok=True)
        Path(place).write_text(text)
        Path(place).chmod(0o755)
    return place


def _register(master: Machine, all_: list[HostSpec]) -> None:
    """The master's NIM objects: itself, its network, common resources, and its clients."""
    from nimwrap.estate import nimdb

    nimdb.create(master)
    network = "net_10_10_10"
    ready = {"Cstate": nimdb.READY, "prev_state": nimdb.READY}
    known: nimdb.Objects = {
        "master": {
            "class": "machines",
            "type": "master",
            "max_nimesis_threads": "20",
            "if_defined": "chrp.64.ent",
            "comments": "machine which controls the NIM environment",
            "platform": "chrp",
            "netboot_kernel": "64",
            "if1": f"{network} {master.name} {master.facts['mac'].upper()}",
            "cable_type1": "N/A",
            **ready,
            "Mstate": "currently running",
            "serves": "boot",
            "master_port": "1058",
            "registration_port": "1059",
            "reserved": "yes",
        },
        "boot": {
            "class": "resources",
            "type": "boot",
            "comments": "represents the network boot resource",
            "Rstate": "ready for use",
            "location": "/tftpboot",
            "alloc_count": "0",
            "server": "master",
            "reserved": "yes",
        },
        "nim_script": {
            "class": "resources",
            "type": "nim_script",
            "comments": "directory containing customization scripts created by NIM",
            "Rstate": "ready for use",
            "location": "/export/nim/scripts",
            "alloc_count": "0",
            "server": "master",
            "reserved": "yes",
        },
        network: {
            "class": "networks",
            "type": "ent",
            "Nstate": "ready for use",
            "prev_state": "ready for use",
            "net_addr": "10.10.10.0",
            "snm": specs.MASK,
            "routing1": f"default {specs.GATEWAY}",
        },
    }
    for one in all_:
        if one.role != "master" and (one.master == master.name or one.name == "aix01"):
            known[one.name] = machine_object(one, network)
    nimdb.change(master, lambda objects: objects.update(known))


def machine_object(one: HostSpec, network: str) -> dict[str, str]:
    """A standalone client (or a VIOS, of class management) as NIM knows it after first contact."""
    vios = one.role == "vios"
    return {
        "class": "management" if vios else "machines",
        "type": "vios" if vios else "standalone",
        "connect": "nimsh",
        "platform": "chrp",
        "netboot_kernel": "64",
        "if1": f"{network} {one.name} {one.mac.upper()} ent0",
        "cable_type1": "N/A",
        "Cstate": "ready for a NIM operation",
        "prev_state": "ready for a NIM operation",
        "Mstate": "currently running",
        "cpuid": one.machine_id,
        "Cstate_result": "success",
    }
