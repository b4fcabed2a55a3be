"""Kind ``nim``: another NIM master, sent there by the ssh of the first, and defined there as a resource.

Every step runs on the master of the image and reaches the other through its own ssh, so that no image passes the
control host, and what was begun ends without it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from nimwrap.aix import lsnim, nim
from nimwrap.config.model import MasterConfig
from nimwrap.copies.base import LEFT, CopyOrder
from nimwrap.copies.checksum_text import SUMS
from nimwrap.copies.path_copy import KIND as PATH
from nimwrap.domain.names import NIM_NAME_LIMIT
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.kinds.base import ImageNames
from nimwrap.images.kinds.registry import kind_of

SSH = ("/usr/bin/ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=30")
"""Never asks anything: a key that is not accepted, or a host that is not known, is a refusal."""
_NO_LOGIN = 255


class NimCopy:
    name = "nim"
    here = False
    looks = True

    def location(self, order: CopyOrder) -> str:
        return PATH.location(order)

    def make(self, order: CopyOrder) -> str:
        """What was sent half goes away with the failure, where the other master can still be told."""
        draft, image = PATH.draft(order), shlex.quote(order.row.location)
        parent = shlex.quote(self.location(order).rpartition("/")[0] or "/")
        send = _far(_other(order.far), f"umask 077; mkdir -p {parent} && rm -f {draft} && cat > {draft}")
        return f"""\
{send} < {image} || {{ {_far(_other(order.far), f"rm -f {draft}")} < /dev/null 2>/dev/null; exit 1; }}
{"" if order.known.crc else f"{SUMS}sums {image}"}
"""

    def look(self, order: CopyOrder) -> str:
        """A master that cannot be reached is told as such, with the way out."""
        return f"""\
said=$({_far(_other(order.far), PATH.look(order))} < /dev/null 2>&1); status=$?
echo "$said"
[ $status -ne {_NO_LOGIN} ] || echo "$(echo "$said" | tail -1) "{shlex.quote(_refusal(order))}
exit $status
"""

    def check(self, order: CopyOrder, *, draft: bool) -> str:
        room = shlex.quote(f"{_other(order.far).spool}/copies/{order.room}.far")
        text = f"mkdir -p {room} && cd {room} || exit 1\n{PATH.check(order, draft=draft)}"
        done = f"cd /; rm -rf {room}; rmdir {room.rpartition('/')[0]} 2>/dev/null"
        return _run(order, f"{text}status=$?\n{done}\nexit $status\n")

    def publish(self, order: CopyOrder, *, replacing: bool) -> str:
        """A file that NIM does not take is no copy that a restore can begin from: it becomes a draft again."""
        location = shlex.quote(self.location(order))
        back = f"{{ mv -f {location} {PATH.draft(order)}; exit 1; }}"
        moved = f"( {PATH.publish(order, replacing=replacing)}) || exit $?\n"
        return _run(order, f"{moved}( {self._define(order)}) || {back}\n")

    def adopt(self, order: CopyOrder) -> str:
        return _run(order, self._define(order))

    def write(self, far: MasterConfig | None, files: Mapping[str, str]) -> str:
        return f"{_far(_other(far), PATH.write(far, files))} < /dev/null\n"

    def fetch(self, order: CopyOrder) -> str:
        return ""

    def abandon(self, order: CopyOrder) -> str:
        return _run(order, PATH.abandon(order))

    def remove(self, order: CopyOrder) -> str:
        """The resource first, unless it is in use, and only the one that stands for this very file."""
        removed = shlex.join(nim.remove("NAME")).replace("NAME", '"$1"')
        return _run(
            order,
            f"""\
{_resources(order)}
bytes=$(ls -l {shlex.quote(self.location(order))} 2>/dev/null | awk '{{ print $5 }}')
if [ -n "$bytes" ] && [ "$bytes" != {order.row.size_bytes} ]; then echo 'another file lies there'; exit {LEFT}; fi
set -- $(resource)
if [ -n "$1" ] && [ "$2" != 0 ]; then echo "NIM serves $1 to $2 machines"; exit {LEFT}; fi
if [ -n "$1" ]; then {removed} || exit 1; fi
{PATH.remove(order)}""",
        )

    def _define(self, order: CopyOrder) -> str:
        """Defines the file unless a resource stands for it; a name that is taken is somebody's, so another is used."""
        stem = order.name.rpartition(".")[0]
        names = [stem, *(f"{stem[: NIM_NAME_LIMIT - 2]}_{n}" for n in range(2, 10))]
        define = kind_of(order.row.kind).define(ImageNames("NAME", self.location(order)))
        if define is None:
            return ":\n"
        return f"""\
{_resources(order)}
set -- $(resource)
[ -z "$1" ] || exit 0
for name in {shlex.join(names)}; do
  {lsnim.LSNIM} "$name" > /dev/null 2>&1 && continue
  {shlex.join(define[:-1])} "$name" && exit 0
  exit 1
done
echo 'every name for its resource is taken'; exit 1
"""


def _resources(order: CopyOrder) -> str:
    """Shell text that defines ``resource``: name and users of the one that stands for the copy's place."""
    listing = shlex.join(lsnim.long_argv(type_=kind_of(order.row.kind).owner_type))
    place = shlex.quote(PATH.location(order))
    return f"""\
resource() {{
  {listing} 2>/dev/null | awk -v place={place} '
    /^[^ ].*:$/ {{ name = $1; sub(":$", "", name); users = 0 }}
    $1 == "alloc_count" {{ count[name] = $3 }}
    $1 == "location" && $3 == place {{ found = name }}
    END {{ if (found != "") print found, count[found] + 0 }}'
}}"""


def _run(order: CopyOrder, text: str) -> str:
    return f"{_far(_other(order.far), text)} < /dev/null\n"


def _far(to: MasterConfig, text: str) -> str:
    """Shell text that runs ``text`` on the other master, with this one's input as its own."""
    port = ["-p", str(to.port)] if to.port != 22 else []
    become = f"{shlex.quote(to.become)} -n " if to.become else ""
    command = f"{become}/usr/bin/ksh -c {shlex.quote(PREAMBLE + text)}"
    return shlex.join([*SSH, *port, "-l", to.user, to.host or to.name, command])


def _other(far: MasterConfig | None) -> MasterConfig:
    if far is None:
        raise ValueError("the place of a copy names no other master")
    return far


def _refusal(order: CopyOrder) -> str:
    to = _other(order.far)
    return (
        f"(no login at {to.user}@{to.host or to.name} from {order.row.master}: root there needs a key that {to.name} "
        "accepts, and its host key in known_hosts: docs/copies.md)"
    )


KIND = NimCopy()
