"""``nim -o define ... -a mk_image=yes``: the steps of reference aix-nim section 2.3, in their order, synchronous."""

from __future__ import annotations

import os

from nimwrap.estate import nfs, nimdb, nimexport, remote
from nimwrap.estate.commands.sim_mksysb import image_size
from nimwrap.estate.filesystems import filesystem, free_kb
from nimwrap.estate.hooks import hook
from nimwrap.estate.machine import Machine
from nimwrap.estate.nimdb import NimObject
from nimwrap.estate.nimerror import NimError, failed, location_taken, no_object, unexpected
from nimwrap.estate.process import pump

SHARE_OF_ESTIMATE = 0.83
"""The image of the one public capture was 83 % of Required (reference aix-nim section 5.3)."""
_RULE = "+---------------------------------------------------------------------+\n"
METHOD = "m_mkbosi"


class ImageRequest:
    """A ``define`` as it was asked for."""

    def __init__(self, name: str, kind: str, attributes: dict[str, str], force: bool = False) -> None:
        self.name, self.type, self.attributes, self.force = name, kind, attributes, force

    def __getitem__(self, key: str) -> str:
        return self.attributes.get(key, "")


def make(me: Machine, request: ImageRequest) -> NimObject:
    """Make the image on its client and return the object to define; raises NimError with all of nim's stderr."""
    source, machine = _source(me, request)
    host = nimdb.if1_host(machine)
    refused = remote.refusal(me, host, METHOD)
    client = remote.answering(me, host)
    if refused or client is None:
        raise NimError(int((refused or "0042-006")[5:8]), _outer() + "   " + (refused or ""))
    _say_space(me, client, request)
    if request["size_preview"] == "yes":
        return {}
    location = _location(me, request)
    nimdb.set_attributes(me, source, Cstate=nimdb.BUSY, prev_state=nimdb.READY, locked=str(os.getpid()))
    result = "failure"
    try:
        _with_export(me, request, client, (source, host, location))
        result = "success"
    except NimError as error:
        nimdb.set_attributes(me, source, err_info=_last_message(error.text))
        raise
    finally:
        if not me.fault("cstate_stuck", source):
            nimdb.set_attributes(
                me, source, Cstate=nimdb.READY, prev_state=nimdb.BUSY, Cstate_result=result, locked=None
            )
    return described(me, client, request, location)


def _source(me: Machine, request: ImageRequest) -> tuple[str, NimObject]:
    source = request["source"]
    machine = nimdb.objects(me).get(source)
    if machine is None:
        raise no_object(source)
    if machine["type"] not in ("standalone", "vios"):
        raise _forbidden(source, f'"{source}" is not a machine that can be backed up')
    if machine.get("Cstate") != nimdb.READY:
        raise _forbidden(source, f'the Cstate of "{source}" does not permit this operation: {machine.get("Cstate")}')
    if "push_off" in machine.get("control", ""):
        raise _forbidden(source, f'"{source}" has taken the permission for push operations away from its master')
    if machine.get("locked"):
        raise _forbidden(source, f'the NIM object "{source}" is locked by process {machine["locked"]}')
    return source, machine


def _forbidden(source: str, why: str) -> NimError:
    """No public text exists for these refusals, so they carry no number of their own (aix-nim section 6.2)."""
    return failed(1, why, method=METHOD, machine=source)


def required_kb(client: Machine) -> int:
    """What the client's own estimate says, in 1024-byte blocks."""
    return int(image_size(client) / SHARE_OF_ESTIMATE / 1024) + 1


def _say_space(me: Machine, client: Machine, request: ImageRequest) -> None:
    directory = os.path.dirname(request["location"])
    required, available = required_kb(client), free_kb(me, filesystem(me, directory))
    me.out(
        f"{_RULE}                System Backup Image Space Information\n"
        f"              (Sizes are displayed in 1024-byte blocks.)\n{_RULE}\n"
        f"Required = {required} ({required // 1024} MB)    Available = {available} ({available // 1024} MB)\n\n\n"
    )
    if required > available and not request.force:
        raise failed(
            1,
            f"There is not enough space in the file system for the image of {client.name}: "
            f"{required} blocks of 1024 bytes are required, {available} are available.",
        )


def _location(me: Machine, request: ImageRequest) -> str:
    """With NIM_MKSYSB_SUBDIRS=yes each image has a directory of its own (reference aix-nim section 3.1)."""
    location = request["location"]
    if os.environ.get("NIM_MKSYSB_SUBDIRS") != "yes":
        return location
    directory, file = os.path.split(location)
    os.makedirs(me.path(f"{directory}/{request.name}"), exist_ok=True)
    return f"{directory}/{request.name}/{file}"


def _with_export(me: Machine, request: ImageRequest, client: Machine, where: tuple[str, str, str]) -> None:
    source, host, location = where
    directory = os.path.dirname(location)
    try:
        opened = nimexport.open_for(me, directory, host)
    except nimexport.ExportRefusedError as refused:
        raise _export_failure(me, directory, str(refused)) from None
    try:
        _run_on_client(me, request, client, (source, location))
        if me.fault("nim_hang_after_image", client.name):
            me.hang(lambda: bool(me.fault("nim_hang_after_image", client.name)))
    finally:
        nimexport.close(me, opened)


def _export_failure(me: Machine, directory: str, text: str) -> NimError:
    if me.setting("refuse_text", "exportfs") == "0042-081" and "already exported" in text:
        return location_taken(METHOD, directory)
    return unexpected(METHOD, "master", METHOD, "/usr/sbin/exportfs", text)


def _run_on_client(me: Machine, request: ImageRequest, client: Machine, where: tuple[str, str]) -> None:
    """Start c_mkbosi over there and relay what it prints; its stderr tells which command failed."""
    source, location = where
    directory, file = os.path.split(location)
    flags = request["mksysb_flags"].replace(" ", "").replace("-", "")
    group = [request["volume_group"]] if request.type == "savevg" else []
    child = remote.start_method(client, "c_mkbosi", [me.name, directory, file, flags, request.type, *group])
    errors: list[bytes] = []
    if client.fault("garbled_output"):
        os.write(1, b"\xc3\x28\xff\x00\xfe garbled \x93\n")
    strip = client.paths.stripper()
    pump({child.stdout: lambda data: _relay(me, strip.feed(data)), child.stderr: errors.append})
    _relay(me, strip.flush())
    status = child.wait()
    said = client.paths.outward(b"".join(errors).decode("utf-8", "replace"))
    if not status:
        me.err(said)
        return
    if status == 255 and not said and hook(me, "remote"):
        raise NimError(6, f"{_outer()}   0042-006 {METHOD}: (From_Master) connect Connection timed out\n")
    command, _, raw = said.partition("\n")
    raise unexpected(METHOD, source, "c_mkbosi", command or "/usr/bin/savevg", raw or f"killed, status {status}\n")


def _relay(me: Machine, data: bytes) -> None:
    if data:
        os.write(1, os.fsencode(me.paths.inward(os.fsdecode(data))))


def described(me: Machine, client: Machine | None, request: ImageRequest, location: str) -> NimObject:
    """The finished resource, in the attribute order of the captures (reference aix-nim section 2.4)."""
    found = {"class": "resources", "type": request.type}
    if request["comments"]:
        found["comments"] = request["comments"]
    found["creation_date"] = nimdb.date_text(me)
    if client is not None:
        found["source_image"] = request["source"]
    found |= {"arch": "power", "Rstate": "ready for use", "prev_state": "unavailable for use", "location": location}
    level = str(client.facts["oslevel"]) if client else ""
    if level:
        found |= level_attributes(level)
    return found | {"alloc_count": "0", "server": "master"}


def level_attributes(level: str) -> NimObject:
    """The attributes of an image that follow from its level, such as 7200-05-04-2220."""
    return {
        "version": level[0],
        "release": level[1],
        "mod": str(int(level[5:7])),
        "oslevel_r": level[:7],
        "oslevel_s": level,
    }


def parent_is_there(me: Machine, location: str) -> bool:
    """The directory that is to be exported exists on the master."""
    return os.path.isdir(me.path(os.path.dirname(location)))


def exported_file(me: Machine, location: str) -> bool:
    """The file itself is exported: an allocated resource."""
    return nfs.entry(me, location) is not None


def _outer() -> str:
    return '0042-001 nim: processing error encountered on "master":\n'


def _last_message(text: str) -> str:
    numbered = [line for line in text.splitlines() if line[:5] == "0042-" and line[5:8].isdigit()]
    lines = [line for line in numbered if not line.startswith("0042-001")]
    return lines[-1] if lines else text.splitlines()[-1].strip()
