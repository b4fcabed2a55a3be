"""Remedy ``pre-export``: the client's own image directory is exported to both addresses before NIM's operation.

What NIM does with an export that it finds is not known (aix-nim section 10); it is tried, and judged by the image.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from nimwrap.aix import etc_exports, exportfs
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.hosts.script_batch import CLOCK
from nimwrap.preflight.master_facts import within
from nimwrap.preflight.nearby_exports import nearby_exports
from nimwrap.remedies.base import (
    EXPORT_FAILED,
    STAGING_FAILED,
    ExportListing,
    Obstacle,
    Step,
    Work,
    home_step,
    nim_step,
)
from nimwrap.remedies.export_options import admitting_options, widened_options
from nimwrap.remedies.undo import restore_command, undo_script

if TYPE_CHECKING:
    from nimwrap.preflight.check_context import CheckContext


class PreExport:
    """See :class:`nimwrap.remedies.base.Remedy`."""

    name = "pre-export"
    own_directory = False

    def obstacle(self, s: CheckContext) -> Obstacle | None:
        """What is exported now so that the image directory's own export cannot be widened for the client."""
        for export in nearby_exports(s):
            if within(export.directory, s.path or "") and (export.directory != s.path or export.read_only):
                how = "for reading only" if export.directory == s.path else f"below {s.path}"
                return Obstacle(
                    f"what is exported {how}: {export.directory}",
                    f"if nothing uses it: exportfs -u {export.directory}",
                )
        return None

    def plan(
        self, draft: AttemptPlan, work: Work, hosts: tuple[str, ...], exports: ExportListing
    ) -> AttemptPlan | Failure:
        """The directory's own export as exportfs lists it, widened by ``hosts``; one for reading is left alone."""
        listing = exports()
        try:
            entries = etc_exports.parse_listing(listing) if listing.strip() else []
        except Unrecognised:
            entries = []
        own = [entry for entry in entries if entry.directory == draft.directory]
        if len(own) > 1:
            return Failure(
                FailureCode.EXPORT_CONFLICT,
                f"{draft.directory} is exported {len(own)} times (once for each NFS version), and pre-export can widen"
                " only one of them",
                f"exportfs -u {draft.directory}, and leave one of its lines in /etc/exports; or allow own-mount",
                "\n".join(entry.text for entry in own),
            )
        entry = next(iter(own), None)
        if entry is None:
            return replace(draft, exported=draft.directory, added=hosts, after=admitting_options(hosts))
        if entry.read_only:
            return Failure(
                FailureCode.EXPORT_CONFLICT,
                f"{draft.directory} is exported for reading only, so that pre-export cannot let {draft.client} write "
                "there",
                f"if nothing uses it: exportfs -u {draft.directory}, and take its line out of /etc/exports; or allow "
                'own-mount: remedies = ["own-mount", "pre-export"]',
                entry.text,
            )
        before = entry.options or "rw"  # what no option at all means (the exports file)
        after, added = widened_options(before, hosts)
        return replace(draft, exported=draft.directory, added=added, before=before, after=after)

    def steps(self, plan: AttemptPlan, work: Work) -> list[Step]:
        admit = shlex.join(exportfs.export_argv(plan.directory, plan.after or ""))
        withdraw = restore_command(plan.directory, plan.before)
        return [home_step(plan), Step(plan.master, admit), nim_step(plan, work), Step(plan.master, withdraw)]

    def command(self, plan: AttemptPlan, work: Work) -> str:
        """Widen the export if it still is what it was, then NIM's own operation.

        That the export took is judged by the hosts it lists; exportfs may write the other options its own way.
        """
        home, admit, make, _ = self.steps(plan, work)
        path, directory = shlex.quote(plan.directory), plan.directory
        return f"""\
{home.command} || exit {STAGING_FAILED}
entry() {{ /usr/sbin/exportfs | awk -v d={path} '$1 == d {{ print $2 }}'; }}
now=$(entry)
if [ "${{now#-}}" != {shlex.quote(plan.before or "")} ]; then
  echo "the export of {directory} changed meanwhile: $now"; exit {EXPORT_FAILED}
fi
{admit.command} || exit {EXPORT_FAILED}
now=$(entry)
for host in {" ".join(shlex.quote(host) for host in plan.added)}; do
  echo "$now" | tr ',:=' '\\n\\n\\n' | grep -Fx "$host" > /dev/null \
    || {{ echo "exportfs does not list $host after exporting {directory}: $now"; exit {EXPORT_FAILED}; }}
done
{CLOCK} > applied_at
echo "$now" > applied
{make.command}
"""

    def undo(self, plan: AttemptPlan, applied: str = "") -> str:
        return undo_script(plan.directory, plan.added, plan.before, applied)

    def clean_client(self, plan: AttemptPlan) -> None:
        return None


REMEDY = PreExport()
