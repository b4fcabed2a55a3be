"""``nimwrap demo``: the founding case, played on the embedded estate by the same commands that an operator types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from nimwrap.estate import Estate


@dataclass(frozen=True)
class Scene:
    """What is told, what is typed, what must come of it, and what happens in the estate before."""

    told: str
    typed: tuple[str, ...]
    exit_code: int = 0
    before: Callable[[Estate], None] | None = None


SCENES = (
    Scene(
        "powerha1 is the active node of a PowerHA pair: the service address 10.10.10.102 is the first alias of en0, so"
        " its NFS mount leaves from there, and NIM's export admits 10.10.10.101 only. What does nimwrap see?",
        ("check", "powerha1"),
    ),
    Scene(
        "The backup that cron loses week after week. nimwrap lets this one client in, to a directory of its own, for as"
        " long as the image takes.",
        ("backup", "powerha1"),
    ),
    Scene("What was changed on the master, and is it undone?", ("exports", "list")),
    Scene(
        'The administrator applies the lasting cure: Distribution Preference "Disable Firstalias", resource group'
        " offline and online. The boot address comes first now.",
        ("check", "powerha1"),
        before=lambda estate: estate.first_alias(False),
    ),
    Scene("No remedy is needed any more.", ("backup", "powerha1")),
    Scene("Two runs, two ways.", ("history",)),
    Scene("And who is not protected? Three clients were never backed up: a fault, and it is said.", ("status",), 1),
)


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(ctx: typer.Context) -> None:
    """Play the PowerHA story on a simulated estate, without any AIX machine, in under a minute.

    Example: nimwrap demo
    """
    invocation = current(ctx)
    if not Path(__file__).is_file():
        raise NimwrapError(
            "the simulated hosts need nimwrap as files, and this is one archive",
            hint="`make demo` in a clone of the repository, or install it by pip",
        )
    with tempfile.TemporaryDirectory(prefix="nimwrap-demo-") as directory:
        played = _play(invocation, Path(directory))
    wrong = [scene for scene in played if scene["exit_code"] != scene["expected"]]
    errors = [
        Problem("unknown", f"`{scene['command']}` ended with {scene['exit_code']}, not with {scene['expected']}")
        for scene in wrong
    ]
    end = "The story went otherwise than it should." if wrong else "The same commands run against a real NIM master."
    data = {"simulation": True, "scenes": played}
    code = ExitCode.FAILED if wrong else ExitCode.OK
    invocation.finish(Result("demo", data, code, errors, text=lambda out: out.line(end)))


def _play(invocation: Invocation, directory: Path) -> list[dict[str, Any]]:
    from nimwrap.cli.output.printer import printer
    from nimwrap.estate import build

    out = printer(colour_wanted=invocation.colour_wanted)
    estate = build(directory / "estate")
    estate.setting(rate=400_000, image_size=1_200_000)
    config = directory / "nimwrap.toml"
    config.write_text(estate.config())
    if not invocation.json:
        out.line("This is a simulation: a NIM master, a PowerHA pair and two clients as programs with state on disk.")
    played = []
    try:
        for number, scene in enumerate(SCENES, 1):
            if scene.before is not None:
                scene.before(estate)
            if not invocation.json:
                out.line()
                out.heading(f"{number}. {scene.told}")
                out.line(f"$ nimwrap {' '.join(scene.typed)}")
            played.append(_type(invocation, config, scene))
    finally:
        estate.stop()
    return played


def _type(invocation: Invocation, config: Path, scene: Scene) -> dict[str, Any]:
    """Run one command as its own process; on a terminal it writes there itself, and looks as it always does."""
    argv = [sys.executable, "-m", "nimwrap", "--config", str(config), *scene.typed]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NIMWRAP_")}
    command = f"nimwrap {' '.join(scene.typed)}"
    shown: dict[str, Any] = {"told": scene.told, "command": command, "expected": scene.exit_code}
    if not invocation.json:
        sys.stdout.flush()
        done = subprocess.run(argv, env=environment, check=False)
        return shown | {"exit_code": done.returncode}
    done = subprocess.run([*argv, "--json"], env=environment, capture_output=True, check=False)
    return shown | {"exit_code": done.returncode, "result": json.loads(done.stdout)}
