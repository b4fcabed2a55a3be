"""Level ``extract``: bosinst.data, image.data, files of /etc and the ODM come out, as the image's own list has them.

``restore -T`` and ``restore -x`` as aix-nim section 8 and peers section 2.6 have them: both read the image to its end,
and without input neither can ask for a further volume. All lies in the job's own directory and goes with it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.drills.base import FOLDER, DrillEnd, DrillWork
from nimwrap.images.verification import READ_LIMIT_S
from nimwrap.jobs.detached_job import DetachedJob, JobStatus

DATA_FILES = ("./bosinst.data", "./image.data")
"""Without them nothing can be installed from an image."""
_ETC = "hosts|passwd|group|inittab|filesystems|environment|niminfo|resolv[.]conf|security[/]user"
_ODM = "etc|usr[/]lib|usr[/]share[/]lib"
_MOST_ODM = 40
_FAILED = 23
# Only names that begin with "./": restore would put others where they say, over the master's own files.
_CHOOSE = f"""\
/^nw_rc=/ {{ rc = substr($0, 7); next }}
/^x?[ ]*[.]?[/]/ {{
  n++
  wanted = ($NF ~ "^[.][/](bosinst|image)[.]data$" || $NF ~ "^[.][/]etc[/]({_ETC})$")
  if ($NF ~ "^[.][/]({_ODM})[/]objrepos[/][A-Za-z0-9_.+-]+$") {{ wanted = (odm++ < {_MOST_ODM}) }}
  if (wanted) {{ print $NF > "names" }}
}}
END {{ print "listed " n + 0; print "read " rc + 0 }}
"""


class ExtractDrill:
    """Needs nothing but the master."""

    name = "extract"
    needs = ""

    def job(self, work: DrillWork) -> DetachedJob:
        image = shlex.quote(work.row.location)
        text = f"""\
mkdir files || exit {_FAILED}
: > names
{{ restore -Tqf {image} < /dev/null 2> said; echo "nw_rc=$?"; }} | awk '{_CHOOSE}' > listed
cat listed
grep '^read 0$' listed > /dev/null || {{ tail -5 said; exit {_FAILED}; }}
[ -s names ] || exit 0
cd files || exit {_FAILED}
restore -xqf {image} $(cat ../names) < /dev/null > ../said 2>&1 || {{ tail -5 ../said; exit {_FAILED}; }}
for name in $(cat ../names); do echo "file $name $(ls -ld "$name" 2> /dev/null)"; done
exit 0
"""
        return DetachedJob(FOLDER, work.job_name, text, 2 * READ_LIMIT_S)

    def judge(self, work: DrillWork, status: JobStatus) -> DrillEnd:
        if not status.done_well:
            return DrillEnd(_failed(work, f"it cannot be restored from: {status.reason}"), (status.output[-2000:],))
        lines = [line.split() for line in status.output.splitlines()]
        listed = next((int(line[1]) for line in lines if line[:1] == ["listed"] and line[1:]), 0)
        sizes = {line[1]: _size(line[2:]) for line in lines if line[:1] == ["file"] and len(line) > 1}
        told = tuple(_told(listed, sizes))
        if faults := list(_faults(sizes)):
            return DrillEnd(_failed(work, "; ".join(faults)), told)
        return DrillEnd(None, told)

    def clear(self, work: DrillWork) -> str:
        """All of it lies in the job's directory."""
        return ""


def _size(listed: list[str]) -> int | None:
    """The bytes of a file by its line of ``ls -ld``; None when it is not there."""
    return int(listed[4]) if len(listed) > 4 and listed[4].isdigit() else None


def _faults(sizes: dict[str, int | None]) -> Iterator[str]:
    for name in DATA_FILES:
        if name not in sizes:
            yield f"{name} is not in it"
        elif sizes[name] == 0:
            yield f"{name} is empty"
    for name, size in sizes.items():
        if size is None:
            yield f"{name} is in its list and did not come out"
    if not any(_is_etc(name) for name in sizes):
        yield "none of the usual files of /etc is in it"
    if not any(_is_odm(name) for name in sizes):
        yield "nothing of the ODM is in it"


def _told(listed: int, sizes: dict[str, int | None]) -> Iterator[str]:
    out = [name for name, size in sizes.items() if size is not None]
    yield f"{listed} names in the image's own list, read to its end"
    yield f"{len(out)} of {len(sizes)} chosen files came out"
    for name in DATA_FILES:
        if sizes.get(name):
            yield f"{name} has {sizes[name]} bytes"
    yield f"of /etc: {' '.join(filter(_is_etc, out)) or 'none'}"
    yield f"of the ODM: {sum(map(_is_odm, out))} files"


def _is_etc(name: str) -> bool:
    return name.startswith("./etc/") and not _is_odm(name)


def _is_odm(name: str) -> bool:
    return "/objrepos/" in name


def _failed(work: DrillWork, why: str) -> Failure:
    where = work.row.resource or work.row.location
    fix = f"nimwrap images verify --full {work.row.client}; make a new image, this one would not restore"
    return Failure(FailureCode.IMAGE_UNREADABLE, f"{where}: {why}", fix)
