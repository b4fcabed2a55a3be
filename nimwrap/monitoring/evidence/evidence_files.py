"""The tables of a package as files: CSV and JSON for programs, one HTML page for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from nimwrap.monitoring.evidence.evidence_tables import EvidenceTable
from nimwrap.monitoring.report.svg import plain

_STYLE = (
    "body{font:14px sans-serif;margin:2em}table{border-collapse:collapse;margin-bottom:2em}"
    "th,td{border:1px solid #999;padding:2px 6px;text-align:left;vertical-align:top}th{background:#eee}"
    "caption{text-align:left;font-weight:bold;padding:.3em 0}"
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(table: EvidenceTable) -> str:
    """RFC 4180 with a header. A text that a spreadsheet would take for a formula gets a quote before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return out.getvalue()


def as_json(about: Mapping[str, Any], tables: Sequence[EvidenceTable]) -> str:
    """All of it as one object: what it is of, then each table as a list of objects."""
    told = {table.name: [dict(zip(table.columns, row, strict=True)) for row in table.rows] for table in tables}
    return json.dumps({**about, **told}, ensure_ascii=True, indent=1, default=str) + "\n"


def as_html(about: Mapping[str, Any], tables: Sequence[EvidenceTable]) -> str:
    """One page without anything from elsewhere; all of the values are escaped."""
    facts = "".join(f"<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>" for name, value in about.items())
    contents = "".join(f'<li><a href="#{each.name}">{_text(each.title)}</a> ({len(each.rows)})</li>' for each in tables)
    body = "".join(map(_html_table, tables))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>nimwrap evidence</title>'
        f"<style>{_STYLE}</style></head>\n<body><h1>Evidence</h1>\n<table>{facts}</table>\n<ul>{contents}</ul>\n"
        f"{body}</body></html>\n"
    )


def _html_table(table: EvidenceTable) -> str:
    head = "".join(f"<th>{_text(name)}</th>" for name in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{_text(value)}</td>' for value in row)}</tr>\n" for row in table.rows)
    return f'<table id="{table.name}"><caption>{_text(table.title)}</caption>\n<tr>{head}</tr>\n{rows}</table>\n'


def _text(value: Any) -> str:
    return escape(plain(_plain_value(value)))


def _cell(value: Any) -> Any:
    shown = _plain_value(value)
    return f"'{shown}" if isinstance(shown, str) and shown.startswith(_FORMULA) else shown


def _plain_value(value: Any) -> Any:
    """A value as one text or number: lists as their members."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
