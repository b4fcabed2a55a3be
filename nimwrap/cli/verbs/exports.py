"""``nimwrap exports list``: export changes in force, and the journal of those that were undone."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from nimwrap.cli.invocation import Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.time_args import short
from nimwrap.domain.local_time import zone
from nimwrap.history.json_view import change_json

PAGE = 50


def register(app: typer.Typer) -> None:
    exports = typer.Typer(help="Changes of NFS exports that nimwrap made.", rich_markup_mode=None)
    exports.command("list")(list_changes)
    exports.callback()(_exports)
    app.add_typer(exports, name="exports")


def _exports() -> None:
    """Changes of NFS exports that nimwrap made."""


def list_changes(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most N entries of the journal.")] = PAGE,
) -> None:
    """List the export changes in force, then the journal, newest first.

    Example: nimwrap exports list
    """
    invocation = current(ctx)
    with invocation.reader() as reader:
        in_force = reader.open_changes()
        open_ids = {change.id for change in in_force}
        journal = [change for change in reader.changes(limit=limit + len(in_force)) if change.id not in open_ids]
    changes = [change_json(change) for change in [*in_force, *journal[:limit]]]
    text = _Text(changes[: len(in_force)], changes[len(in_force) :])
    invocation.finish(Result("exports list", {"changes": changes, "in_force": len(in_force)}, text=text))


class _Text:
    """The two tables."""

    def __init__(self, in_force: list[dict[str, Any]], journal: list[dict[str, Any]]) -> None:
        self.in_force, self.journal = in_force, journal

    def __call__(self, printer: Printer) -> None:
        if self.in_force:
            printer.heading("In force")
            self._table(printer, self.in_force)
            printer.line("`nimwrap recover` undoes what a run that is gone left; `foreign` needs a person to look.")
        else:
            printer.line("No export change is in force.")
        if self.journal:
            printer.line()
            printer.heading("Journal")
            self._table(printer, self.journal)

    @staticmethod
    def _table(printer: Printer, changes: list[dict[str, Any]]) -> None:
        printer.table(
            ("id", "state", "master", "directory", "let in", f"applied ({zone()})", "reverted", "run"),
            [
                (
                    change["id"],
                    printer.word(change["state"]),
                    change["master"],
                    change["directory"],
                    ", ".join(change["added"]),
                    short(change["applied"]),
                    short(change["reverted"]),
                    change["run"],
                )
                for change in changes
            ],
        )
