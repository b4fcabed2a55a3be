"""The plan as TOML, and as new files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nimwrap.config.spelling import toml
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.scheduling.cron_import.import_plan import UNSET_ZONE, Plan

SCHEDULE_FILE = Path("from-cron.toml")
SETTINGS_FILE = Path("configuration") / "from-cron.toml"
"""In a directory of its own: whoever names DIR as the directory of schedules must not find settings among them."""


def schedules_toml(plan: Plan, source: str) -> str:
    """The schedule file; empty when no line was understood."""
    parts = []
    for schedule in plan.schedules:
        unset = "   # the crontab does not say; write the zone of that machine, such as Europe/Berlin"
        parts.append(
            f"# from line {', '.join(map(str, schedule.lines))} of {_comment(source)}\n"
            f"[{schedule.name}]\n"
            f"cron = {toml(schedule.cron)}\n"
            f"timezone = {toml(schedule.timezone)}{unset if schedule.timezone == UNSET_ZONE else ''}\n"
            f"targets = {toml(schedule.targets)}\n"
        )
    return "\n".join(parts)


def settings_toml(plan: Plan) -> str:
    """What belongs into the configuration; empty when the crontab's commands say nothing about it."""
    tables: dict[str, Mapping[str, str]] = {"backup": plan.common} if plan.common else {}
    tables |= {f"clients.{toml(name) if '!' in name else name}": own for name, own in plan.own.items()}
    bodies = [
        f"[{table}]\n" + "".join(f"{key} = {toml(value)}\n" for key, value in settings.items())
        for table, settings in tables.items()
    ]
    return "\n".join(bodies)


def write_files(directory: Path, plan: Plan, source: str) -> list[Path]:
    """Write what there is to write, all or nothing; NimwrapError (exit 1) where a file exists, or none can be."""
    texts = {SCHEDULE_FILE: schedules_toml(plan, source), SETTINGS_FILE: settings_toml(plan)}
    files = {directory / name: text for name, text in texts.items() if text}
    for path in files:
        if path.exists() or path.is_symlink():
            hint = "name another directory, or move that file away; nothing was written"
            raise NimwrapError(f"{path} exists, and is not overwritten", "file_exists", hint, ExitCode.FAILED)
    drafts: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            drafts[path] = path.with_name(f".{path.name}.{os.getpid()}")
            drafts[path].write_text(text, encoding="utf-8")
        for path, draft in drafts.items():
            os.link(draft, path)  # unlike a rename it takes nobody's place
            placed.append(path)
    except OSError as error:
        for path in placed:
            path.unlink()
        where = error.filename2 or error.filename or directory
        hint = "name another directory; nothing was written"
        raise NimwrapError(f"{where}: {error.strerror}", "not_written", hint, ExitCode.FAILED) from error
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    return list(files)


def _comment(text: str) -> str:
    """Text that stays on its line and does no harm there."""
    return "".join(character if character.isprintable() else "?" for character in text)
