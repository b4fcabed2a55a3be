"""The metrics, and the files that build on them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from nimwrap.config.model import Config
from nimwrap.domain.codes import FailureCode
from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.atomic_write import write_whole
from nimwrap.monitoring.prometheus import metrics_text
from tests.report.site import NOW, build
from tests.running import ROOT, Cli

MONITORING = ROOT / "docs" / "monitoring"
NAME = re.compile(r"\bnimwrap_[a-z_]+\b")
promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian: prometheus) is not installed")


@pytest.fixture
def text(site: Config, reader: Reader) -> str:
    return metrics_text(site, reader, NOW)


def families(text: str) -> set[str]:
    return set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))


def named_in(path: Path) -> set[str]:
    """The metrics of a file, without words that only look like one."""
    return set(NAME.findall(path.read_text()))


@pytest.mark.parametrize("file", ["alerts.yml", "grafana.json", "README.md"])
def test_every_metric_that_is_named_exists(file: str, text: str) -> None:
    named = named_in(MONITORING / file)
    assert named
    assert named <= families(text)


def test_every_metric_is_documented(text: str) -> None:
    assert families(text) == named_in(MONITORING / "README.md")


def test_the_figures_are_those_of_the_history(text: str, reader: Reader) -> None:
    prometheus = pytest.importorskip("prometheus_client.parser")
    parsed = {family.name: family.samples for family in prometheus.text_string_to_metric_families(text)}
    counted = {sample.labels["code"]: sample.value for sample in parsed["nimwrap_run_failures"]}
    assert set(counted) == set(FailureCode)  # zeros are there, so that increase() sees the first of a kind
    sql = "select failure_code, count(*) from runs where failure_code is not null group by 1"
    assert {code: n for code, n in counted.items() if n} == dict(reader.each(sql))
    sizes = {sample.labels["client"]: sample.value for sample in parsed["nimwrap_last_success_size_bytes"]}
    good = reader.last_good("nim", "sapci")
    assert good is not None
    assert sizes["sapci"] == good.size_bytes
    remedied = reader.value("select count(*) from runs where remedy is not null and outcome = 'ok'")
    (used,) = parsed["nimwrap_remedy_runs"]
    assert (used.labels, used.value) == ({"master": "nim", "remedy": "own-mount"}, remedied)


@promtool
def test_promtool_accepts_the_text(text: str) -> None:
    done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@promtool
def test_promtool_accepts_the_rules() -> None:
    command = ["promtool", "check", "rules", str(MONITORING / "alerts.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads((MONITORING / "grafana.json").read_text())
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert len({(place["x"], place["y"]) for place in places}) == len(places)
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])


def test_names_from_outside_stay_in_their_label(tmp_path: Path, run_cli: Cli) -> None:
    prometheus = pytest.importorskip("prometheus_client.parser")
    hostile = 'x"} 1\nnimwrap_site_verdict 0\\'
    config = build(tmp_path, names={"sapdb": hostile})
    parsed = list(prometheus.text_string_to_metric_families(run_cli("metrics", config=config).stdout))
    verdicts = [sample for family in parsed if family.name == "nimwrap_client_verdict" for sample in family.samples]
    assert hostile in {sample.labels["client"] for sample in verdicts}


def test_the_textfile_is_replaced_in_one_step(tmp_path: Path, run_cli: Cli) -> None:
    config = build(tmp_path)
    path = tmp_path / "out" / "nimwrap.prom"
    path.parent.mkdir()
    path.write_text("old")
    before = path.stat().st_ino
    assert run_cli("metrics", "--textfile", path, config=config).exit_code == 0
    assert path.read_text().startswith("# HELP nimwrap_info")
    assert path.stat().st_ino != before
    assert oct(path.stat().st_mode & 0o777) == "0o644"
    assert [each.name for each in path.parent.iterdir()] == ["nimwrap.prom"]
    before_umask = os.umask(0o027)
    try:
        write_whole(path, "mine")
        assert oct(path.stat().st_mode & 0o777) == "0o640", "the umask is whoever's who set it"
    finally:
        os.umask(before_umask)
    nowhere = run_cli("metrics", "--textfile", tmp_path / "absent" / "x.prom", "--json", config=config)
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.json["errors"][0]["message"]
