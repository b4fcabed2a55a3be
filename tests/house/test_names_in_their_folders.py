"""Only their own folders and the configuration call remedies and kinds by name: everybody else asks the object."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from nimwrap.config.model import KINDS, REMEDIES
from tests.house.sources import PACKAGE, literals, modules


def test_no_remedy_is_called_by_name_outside_its_folder_and_the_configuration() -> None:
    words = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in REMEDIES))
    found = [
        f"{name}: {text!r}"
        for name, tree in modules(("remedies/", "config/", "estate/"))
        for text in literals(tree)
        if words.search(text)
    ]
    assert found == []


def test_no_module_of_a_remedy_is_imported_outside_its_folder() -> None:
    own = {f"nimwrap.remedies.{name.replace('-', '_')}" for name in REMEDIES}
    found = []
    for name, tree in modules(("remedies/", "estate/")):
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                taken = {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
                found += [f"{name}: {one}" for one in taken & own]
    assert found == []


def test_each_remedy_of_the_configuration_has_its_module_and_each_module_its_name() -> None:
    from nimwrap.remedies.registry import remedy

    assert [remedy(name).name for name in REMEDIES] == list(REMEDIES)
    objects = {path.stem for path in Path(PACKAGE / "remedies").glob("*.py") if "\nREMEDY = " in path.read_text()}
    assert objects == {"nim_operation", *(name.replace("-", "_") for name in REMEDIES)}


NOT_KINDS = {
    "aix/": "NIM's types of resource",
    "domain/names.py": "PLAIN_KIND itself",
    "preflight/check_context.py": "attributes of a machine that name what is allocated to it",
    "backup/cleanup.py": "the same",
    "images/restore/restore_plan.py": "the same",
    "service/observe/": "NIM's types of resource",
    "scheduling/cron_import/": "commands in other people's crontabs",
}
"""Where a kind's name is a NIM type or an AIX command, which has the same name."""


def test_no_kind_is_called_by_name_outside_its_folder_and_the_configuration() -> None:
    found = [
        f"{name}: {text!r}"
        for name, tree in modules(("images/kinds/", "config/", "estate/", *NOT_KINDS))
        for text in literals(tree)
        if text in KINDS
    ]
    assert found == []


def test_each_kind_of_the_configuration_has_its_module_and_each_module_its_name() -> None:
    from nimwrap.images.kinds import registry

    assert [kind.name for kind in registry.KINDS.values()] == list(KINDS)
    objects = {path.stem for path in (PACKAGE / "images/kinds").glob("*.py") if "\nKIND = " in path.read_text()}
    assert objects == set(KINDS)
