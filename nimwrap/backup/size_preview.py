"""Space, when all else has passed: NIM's own preview, for a client whose images have no history yet."""

from __future__ import annotations

import shlex

from nimwrap.aix.nim import parse_space
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import format_size
from nimwrap.domain.findings import Failure
from nimwrap.hosts.script_batch import PREAMBLE, limited
from nimwrap.images.kinds.base import ImageOrder
from nimwrap.images.kinds.registry import KINDS, home, image_names
from nimwrap.master_context import MasterContext
from nimwrap.preflight.preflight_report import PreflightReport
from nimwrap.remedies.base import Work

PREVIEW_LIMIT_S = 240


def space_short(context: MasterContext, run: str, report: PreflightReport, work: Work) -> Failure | None:
    """A refusal when NIM itself says that the image will not fit; None when it fits, or when NIM does not say.

    A client with history has been judged by preflight from its own sizes already; ``size_preview`` is a ``define``
    and asks the client (aix-nim section 2.1), so it is not done for every run.
    """
    if work.sizes:
        return None
    client, policy = report.ref.client, work.policy
    names = image_names(work.kind, client, policy, work.clock, work.volume_group)
    preview = KINDS[work.kind].making(ImageOrder(client, policy, names, work.volume_group)).preview
    if preview is None:
        return None
    directory = shlex.quote(home(client, policy))
    script = f"{PREAMBLE}[ -d {directory} ] || mkdir -p {directory}\n{limited(shlex.join(preview), PREVIEW_LIMIT_S)}\n"
    result = context.act(run, "size preview", script, timeout=PREVIEW_LIMIT_S + 60)
    space = parse_space(result.stdout + result.stderr)
    if space is None:
        context.note(
            run, "space", "NIM's size preview said nothing about space; going on with the file system's figures"
        )
        return None
    if space.required_bytes <= space.available_bytes:
        return None
    return Failure(
        FailureCode.SPACE_SHORT,
        f"the image needs up to {format_size(space.required_bytes)}, "
        f"{format_size(space.available_bytes)} are free in {work.policy.directory}",
        f"make room (see `nimwrap images prune --dry-run {report.ref.client}`) or enlarge the file system",
        result.stdout[-2000:],
    )
