"""What is shipped: pure Python for AIX, pins that name no host, a clear word to an old Python."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import nimwrap
from nimwrap import __main__ as entry
from tests.running import ROOT

COMPILED = (".so", ".pyd", ".dylib", ".a", ".o", ".dll")
AIX = {"sys_platform": "aix", "platform_system": "AIX", "os_name": "posix", "platform_machine": "00F84C0C4C00"}


def closure(name: str, platform: dict[str, str], extras: tuple[str, ...] = ("",)) -> dict[str, Distribution]:
    """The distributions that installing ``name`` on that platform brings, by the metadata of what is installed here."""
    found: dict[str, Distribution] = {}
    waiting = [(name, extra) for extra in extras]
    seen: set[tuple[str, str]] = set()
    while waiting:
        name, extra = waiting.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = distribution(name)
        environment = {**default_environment(), **platform, "extra": extra}
        for text in found[name].requires or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate(environment):
                inner = canonicalize_name(requirement.name)
                waiting += [(inner, chosen) for chosen in ("", *requirement.extras)]
    return found


def impure(dist: Distribution) -> list[str]:
    """Why this distribution is not pure Python; empty when it is."""
    tags = re.findall(r"^Tag: (.+)$", dist.read_text("WHEEL") or "Tag: no wheel", re.MULTILINE)
    reasons = [f"tag {tag}" for tag in tags if not tag.endswith("-none-any")]
    return reasons + [str(file) for file in dist.files or () if file.suffix in COMPILED]


def test_the_core_is_pure_python_on_aix() -> None:
    core = closure("nimwrap", AIX)
    assert {"typer", "sqlite-utils", "apscheduler", "tenacity", "cronsim", "tzdata"} <= core.keys()
    assert not {"fabric", "paramiko", "cryptography"} & core.keys()
    assert {name: reasons for name, dist in core.items() if (reasons := impure(dist))} == {}


def test_the_same_walk_finds_the_compiled_parts_elsewhere() -> None:
    everywhere = closure("nimwrap", {})
    assert "cryptography" in everywhere
    assert impure(everywhere["cryptography"])
    assert "fabric" in closure("nimwrap", AIX, ("", "ssh"))


def test_every_distribution_of_the_product_is_pinned_and_no_host_is_named() -> None:
    text = (ROOT / "constraints.txt").read_text()
    assert not re.search(r"://|--|@|index", text)
    pins = {canonicalize_name(name): version for name, version in re.findall(r"^(\S+)==(\S+)$", text, re.MULTILINE)}
    assert len(pins) == len(text.splitlines())
    whole = closure("nimwrap", {}, ("", "ssh", "report", "notify", "metrics", "dev"))
    free = {"nimwrap", "pip", "setuptools"}
    assert {name: dist.version for name, dist in whole.items() if name not in free} == {
        name: pins.get(name) for name in whole if name not in free
    }


def test_licence_and_changelog() -> None:
    metadata = distribution("nimwrap").metadata
    assert metadata["License-Expression"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
    assert f"## {nimwrap.__version__} " in (ROOT / "CHANGELOG.md").read_text()
    assert distribution("nimwrap").version == nimwrap.__version__


def test_an_old_python_gets_a_clear_word(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(entry, "NEEDED", (99, 0))
    assert entry.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("error: nimwrap needs Python 3.11 or newer; ")
    assert said.splitlines()[-1].startswith("hint: ")


def test_old_pythons_can_read_the_entry() -> None:
    for file in ("__init__.py", "__main__.py"):
        source = (ROOT / "nimwrap" / file).read_text()
        tree = ast.parse(source, feature_version=(3, 3))
        modern = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.Match, ast.AsyncFunctionDef)
        assert not [node for node in ast.walk(tree) if isinstance(node, modern)]
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.returns]
    found = [python for version in ("2.7", "3.6", "3.9") if (python := shutil.which(f"python{version}"))]
    for python in found:
        entry_file = str(ROOT / "nimwrap" / "__main__.py")
        done = subprocess.run([python, entry_file], capture_output=True, text=True, check=False)
        if done.returncode != 127:  # a shim without its Python behind it
            assert (done.returncode, done.stderr[:36]) == (1, "error: nimwrap needs Python 3.11 or n")


@pytest.mark.parametrize(
    ("python", "message"),
    [
        ("#!/bin/sh\ncase $2 in *version_info\\[*) echo python3 is 3.9;; *) exit 1;; esac\n", "and python3 is 3.9"),
        ("#!/bin/sh\ncase $2 in *ensurepip*) exit 1;; esac\n", "python3 has no venv"),
    ],
)
def test_set_up_says_what_is_missing(python: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = shutil.copy(ROOT / "scripts" / "venv.sh", tmp_path / "scripts")
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    for name in ("dirname", "cat", "cksum", "rm", "sh"):
        (bin_directory / name).symlink_to(shutil.which(name) or name)
    fake = bin_directory / "python3"
    fake.write_text(python)
    fake.chmod(0o755)
    done = subprocess.run(
        ["/bin/sh", str(script), "run"], env={"PATH": str(bin_directory)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.splitlines()[-1].startswith("hint: ")
    assert not (tmp_path / ".venv").exists()


def test_every_benchmark_has_a_smoke_run() -> None:
    text = (ROOT / "benchmarks" / "smoke.py").read_text()
    assert {path.name for path in (ROOT / "benchmarks").glob("*.py")} - {"smoke.py"} == set(
        re.findall(r'^    "([\w.]+\.py)": \[', text, re.MULTILINE)
    )


def test_the_wheel_is_pure_and_whole(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"nimwrap-{nimwrap.__version__}-py3-none-any.whl"
    packed = set(zipfile.ZipFile(wheel).namelist())
    tree = {str(path.relative_to(ROOT)) for path in (ROOT / "nimwrap").rglob("*") if path.is_file()}
    assert {path for path in tree - packed if "__pycache__" not in path} == set()
    assert {path for path in packed if path.endswith(COMPILED)} == set()
    assert any(path.endswith("licenses/LICENSE") for path in packed)
