"""The command table: which file holds which verb, loaded when it is called or listed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Backing up", ("backup", "check", "cancel", "recover", "hold")),
    ("What happened", ("status", "history", "show", "audit", "report", "metrics")),
    ("Images and exports", ("images", "exports")),
    ("Schedules", ("schedule", "serve")),
    ("This installation", ("config", "doctor", "notify", "explain", "demo", "completion_install")),
)
"""Verb modules of ``nimwrap.cli.verbs`` by section of ``--help``. One named like its verb is loaded alone."""


class VerbGroup(TyperGroup):
    """The top group: it knows its verbs by name and imports the file of the one that is called."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._sections: dict[str, list[str]] = {}
        self._loaded: set[str] = set()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.commands:
            for section, modules in SECTIONS:
                if cmd_name in modules:
                    self._load(section, cmd_name)
        if cmd_name not in self.commands:
            self._load_all()
        return self.commands.get(cmd_name)

    def list_commands(self, ctx: Any) -> list[str]:
        self._load_all()
        return [name for names in self._sections.values() for name in names]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of commands under their sections."""
        self._load_all()
        for section, names in self._sections.items():
            rows = [(f"{name:<10}", self.commands[name].get_short_help_str(limit=200)) for name in names]
            with formatter.section(section):
                formatter.write_dl(rows)

    def _load_all(self) -> None:
        for section, modules in SECTIONS:
            for module in modules:
                self._load(section, module)

    def _load(self, section: str, module: str) -> None:
        if module in self._loaded:
            return
        self._loaded.add(module)
        verbs = typer.Typer(rich_markup_mode=None, suggest_commands=False)
        import_module(f"nimwrap.cli.verbs.{module}").register(verbs)
        commands = typer.main.get_group(verbs).commands
        self.commands.update(commands)
        self._sections.setdefault(section, []).extend(commands)
