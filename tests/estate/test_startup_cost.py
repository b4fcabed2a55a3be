"""What the simulated executables load: they are started hundreds of times in a test, and an import costs more than
all that they do.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nimwrap.estate import build, catalogue
from nimwrap.estate.paths import Paths

BUILT_IN = {
    *("_codecs", "_io", "_abc", "_stat", "_signal", "_thread", "_imp", "_warnings", "_weakref", "_operator", "_json"),
    *("_frozen_importlib", "_frozen_importlib_external", "binascii", "builtins", "errno", "fcntl", "marshal", "posix"),
    *("select", "sys", "time", "zipimport", "zlib"),
}
AT_EVERY_START = {
    *("__future__", "__main__", "_collections_abc", "abc", "codecs", "encodings", "encodings.aliases"),
    *("encodings.utf_8", "encodings.latin_1", "genericpath", "io", "os", "os.path", "posixpath", "stat"),
}
ALLOWED = BUILT_IN | AT_EVERY_START

PROBE = """
import os, sys
report = os.environ.pop("REPORT")
def told(status):
    with open(report, "w") as file:
        file.write(" ".join(sys.modules))
    leave(status)
leave, os._exit = os._exit, told
sys.argv = sys.argv[1:]
exec(compile(open(sys.argv[0]).read(), sys.argv[0], "exec"))
"""
CALLS = {
    "c_mkbosi": ["nim", "/export/nim/mksysb", "image", "ei", "mksysb"],
    "nim": ["-o", "lslpp", "powerha1"],
    "c_rsh": ["powerha1", "true"],
    "perl": ["-e", "getsockname nim"],
    "host": ["nim"],
    "df": ["-k", "/tmp"],
    "getconf": ["FILESIZEBITS", "/tmp"],
    "traceroute": ["nim"],
    "clmgr": ["query", "cluster"],
    "mksysb": ["-ei", "/tmp/image"],
    "savevg": ["-f", "/tmp/image", "rootvg"],
    "m_backup_db": ["/tmp/db"],
    "ioscli": ["ioslevel"],
}


def loaded(program: Path, arguments: list[str], report: Path) -> set[str]:
    """The modules that the executable has in memory when it leaves."""
    subprocess.run(
        [os.path.realpath(sys.executable), "-SEs", "-c", PROBE, str(program), *arguments],
        env={"REPORT": str(report), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert report.exists(), f"{program} did not leave as an executable of the estate does"
    return set(report.read_text().split())


def test_no_executable_of_a_host_loads_more_than_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESTATE_SERVER")
    estate = build(tmp_path / "estate", vios=True)
    programs: dict[str, Path] = {}
    for host, role in (("nim", "master"), ("powerha1", "node"), ("vios1", "vios")):
        for path, module in catalogue.executables(role).items():
            programs.setdefault(module, estate.files(host) / path.lstrip("/"))
    too_much = {}
    for module, program in programs.items():
        if program.name in ("sudo", "ksh93", "restore"):
            continue  # sudo and ksh93 become another program; restore has something to read only on an image
        modules = loaded(program, CALLS.get(program.name, []), tmp_path / module)
        more = {name for name in modules - ALLOWED if not name.startswith("nimwrap")}
        assert "nimwrap.estate.run" in modules
        if more:
            too_much[str(program)] = more
    assert not too_much


def test_the_shell_of_a_host_loads_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESTATE_SERVER")
    estate = build(tmp_path / "estate")
    modules = loaded(Path(estate.shell("nim")), ["-c", "true"], tmp_path / "modules")
    assert not {name for name in modules - ALLOWED if not name.startswith("nimwrap")}


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("ls /etc/hosts /dev/null", "ls ROOT/etc/hosts /dev/null"),
        ("cat</tmp/a>/tmp/b;/usr/bin/id", "cat<ROOT/tmp/a>ROOT/tmp/b;ROOT/usr/bin/id"),
        ("'/etc/x' \"/var/y\"", "'ROOT/etc/x' \"ROOT/var/y\""),
        ("$D/etc ${D}/etc ../etc/x */usr a\"/usr\" ${x}'/tmp'", "$D/etc ${D}/etc ../etc/x */usr a\"/usr\" ${x}'/tmp'"),
        ("/etcetera /etc.old /image.data /image.data2 /", "/etcetera /etc.old ROOT/image.data /image.data2 /"),
        ("BASE/hosts/nim/etc/hosts", "BASE/hosts/nim/etc/hosts"),
        ("nim:/export/nim,/nim", "nim:ROOT/export/nim,ROOT/nim"),
        ("/data/x", "ROOT/data/x"),
    ],
)
def test_paths_of_a_script_become_those_of_the_tree_and_come_out_again(text: str, inside: str) -> None:
    base, root = "/b", "/b/hosts/nim"
    paths = Paths(root, base, ("data",))
    text, inside = text.replace("BASE", base), inside.replace("ROOT", root).replace("BASE", base)
    assert paths.inward(text) == inside
    assert paths.outward(inside) == text.replace("/b/hosts/nim/", "/")


def test_a_stream_loses_the_trees_prefix_wherever_it_is_cut() -> None:
    paths = Paths("/b/hosts/nim", "/b")
    stream = b"/b/hosts/nim/etc/hosts /b/hosts/aix01 /b/hosts//x x:/b/hosts/p1/tmp /b/ho"
    expected = b"/etc/hosts / /b/hosts//x x:/tmp /b/ho"
    for size in range(1, len(stream) + 1):
        strip = paths.stripper()
        out = b"".join(strip.feed(stream[at : at + size]) for at in range(0, len(stream), size))
        assert (size, out + strip.flush()) == (size, expected)
