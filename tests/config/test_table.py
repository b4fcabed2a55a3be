"""The one table of keys against the records, the JSON Schema and the starter file that come from it."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest

from nimwrap.config.json_schema import json_schema
from nimwrap.config.keys import ALL_TABLES, OVERRIDABLE, TOP_NAMES, Table
from nimwrap.config.load import load
from nimwrap.config.model import Config
from nimwrap.config.starter import starter
from tests.config.samples import CASES, WHOLE


@pytest.mark.parametrize("table", ALL_TABLES, ids=lambda table: table.name or "top")
def test_every_field_has_a_key_and_every_key_a_field(table: Table) -> None:
    own = {"name", "number", "overrides", "path", "said", "recipients", "group_policies"}
    tables = set(TOP_NAMES) - {"state_dir", "schedules", "site_name"} if table.record is Config else set()
    expected = {field.name for field in fields(table.record) if field.init} - own - tables
    assert {key.name for key in table.keys} == expected


def test_overridable_names_are_unique_everywhere() -> None:
    names = [key.name for key in OVERRIDABLE]
    assert len(names) == len(set(names))
    for table in ALL_TABLES:
        if table.name in ("masters", "clients"):
            assert not set(names) & {key.name for key in table.keys}


def test_defaults_are_valid_for_their_own_kind(tmp_path: Path) -> None:
    """The starter with every "#" of a setting taken off, and the second master that a copy of kind nim names, is a
    faultless file, and says what the defaults say."""
    path = tmp_path / "all.toml"
    text = re.sub(r"^#(?=\S)", "", starter(), flags=re.MULTILINE)
    path.write_text(f'{text}\n[masters.nim2]\nhost = "10.10.10.200"\n')
    assert load(path).backup.keep == 3
    path.write_text(starter())
    plain = load(path)
    assert plain.backup == Config().backup
    assert plain.retry == Config().retry


def test_the_schema_accepts_what_we_accept() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for text in (WHOLE, starter(), re.sub(r"^#(?=\S)", "", starter(), flags=re.MULTILINE)):
        jsonschema.validate(tomllib.loads(text), schema)


@pytest.mark.parametrize(
    "name",
    [
        "unknown key at the top",
        "unknown key in a table",
        "unknown key of a master",
        "text for a number",
        "bad duration",
        "choice",
        "port too high",
        "keep nothing",
        "no such flag",
        "no kinds",
        "remedy twice",
        "group is no array",
    ],
)
def test_the_schema_refuses_what_we_refuse(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(CASES[name][0]), json_schema())
