"""While many clients are asked, a terminal shows how many have been and for how long; nothing else shows anything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nimwrap.cli.invocation import Invocation
from nimwrap.cli.output import asking_line as shown
from nimwrap.estate import Estate
from tests.running import Ran
from tests.waiting import until


def test_it_counts_up_and_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(shown, "redraws", lambda invocation: True)
    monkeypatch.setattr(shown, "EVERY_S", 0.001)
    monkeypatch.setattr(shown, "err", written.append)
    with shown.asking_line(Invocation()) as tell:
        until(lambda: any("asking the masters" in text for text in written), "the line before anyone is known")
        tell(3, 240)
        until(lambda: any("3 of 240 clients asked, 0s" in text for text in written), "the line that counts")
    assert written[-1] == "\r\x1b[K"
    assert all(text.startswith("\r\x1b[K") and "\n" not in text for text in written)


@pytest.mark.parametrize("options", [(), ("-q",), ("--json",)])
def test_a_pipe_sees_nothing_of_it(
    run_cli: Callable[..., Ran], estate: Estate, estate_config: Callable[..., Path], options: tuple[str, ...]
) -> None:
    ran = run_cli(*options, "check", "aix01", config=estate_config())
    assert (ran.exit_code, ran.stderr) == (0, "")


def test_who_has_been_asked_is_told_master_by_master(estate: Estate, estate_config: Callable[..., Path]) -> None:
    from nimwrap.actions.check_clients import check_clients
    from nimwrap.config.load import load
    from nimwrap.domain.clock import Clock

    heard: list[tuple[int, int]] = []
    check_clients(
        load(estate_config()), ["*"], Clock().now(), lambda *_: None, lambda asked, of: heard.append((asked, of))
    )
    assert heard == [(0, 4), (4, 4)]
