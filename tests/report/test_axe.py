"""The report under axe-core, where somebody has it: ``npm install axe-core``, and NIMWRAP_AXE names its axe.min.js."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nimwrap.config.model import Config
from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.report.page import page
from tests.report.browser import CHROMIUM, browsing
from tests.report.site import NOW

AXE = os.environ.get("NIMWRAP_AXE", "")
SERIOUS = "axe.run().then(r => r.violations.filter(v => /serious|critical/.test(v.impact)).map(v => v.id))"


@pytest.mark.skipif(not (AXE and CHROMIUM), reason="NIMWRAP_AXE names no axe.min.js, or there is no Chromium")
def test_axe_finds_nothing_serious(site: Config, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    with Reader.open(site.database) as reader:
        path.write_text(page(site, reader, NOW))
    with browsing(tmp_path / "profile") as tab:
        tab.open(path)
        tab.ask("Runtime.evaluate", expression=Path(AXE).read_text())
        for scheme in ("light", "dark"):
            tab.prefer(scheme)
            found = tab.ask("Runtime.evaluate", expression=SERIOUS, awaitPromise=True, returnByValue=True)
            assert found["result"]["value"] == [], scheme
