"""After a proven and recorded image: it takes its fixed name, and only then may an older one go."""

from __future__ import annotations

from nimwrap.backup.context import Site
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import Run
from nimwrap.history.read import Reader
from nimwrap.images import fixed_name
from nimwrap.images.depot import Depot
from nimwrap.images.prune import Verdict, apply_retention


def after_image(site: Site, run: Run) -> None:
    """Fixed name, then retention, while the client's lock is still ours. The run's outcome does not hang on either."""
    depot = Depot(site.host, site.master, site.config, site.store)
    try:
        _fixed_name(site, depot, run)
        removed = apply_retention(depot, run.client, run.kind, site.clock.now())
    except NimwrapError as error:
        site.note(run.id, "retention", f"put off to the next run or `nimwrap recover`: {error.message}")
        return
    for verdict in (verdict for verdict in removed if verdict.action != "keep"):
        site.note(run.id, "retention", _said(verdict))


def _fixed_name(site: Site, depot: Depot, run: Run) -> None:
    """Goes on where a crash left it, or begins; an image that bears the name already is left alone."""
    now = site.clock.now()
    if not fixed_name.wanted(run.kind, site.config.policy(run.master, run.client)):
        return
    done = fixed_name.resume(depot, run.id, now)
    if done is None:
        with Reader.open(site.config.database) as reader:
            rows = [row for row in reader.images(run.master, run.client, kind=run.kind) if row["run"] == run.id]
        if not rows:
            return
        done = fixed_name.take_fixed_name(depot, rows[0], run.id, now)
    if not done.moved:
        site.note(run.id, "replace", f"the image keeps its dated name {done.resource}: {done.reason}")


def _said(verdict: Verdict) -> str:
    return f"{verdict.row['location']}: {verdict.action}: {verdict.reason}"
