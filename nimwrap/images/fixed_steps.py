"""The steps by which a proven image takes a fixed name, each with its own test on the master.

The new image stays defined under its temporary name, at its own place, until the fixed name was verified over it, so
at every instant a whole image with a definition exists. The old file has a second name (a hard link) from the first
step on. Any step may be run again: one whose test holds already does nothing.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath

from nimwrap.aix import lsmksysb, nim
from nimwrap.hosts.script_batch import PREAMBLE

REFUSED = 31
"""Status of a step whose test does not hold after it was done."""


@dataclass(frozen=True)
class Replacement:
    """What is to change. ``place``: the fixed location; ``staged``: where the new image lies, defined as ``new``.

    ``aside`` and ``old``: the dated location and name that the old image gets; None where there was none to keep.
    ``backward``: a step was refused, and everything goes back.
    """

    run: str
    client: str
    kind: str
    resource_type: str
    fixed: str
    place: str
    new: str
    staged: str
    size_bytes: int
    aside: str | None = None
    old: str | None = None
    backward: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Replacement:
        """The inverse of :meth:`to_json`; ValueError or TypeError when the text is not one."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class RenameStep:
    """``done`` is a shell condition, ``do`` what makes it true."""

    name: str
    done: str
    do: str


def journal(spool: str, run: str) -> str:
    """The file on the master that holds the replacement until it is complete."""
    return f"{spool}/{run}/replace"


def _define(change: Replacement, name: str, location: str) -> str:
    return shlex.join(nim.define_existing(name, location=location, type_=change.resource_type))


def _at(name: str, value: str) -> str:
    return f'[ "$(at {shlex.quote(name)})" = {value} ]'


def forward(change: Replacement) -> list[RenameStep]:
    """From "old under the fixed name, new beside it" to "new under the fixed name, old as a dated generation"."""
    place, staged = shlex.quote(change.place), shlex.quote(change.staged)
    fixed, new = shlex.quote(change.fixed), shlex.quote(change.new)
    steps = []
    kept = f"[ ! -f {place} ]"
    if change.aside:
        aside = shlex.quote(change.aside)
        kept = f"same {place} {aside} || {kept}"
        steps.append(RenameStep("second name for the old file", f"[ -f {aside} ]", f"ln {place} {aside}"))
    steps += [
        RenameStep("release the fixed name", f"{_at(change.fixed, 'none')} || swapped", f"nim_ -o remove {fixed}"),
        RenameStep(
            "put the new file in its place",
            "swapped",
            # What stands there goes only when it has its second name: a file that nobody planned for is not ours.
            f"if {kept}; then rm -f {place}.new; ln {staged} {place}.new && mv -f {place}.new {place}\n"
            f"else echo 'a file stands there that has no second name'; fi",
        ),
        RenameStep(
            "take the fixed name", f"{_at(change.fixed, place)} && swapped", _define(change, change.fixed, change.place)
        ),
        RenameStep("verify the fixed name", f"{_at(change.fixed, place)} && swapped && whole {place}", ":"),
    ]
    if change.aside and change.old:
        aside = shlex.quote(change.aside)
        steps.append(
            RenameStep(
                "the old image becomes a dated generation",
                _at(change.old, aside),
                _define(change, change.old, change.aside),
            )
        )
    drop = f'[ "$(at {new})" = none ] || nim_ -o remove {new}; [ "$(at {new})" = none ] && rm -f {staged}'
    parent = PurePosixPath(change.staged).parent
    if parent.name == change.new:  # NIM_MKSYSB_SUBDIRS gives each image a directory of its own
        drop += f" && rmdir {shlex.quote(str(parent))} 2>/dev/null"
    steps.append(RenameStep("drop the temporary name", f"{_at(change.new, 'none')} && [ ! -f {staged} ]", drop))
    return steps


def backward(change: Replacement) -> list[RenameStep]:
    """Back to where it began; the new image keeps its temporary name and is a dated generation from then on."""
    place, fixed = shlex.quote(change.place), shlex.quote(change.fixed)
    free = _at(change.fixed, "none")
    undo = f"nim_ -o remove {fixed}"
    if not change.aside:
        return [
            RenameStep("release the fixed name again", free, undo),
            RenameStep(
                "take the new file's second name away",
                f"! same {place} {shlex.quote(change.staged)}",
                f"rm -f {place} {place}.new",
            ),
        ]
    aside = shlex.quote(change.aside)
    restored = f"{{ same {place} {aside} || [ ! -f {aside} ]; }}"
    steps = [
        RenameStep("release the fixed name again", f"{free} || {{ {_at(change.fixed, place)} && {restored}; }}", undo),
        RenameStep(
            "put the old file back", restored, f"rm -f {place}.new; ln {aside} {place}.new && mv -f {place}.new {place}"
        ),
    ]
    if change.old:
        steps.append(
            RenameStep(
                "define the old image again", _at(change.fixed, place), _define(change, change.fixed, change.place)
            )
        )
    steps.append(
        RenameStep(
            "take the old file's second name away", f"[ ! -f {aside} ]", f"same {place} {aside} && rm -f {aside}"
        )
    )
    return steps


def _functions(change: Replacement) -> str:
    place, staged = shlex.quote(change.place), shlex.quote(change.staged)
    apart = f" && ! same {place} {shlex.quote(change.aside)}" if change.aside else ""
    return f"""\
at() {{
  /usr/sbin/lsnim -l "$1" 2>&1 | awk -v name="$1:" '
    $1 == name {{ known = 1 }} $1 == "location" {{ place = $3 }} /0042-053/ {{ gone = 1 }}
    END {{ if (known) print place; else if (gone) print "none"; else print "unclear" }}'
}}
nim_() {{ {nim.NIM} "$@"; }}
inode() {{ ls -i "$1" 2>/dev/null | awk '{{ print $1 }}'; }}
same() {{ [ -f "$1" ] && [ -f "$2" ] && [ "$(inode "$1")" = "$(inode "$2")" ]; }}
size() {{ ls -l "$1" 2>/dev/null | awk '{{ print $5 }}'; }}
swapped() {{
  same {place} {staged} && return 0
  [ ! -f {staged} ] && [ "$(size {place})" = {change.size_bytes} ]{apart}
}}
whole() {{ {shlex.join(lsmksysb.argv("$1")).replace("'$1'", '"$1"')} > /dev/null 2>&1; }}
"""


def step_script(change: Replacement, step: RenameStep, spool: str) -> str:
    """Runs one step unless its test holds; prints ``already`` or ``done``, and logs it beside the journal."""
    log = shlex.quote(f"{journal(spool, change.run)}.log")
    return f"""\
{PREAMBLE}{_functions(change)}
if {step.done}; then echo already; exit 0; fi
echo {shlex.quote("begin " + step.name)} >> {log}
{{ {step.do}
}} 2>&1
if {step.done}; then echo {shlex.quote("end " + step.name)} >> {log}; echo done; exit 0; fi
echo {shlex.quote("refused " + step.name)} >> {log}
exit {REFUSED}
"""


def journal_script(change: Replacement, spool: str) -> str:
    """Writes the journal whole or not at all."""
    path = shlex.quote(journal(spool, change.run))
    room = shlex.quote(f"{spool}/{change.run}")
    return f"""\
{PREAMBLE}umask 077
[ -d {room} ] || mkdir -p {room} || exit 1
cat > {path}.new <<'NIMWRAP_END'
{change.to_json()}
NIMWRAP_END
mv -f {path}.new {path}
"""


def forget_script(change: Replacement, spool: str) -> str:
    """Removes the journal once everything is recorded."""
    path = shlex.quote(journal(spool, change.run))
    return f"{PREAMBLE}rm -f {path} {path}.log {path}.new\n"
