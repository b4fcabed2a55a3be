"""What a narrow channel does to a command on its way to a client, and to what the command leaves running there.

The switches ``channel_*`` are those of the client that is called. The words of a refusal are this estate's own: what
nimsh says then is not public.
"""

from __future__ import annotations

import os
import time

from nimwrap.estate.machine import Machine
from nimwrap.estate.process import shell_path

MARK = "ESTATE_REQUEST"
"""Set for all that a request starts where ``channel_no_background`` is on: by it they are found again."""
_TERM, _KILL = 15, 9
_METHODS = "/usr/lpp/bos.sysmgt/nim/methods/"
_REFUSED = "0042-001 c_rsh: nimsh: "


def carried(client: Machine, script: str) -> tuple[str, str]:
    """``script`` as the client's shell gets it, and why the channel does not take it (empty when it does)."""
    if client.fault("channel_methods_only") and not script.startswith(_METHODS):
        return "", f"{_REFUSED}not a method\n"
    limit = client.fault("channel_refuse")
    if limit and len(os.fsencode(script)) > int(limit):
        return "", f"{_REFUSED}command too long\n"
    if client.fault("channel_one_line"):
        script = script.replace("\n", " ")
    for character in str(client.fault("channel_without") or ""):
        script = script.replace(character, "")
    limit = client.fault("channel_cut")
    if limit:
        script = os.fsdecode(os.fsencode(script)[: int(limit)])
    return (f'{shell_path()} -c "{script}"' if client.fault("channel_wrapped") else script), ""


def marked(client: Machine) -> str:
    """The mark of a new request, empty where nobody will look for what it leaves."""
    return str(os.getpid()) if client.fault("channel_no_background") else ""


def end_request(client: Machine, group: int, mark: str) -> None:
    """End what a request has left running, as the switches say; does not wait for it."""
    after = client.fault("channel_group_ended")
    if after is None and not mark:
        return
    if os.fork():
        return
    try:
        os.setsid()
        null = os.open("/dev/null", os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(null, stream)
        if mark:
            _signal(*_bearing(mark))
        if after is not None:
            time.sleep(0.0 if after is True else float(after))
            _signal(-group)
    finally:
        os._exit(0)


def _signal(*processes: int) -> None:
    for number in (_TERM, _KILL):
        for process in processes:
            try:
                os.kill(process, number)
            except OSError:
                continue
        time.sleep(0.2)


def _bearing(mark: str) -> list[int]:
    """The processes that were started by the request of this mark, whatever session they are in by now."""
    wanted, found = os.fsencode(f"{MARK}={mark}"), []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        found.append(int(name))
            except OSError:
                continue
    return found
