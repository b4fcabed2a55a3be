"""The line that NIM itself writes to /etc/exports for an operation, and leaves there when it is killed."""

from __future__ import annotations

import shlex

from nimwrap.aix import etc_exports, exportfs
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.hosts.script_batch import Answer, Question
from nimwrap.remedies.registry import remedy

FILE = "/etc/exports"


def question(plan: AttemptPlan) -> list[Question]:
    """What to ask about it; nothing where NIM exports nothing."""
    if remedy(plan.method).own_directory:
        return []
    return [Question("standing", f"[ ! -f {FILE} ] || cat {FILE}", 60)]


def left_by_nim(plan: AttemptPlan, answer: Answer | None) -> tuple[str | None, str]:
    """What takes the line out, where it is proven to be this operation's own; and what to say about it otherwise.

    It is NIM's when it was not there before and admits nobody but this client: NIM wrote it, and has ended.
    """
    if answer is None or answer.unknown or answer.failed:
        return None, ""
    try:
        entries = [one for one in etc_exports.parse_file(answer.output) if one.directory == plan.directory]
    except Unrecognised:
        return None, ""
    if not entries or plan.directory in (plan.had_standing or ()):
        return None, ""
    line = entries[0].text
    named = {*entries[0].hosts("access"), *entries[0].hosts("root")}
    ours = bool(named) and named <= {plan.client, plan.client_host, *plan.added} and line in answer.output.splitlines()
    if plan.had_standing is None or len(entries) > 1 or not ours:
        by_hand = f"{shlex.join(exportfs.unexport_argv(plan.directory))}; then take the line out"
        return None, f"{FILE} has {line}, perhaps of NIM for this operation; look, then {by_hand}"
    return take_out_script(line), ""


def take_out_script(line: str) -> str:
    """Shell text that takes exactly this line out of /etc/exports, whole or not at all; mode and owner stay."""
    return f"""\
( cp -p {FILE} {FILE}.nimwrap || exit 1
grep -Fvx -e {shlex.quote(line)} {FILE} > {FILE}.nimwrap
if [ $(( $(wc -l < {FILE}) - 1 )) -eq $(( $(wc -l < {FILE}.nimwrap) )) ]; then mv {FILE}.nimwrap {FILE}
else rm -f {FILE}.nimwrap; echo "{FILE} has changed meanwhile"; exit 1
fi )"""
