"""What ``nim -o`` does: define and remove resources, reset, allocate, deallocate, change, check, showres, lslpp."""

from __future__ import annotations

import os

from nimwrap.estate import nfs, nimdb, nimimage, remote
from nimwrap.estate.machine import Machine
from nimwrap.estate.nimdb import Objects
from nimwrap.estate.nimerror import NimError, failed, location_taken, no_object, wrong_attribute

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

IMAGE_TYPES = ("mksysb", "savevg", "ios_mksysb", "ios_backup")
_RESOURCES = (
    *IMAGE_TYPES,
    "spot",
    "lpp_source",
    "bosinst_data",
    "resolv_conf",
    "exclude_files",
    "image_data",
    "script",
    "fb_script",
    "installp_bundle",
)
_METHODS = {"lpp_source": "m_mk_lpp_source", "spot": "m_mkspot"}
_DEFINE_ATTRIBUTES = {
    "server",
    "location",
    "source",
    "mk_image",
    "mksysb_flags",
    "savevg_flags",
    "exclude_files",
    "size_preview",
    "verbose",
    "comments",
    "group",
    "dest_dir",
    "nfs_vers",
    "nfs_sec",
    "volume_group",
    "savewpar_flags",
    "client_defined",
}
_BOS_INST_ATTRIBUTES = {
    *("source", "spot", "mksysb", "lpp_source", "bosinst_data", "image_data", "resolv_conf", "script", "fb_script"),
    *("installp_bundle", "installp_flags", "filesets", "accept_licenses", "boot_client", "set_boot_list", "force_push"),
    *("no_client_boot", "no_nim_client", "preserve_res", "adapter_def", "physical_loc", "group", "concurrent"),
    *("time_limit", "auto_expand", "async", "verbose"),
}
_NAME = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_!-"


class NimCall:
    """One ``nim`` command line."""

    def __init__(self) -> None:
        self.operation = self.type = self.name = ""
        self.attributes: dict[str, str] = {}
        self.force = False

    def __getitem__(self, key: str) -> str:
        return self.attributes.get(key, "")


def define(me: Machine, call: NimCall) -> None:
    """``-o define -t TYPE``; with ``mk_image=yes`` the image is made first and the object after it."""
    if call.type not in _RESOURCES:
        raise failed(1, f'"{call.type}" is not a type of resource that this estate knows')
    method = _METHODS.get(call.type, nimimage.METHOD)
    _validate(me, call, method)
    request = nimimage.ImageRequest(call.name, call.type, call.attributes, call.force)
    if call["mk_image"] == "yes" or call["size_preview"] == "yes":
        try:
            made = nimimage.make(me, request)
        except NimError:
            if me.fault("partial_object"):
                _store(me, call.name, nimimage.described(me, None, request, call["location"]))
            raise
        if made:
            _store(me, call.name, made)
        return
    if call.type == "spot":
        _define_spot(me, call)
        return
    if not os.path.exists(me.path(call["location"])):
        raise failed(
            154,
            f'0042-154 c_stat: the file or directory "{call["location"]}" does not exist',
            method=method,
            machine="master",
        )
    _store(me, call.name, _described_file(me, request))


def _validate(me: Machine, call: NimCall, method: str) -> None:
    for key in call.attributes:
        if key not in _DEFINE_ATTRIBUTES:
            raise wrong_attribute(method, key)
    for key in ("server", "location"):
        if not call[key]:
            raise failed(21, f'0042-021 {method}: the "{key}" attribute is required for this operation')
    if call["mk_image"] == "yes" and not call["source"]:
        raise failed(21, f'0042-021 {method}: the "source" attribute is required for this operation')
    if call.name.strip(_NAME) or not 1 <= len(call.name) <= 39:
        raise failed(1, f'"{call.name}" cannot be the name of a NIM object')
    known = nimdb.objects(me)
    if call["server"] not in known:
        raise no_object(call["server"])
    if call.name in known:
        raise failed(32, f'0042-032 {method}: object name must be unique: "{call.name}" exists already')
    _validate_location(me, call, method, known)


def _validate_location(me: Machine, call: NimCall, method: str, known: Objects) -> None:
    location = call["location"]
    if any(one.get("location") == location for one in known.values()) or nimimage.exported_file(me, location):
        raise location_taken(method, location)
    if not nimimage.parent_is_there(me, location):
        parent = os.path.dirname(location)
        raise failed(
            154, f'0042-154 c_stat: the file or directory "{parent}" does not exist', method=method, machine="master"
        )


def _described_file(me: Machine, request: nimimage.ImageRequest) -> nimdb.NimObject:
    """An object over an existing file: no source_image, the level read from the image where it is one."""
    if request.type not in IMAGE_TYPES:
        found = {"class": "resources", "type": request.type}
        if request["comments"]:
            found["comments"] = request["comments"]
        return found | {
            "Rstate": "ready for use",
            "prev_state": "unavailable for use",
            "location": request["location"],
            "alloc_count": "0",
            "server": request["server"],
        }
    from nimwrap.estate.image import DamagedError, read_header

    described = nimimage.described(me, None, request, request["location"])
    try:
        with open(me.path(request["location"]), "rb") as file:
            level = read_header(file).oslevel
    except (OSError, DamagedError):
        return described
    levels = nimimage.level_attributes(level)
    tail = {key: described.pop(key) for key in ("alloc_count", "server")}
    return described | levels | tail


def _define_spot(me: Machine, call: NimCall) -> None:
    place = f"{call['location'].rstrip('/')}/{call.name}"
    source = nimdb.objects(me).get(call["source"])
    if source is None:
        raise no_object(call["source"])
    level: nimdb.NimObject = {key: source[key] for key in ("version", "release", "mod", "oslevel_r") if key in source}
    me.out(
        f'\n Creating SPOT in "{place}" on machine "master" from "{call["source"]}" ...\n\n'
        " Restoring files from BOS image.  This may take several minutes ...\n\n\n"
        f' Checking filesets and network boot images for SPOT "{call.name}".\n'
        " This may take several minutes ...\n"
    )
    os.makedirs(me.path(f"{place}/usr"), exist_ok=True)
    _store(
        me,
        call.name,
        {
            "class": "resources",
            "type": "spot",
            "plat_defined": "chrp",
            "arch": "power",
            "Rstate": "ready for use",
            "prev_state": "verification is being performed",
            "location": f"{place}/usr",
            **level,
            "alloc_count": "0",
            "server": call["server"],
            "Rstate_result": "success",
        },
    )


def _store(me: Machine, name: str, found: nimdb.NimObject) -> None:
    nimdb.change(me, lambda all_: all_.update({name: found}))


def remove(me: Machine, call: NimCall) -> None:
    """The object; with ``rm_image=yes`` its file too. An allocated or used one stays."""
    found = _existing(me, call.name)
    if found["class"] == "machines" and any(key in found for key in _RESOURCES):
        why = f'unable to remove "{call.name}" because resources have been allocated to it'
        raise failed(52, f"0042-052 m_rmmac: {why}")
    if int(found.get("alloc_count", "0")):
        raise failed(
            1, f'the resource "{call.name}" is allocated and cannot be removed', method="m_rmres", machine="master"
        )
    nimdb.forget(me, call.name)
    if call["rm_image"] == "yes" and found.get("location"):
        try:
            os.unlink(me.path(found["location"]))
        except FileNotFoundError:
            return


def reset(me: Machine, call: NimCall) -> None:
    """Cstate back to ready; allocated resources stay (reference aix-nim section 2.6)."""
    found = _existing(me, call.name)
    if found.get("Cstate") != nimdb.READY and not (call.force or call["force"] == "yes"):
        raise failed(
            1,
            f'the reset of "{call.name}" needs force=yes while an operation is being performed',
            method="m_reset",
            machine=call.name,
        )
    state = found.get("Cstate", nimdb.READY)
    nimdb.set_attributes(me, call.name, Cstate=nimdb.READY, prev_state=state, Cstate_result="reset", locked=None)


def allocate(me: Machine, call: NimCall) -> None:
    """Resources named by type go to the machine, and the file of an image is exported to it."""
    _give(me, call.name, call.attributes)


def _give(me: Machine, to: str, resources: dict[str, str]) -> None:
    machine = _existing(me, to)
    for kind, name in resources.items():
        found = _existing(me, name)
        nimdb.set_attributes(me, to, **{kind: name})
        nimdb.set_attributes(me, name, alloc_count=str(int(found.get("alloc_count", "0")) + 1))
        if kind in IMAGE_TYPES:
            host = nimdb.if1_host(machine)
            nfs.put(me, nfs.ExportedDirectory(found["location"], f"ro,root={host}:,access={host}:"))


def deallocate(me: Machine, call: NimCall) -> None:
    """The named resources, or all with ``subclass=all``; their exports go with the last one."""
    machine = _existing(me, call.name)
    wanted = {key: value for key, value in machine.items() if key in _RESOURCES}
    if call["subclass"] != "all":
        wanted = {key: value for key, value in wanted.items() if call[key] == value}
    for kind, name in wanted.items():
        nimdb.set_attributes(me, call.name, **{kind: None})
        found = nimdb.objects(me).get(name)
        if found is None:
            continue
        left = max(0, int(found.get("alloc_count", "1")) - 1)
        nimdb.set_attributes(me, name, alloc_count=str(left))
        if left == 0 and found.get("location"):
            nfs.drop(me, found["location"])


def change(me: Machine, call: NimCall) -> None:
    """``-o change -a ATTR=VALUE``; an empty value takes the attribute away."""
    _existing(me, call.name)
    nimdb.set_attributes(me, call.name, **{key: value or None for key, value in call.attributes.items()})


def check(me: Machine, call: NimCall) -> None:
    """A resource whose file is there is ready for use."""
    found = _existing(me, call.name)
    if found.get("location") and not os.path.exists(me.path(found["location"])):
        raise failed(
            154,
            f'0042-154 c_stat: the file or directory "{found["location"]}" does not exist',
            method="m_check",
            machine="master",
        )


def showres(me: Machine, call: NimCall) -> None:
    """Contents of a resource: this estate only confirms that it exists."""
    found = _existing(me, call.name)
    me.out(f"{call.name}: {found.get('location', found['type'])}\n")


def lslpp(me: Machine, call: NimCall) -> None:
    """The usual connectivity probe: fails as the channel fails (reference aix-nim section 5.1)."""
    host = nimdb.if1_host(_existing(me, call.name))
    refused = remote.refusal(me, host, "m_lslpp")
    if refused:
        raise NimError(int(refused[5:8]), f'0042-001 nim: processing error encountered on "master":\n   {refused}')
    me.out(
        "  Fileset                      Level  State      Description         \n"
        "  ----------------------------------------------------------------------------\n"
        "Path: /usr/lib/objrepos\n"
        "  bos.sysmgt.sysbr           7.2.5.1  COMMITTED  System Backup and BOS Install\n"
    )


def bos_inst(me: Machine, call: NimCall) -> None:
    """Enables an installation from allocated resources; nothing boots here. Names as IBM documents the operation."""
    client = _existing(me, call.name)
    for key in call.attributes:
        if key not in _BOS_INST_ATTRIBUTES:
            raise wrong_attribute("m_bos_inst", key)
    for key in ("source", "spot", *(("mksysb",) if call["source"] == "mksysb" else ())):
        if not call[key]:
            raise failed(21, f'0042-021 m_bos_inst: the "{key}" attribute is required for this operation')
    if client.get("type") != "standalone":
        raise failed(1, f'"{call.name}" is no standalone machine', method="m_bos_inst", machine="master")
    given = {key: value for key, value in call.attributes.items() if key in _RESOURCES}
    for kind, name in given.items():
        if _existing(me, name).get("type") != kind:
            raise failed(1, f'"{name}" is no resource of type {kind}', method="m_bos_inst", machine="master")
    _give(me, call.name, given)
    nimdb.set_attributes(me, call.name, Cstate="BOS installation has been enabled", prev_state=nimdb.READY)
    if call["boot_client"] == "yes":
        install(me, call.name)


def install(me: Machine, name: str) -> bool:
    """A machine that was enabled boots from the network: what was laid into its root is gone; False when it stays down.

    NIM takes its resources back, as after a real installation.
    """
    from nimwrap.estate.image import DamagedError, check_whole

    objects = nimdb.objects(me)
    found = objects.get(name, {})
    client = remote.answering(me, nimdb.if1_host(found))
    if client is None or found.get("Cstate") == nimdb.READY or "mksysb" not in found:
        return False
    try:
        with open(me.path(objects[found["mksysb"]]["location"]), "rb") as file:
            check_whole(file)
    except (OSError, DamagedError):
        return False
    for left in os.listdir(client.path("/etc")):
        if left.endswith(".mark"):
            os.unlink(client.path(f"/etc/{left}"))
    emptied = NimCall()
    emptied.name, emptied.attributes = name, {"subclass": "all"}
    deallocate(me, emptied)
    nimdb.set_attributes(me, name, Cstate=nimdb.READY, prev_state="BOS installation has been enabled")
    return True


def _existing(me: Machine, name: str) -> nimdb.NimObject:
    found = nimdb.objects(me).get(name)
    if found is None:
        raise no_object(name)
    return found


OPERATIONS: dict[str, Callable[[Machine, NimCall], None]] = {
    "define": define,
    "remove": remove,
    "reset": reset,
    "allocate": allocate,
    "deallocate": deallocate,
    "change": change,
    "check": check,
    "showres": showres,
    "lslpp": lslpp,
    "bos_inst": bos_inst,
}
