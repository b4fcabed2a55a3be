"""What README shows is what there is; its commands are typed by test_typed."""

from __future__ import annotations

import re

from tests.running import ROOT

README = (ROOT / "README.md").read_text()


def test_the_two_commands_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"\bmake (\w+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_shown_output_is_what_the_demo_types() -> None:
    from nimwrap.cli.verbs.demo import SCENES

    typed = {f"nimwrap {' '.join(scene.typed)}" for scene in SCENES}
    assert set(re.findall(r"^\$ (nimwrap .+)$", README, re.MULTILINE)) <= typed
