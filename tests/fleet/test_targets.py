"""What the user may write for clients, and what is said when it means nothing."""

from __future__ import annotations

import pytest

from nimwrap.clients.selection import resolve
from nimwrap.config.model import Config
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError

INVENTORIES = {"nim": ["powerha1", "powerha2", "aix01"], "nim2": ["aix01", "web01"]}
CONFIG = Config(groups={"cluster": ("powerha1", "nim/powerha2"), "web": ("web*",), "gone": ("aix09",)})


def names(*targets: str, **options: object) -> list[str]:
    return [str(ref) for ref in resolve(CONFIG, INVENTORIES, targets, **options)]  # type: ignore[arg-type]


def refusal(*targets: str) -> NimwrapError:
    with pytest.raises(NimwrapError) as caught:
        resolve(CONFIG, INVENTORIES, targets)
    assert (caught.value.code, caught.value.exit_code) == ("usage", ExitCode.USAGE)
    return caught.value


@pytest.mark.parametrize(
    ("targets", "meant"),
    [
        (("powerha2",), ["nim/powerha2"]),
        (("nim2/aix01",), ["nim2/aix01"]),
        (("aix*",), ["nim/aix01", "nim2/aix01"]),
        (("nim2/*",), ["nim2/aix01", "nim2/web01"]),
        (("group:cluster",), ["nim/powerha1", "nim/powerha2"]),
        (("group:web", "web01", "web0?"), ["nim2/web01"]),
        (("powerha2", "powerha1", "powerha2"), ["nim/powerha2", "nim/powerha1"]),
    ],
)
def test_a_target_means(targets: tuple[str, ...], meant: list[str]) -> None:
    assert names(*targets) == meant


def test_all_means_every_client_of_every_master() -> None:
    assert names(all_=True) == ["nim/powerha1", "nim/powerha2", "nim/aix01", "nim2/aix01", "nim2/web01"]


def test_groups_as_an_option_are_added() -> None:
    assert names("powerha1", groups=["web"]) == ["nim/powerha1", "nim2/web01"]


def test_a_name_that_two_masters_know_must_be_qualified() -> None:
    error = refusal("aix01")
    assert "2 masters know" in error.message
    assert error.hint == "write nim/aix01 or nim2/aix01"


@pytest.mark.parametrize(
    ("target", "near"),
    [("powerha3", "powerha"), ("nim/powrha1", "nim/powerha1"), ("group:clustr", "cluster"), ("group:gone", "aix01")],
)
def test_an_unknown_target_is_told_the_nearest(target: str, near: str) -> None:
    assert near in refusal(target).hint


def test_all_unknown_targets_are_told_at_once() -> None:
    error = refusal("powerha3", "web02", "aix01")
    assert len(error.problems) == 3
    assert {problem.code for problem in error.problems} == {"usage"}


@pytest.mark.parametrize("hostile", ["$(reboot)", "a;b", "x\ny", "../etc", "z" * 4096, "\x1b[31m", "zz*", ""])
def test_hostile_targets_mean_nothing_and_are_shown_harmless(hostile: str) -> None:
    error = refusal(hostile)
    assert error.message.isprintable()
    assert len(error.message) < 200


def test_nothing_named_is_a_wrong_call() -> None:
    assert "--all" in refusal().hint
