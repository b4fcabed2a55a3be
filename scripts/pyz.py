#!/usr/bin/env python3
"""Builds nimwrap with its pure-Python dependencies into one file that runs on a NIM master.

What AIX cannot load from an archive (Fabric and its compiled parts) is left out: there the transport is ``local``, or
``openssh`` for other masters. pip reaches the package index it is configured for, or ``--wheelhouse DIR`` alone.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
import zipapp
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMPILED = ("*.so", "*.pyd", "*.dylib")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("nimwrap.pyz"), metavar="FILE")
    parser.add_argument("--python", default="/usr/bin/env python3", metavar="PROGRAM", help="its first line")
    parser.add_argument("--wheelhouse", metavar="DIR", help="take the dependencies from here, not from an index")
    asked = parser.parse_args()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [text for text in project["dependencies"] if "sys_platform != 'aix'" not in text]
    source = ["--no-index", "--find-links", asked.wheelhouse] if asked.wheelhouse else []
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-conflicts"]
        pip += ["--root-user-action=ignore", "--target", directory]
        subprocess.run([*pip, *source, "-c", str(ROOT / "constraints.txt"), *needed], check=True)
        _copy_product(tree)
        (tree / "__main__.py").write_text("import sys\nfrom nimwrap.__main__ import main\nsys.exit(main())\n")
        compiled = [path.relative_to(tree) for pattern in COMPILED for path in tree.rglob(pattern)]
        if compiled:
            sys.stderr.write(f"error: not pure Python: {', '.join(map(str, compiled))}\n")
            return 1
        zipapp.create_archive(
            tree,
            asked.output,
            interpreter=asked.python,
            compressed=True,
            filter=lambda path: "__pycache__" not in path.parts,
        )
    version = re.search(r'__version__ = "(.+)"', (ROOT / "nimwrap" / "__init__.py").read_text())
    sys.stderr.write(f"{asked.output}: nimwrap {version[1] if version else ''}\n")
    return 0


def _copy_product(tree: Path) -> None:
    """nimwrap itself, as it lies here."""
    for path in (ROOT / "nimwrap").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            target = tree / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())


if __name__ == "__main__":
    sys.exit(main())
