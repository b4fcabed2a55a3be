"""The story of one run as text, readable at 3 a.m.: the end first, then what to do, then the evidence in order."""

from __future__ import annotations

from shlex import quote
from typing import Any

from nimwrap.cli.output.printer import Printer
from nimwrap.cli.time_args import clock, full
from nimwrap.domain.durations import format_duration, format_size
from nimwrap.domain.local_time import zone
from nimwrap.hosts.channel_route import in_words

Story = dict[str, Any]
_EXPLAINED = 3
_TAIL = 12  # lines of an output that are shown without --full


def tell(printer: Printer, run: Story, *, whole: bool) -> None:
    """Write the story of ``run``: history.present.story_json, and ``explanations`` of aix.catalogue."""
    _end(printer, run, whole=whole)
    _meaning(printer, run)
    _asked(printer, run)
    _source(printer, run)
    _findings(printer, run, whole=whole)
    _changes(printer, run)
    _attempts(printer, run, whole=whole)
    _image(printer, run)
    _parallel(printer, run)
    _events(printer, run, whole=whole)


def _end(printer: Printer, run: Story, *, whole: bool) -> None:
    printer.line(f"Run {run['id']}: {printer.word(run['outcome'])}")
    failure = run["failure"]
    if failure:
        printer.pairs([(failure["code"], failure["message"]), ("fix", failure["fix"])], indent=2)
        _block(printer, failure["evidence"], whole=whole)
    elif run["outcome"] == "running":
        phase = f" ({run['phase']})" if run["phase"] else ""
        printer.line(
            f"  It has not ended{phase}. `nimwrap recover` ends it if its nimwrap (process {run['owner_pid']}"
            f" on {run['owner_host']}) is gone; `nimwrap cancel {run['id']}` stops it."
        )
    printer.line()


def _meaning(printer: Printer, run: Story) -> None:
    for told in run["explanations"][:_EXPLAINED]:
        cause = f"\nusual cause: {told.causes[0]}" if told.causes else ""
        printer.pairs([(told.code, f"{told.says}{cause}")], indent=2)
    if run["explanations"]:
        printer.line(f"  More: nimwrap explain {quote(run['explanations'][0].code)}")
        printer.line()


def _asked(printer: Printer, run: Story) -> None:
    asked = "by hand"
    if run["schedule"]:
        asked = f"schedule {run['schedule']}" + (f", due {full(run['slot'])}" if run["slot"] else "")
    took = f" (after {format_duration(run['duration_s'])})" if run["duration_s"] is not None else ""
    printer.pairs(
        [
            ("client", f"{run['master']}/{run['client']}"),
            ("times", zone() if zone() == "UTC" else f"{zone()}; names of runs and images are in UTC"),
            ("kind", run["kind"]),
            ("asked", f"{asked}, by {run['actor']} on {run['control_host']}" if run["actor"] else asked),
            ("started", full(run["started"])),
            ("ended", full(run["ended"]) + took if run["ended"] else None),
            ("channel", _channel(run["channel"])),
            ("cluster", _cluster(run["cluster"])),
            ("remedy", run["remedy"]),
            ("log", run["log_path"]),
        ]
    )


def _channel(channel: Story | None) -> str | None:
    if channel is None:
        return None
    calls = channel["calls"]
    return f"{in_words(channel['route'])}, {calls} call{'' if calls == 1 else 's'} for the preflight"


def _cluster(cluster: Story | None) -> str | None:
    if cluster is None:
        return None
    lines = [f"{cluster['name'] or 'unnamed'}, {cluster['state'] or 'state unknown'}"]
    for group in cluster["resource_groups"]:
        where = f" on {group['node']}" if group["node"] else ""
        lines.append(f"resource group {group['name']}: {group['state']}{where}")
    if cluster["service_addresses"]:
        lines.append(f"service addresses {', '.join(cluster['service_addresses'])}")
    return "\n".join(lines)


def _source(printer: Printer, run: Story) -> None:
    source = run["source_address"]
    if not (source["expected"] or source["actual"]):
        return
    _title(printer, "Source address")
    same = source["expected"] == source["actual"]
    method = f" (by {source['method']})" if source["method"] else ""
    printer.pairs(
        [
            ("expected", source["expected"] or "unknown"),
            ("actual", f"{source['actual'] or 'unknown'}{method}{'' if same else ', not the one that is let in'}"),
        ],
        indent=2,
    )


def _findings(printer: Printer, run: Story, *, whole: bool) -> None:
    if not run["findings"]:
        return
    _title(printer, "Findings")
    width = max(len(finding["check"]) for finding in run["findings"])
    for finding in run["findings"]:
        status = printer.word(finding["status"]) + " " * (7 - len(finding["status"]))
        printer.line(f"  {status}  {finding['check'].ljust(width)}  {finding['message']}")
        if finding["fix"]:
            printer.line(_indented(f"fix: {finding['fix']}", 11))
        if finding["status"] in ("failed", "warning"):
            _block(printer, finding["evidence"], whole=whole, indent=11)


def _changes(printer: Printer, run: Story) -> None:
    if run["export_changes"]:
        _title(printer, "Export changes")
    for change in run["export_changes"]:
        applied = f", applied {clock(change['applied'])}" if change["applied"] else ""
        reverted = f", reverted {clock(change['reverted'])}" if change["reverted"] else ""
        printer.line(f"  {change['id']}  {change['directory']}: {printer.word(change['state'])}{applied}{reverted}")
        printer.pairs(
            [
                ("let in", ", ".join(change["added"])),
                ("before", change["before"] or "not exported"),
                ("after", change["after"]),
                ("note", change["note"]),
            ],
            indent=5,
        )


def _attempts(printer: Printer, run: Story, *, whole: bool) -> None:
    if run["attempts"]:
        _title(printer, "Attempts")
    for attempt in run["attempts"]:
        code = "no return code" if attempt["returncode"] is None else f"return code {attempt['returncode']}"
        ended = clock(attempt["ended"]) or "not ended"
        how = ", ".join(filter(None, (code, attempt["failure_code"], attempt["remedy"])))
        printer.line(f"  {attempt['number']}  {clock(attempt['started'])} to {ended}: {how}")
        printer.pairs([("resource", attempt["resource"]), ("location", attempt["location"])], indent=5)
        _block(printer, attempt["output"], whole=whole)


def _image(printer: Printer, run: Story) -> None:
    image = run["image"]
    if image is None:
        return
    _title(printer, "Image")
    by = ", ".join(image["verified_by"])
    printer.pairs(
        [
            ("resource", image["resource"]),
            ("location", image["location"]),
            ("size", f"{format_size(image['size_bytes'])} ({image['size_bytes']} bytes)"),
            ("verified", f"yes, by {by}" if image["verified"] else f"no (seen: {by or 'nothing'})"),
            ("oslevel", image["oslevel"]),
            ("fault", image["fault"]),
            ("removed", full(image["removed"]) if image["removed"] else None),
        ],
        indent=2,
    )


def _parallel(printer: Printer, run: Story) -> None:
    """How many images the master made at once meanwhile, each change with its reason."""
    if run["parallel"]:
        _title(printer, f"Images at once on {run['master']}")
    for change in run["parallel"]:
        printer.line(f"  {clock(change['at'])}  {change['text']}")


def _events(printer: Printer, run: Story, *, whole: bool) -> None:
    if run["events"]:
        _title(printer, "Commands and events")
    for event in run["events"]:
        data = event["data"] if isinstance(event["data"], dict) else {}
        facts = []
        if "returncode" in data:
            facts.append("no return code" if data["returncode"] is None else f"return code {data['returncode']}")
        if "duration_s" in data:
            facts.append(f"{data['duration_s']:.1f} s")
        known = f" ({', '.join(facts)})" if facts else ""
        printer.line(f"  {clock(event['at'])}  {event['kind']}: {event['text']}{known}")
        for name, value in data.items():
            if name in ("stdout", "stderr") or (whole and name not in ("returncode", "duration_s")):
                _block(printer, value if isinstance(value, str) else str(value), whole=whole)
    if run["events"] and not whole:
        printer.line(f"Scripts and whole outputs: nimwrap show --full {run['id']}")


def _title(printer: Printer, text: str) -> None:
    printer.line()
    printer.heading(text)


def _block(printer: Printer, text: str | None, *, whole: bool, indent: int = 5) -> None:
    """Raw text of a host, set off by a bar; the end of it, where the reason stands, when not ``whole``."""
    lines = (text or "").strip("\n").splitlines()
    hidden = 0 if whole else max(0, len(lines) - _TAIL)
    if hidden:
        printer.line(f"{' ' * indent}| ... {hidden} lines before")
    for line in lines[hidden:]:
        printer.line(f"{' ' * indent}| {line}")


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.splitlines())
