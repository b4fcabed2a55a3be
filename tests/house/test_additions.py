"""What a newcomer adds touches few files: a transport two, a check from known facts three with its case."""

from __future__ import annotations

from pathlib import Path

from nimwrap.estate import Estate
from tests.house.variant import edited, variant
from tests.running import Cli, ConfigWriter

TRANSPORT = '''\
"""Transport ``toy``: this very machine, by another name."""

from nimwrap.config.model import MasterConfig
from nimwrap.hosts.local import LocalHost


def open_host(master: MasterConfig, *, ahead: bool) -> LocalHost:
    return LocalHost(master.name, master.shell, master.become)
'''

CHECK = '''\
"""A toy: whether the client's name is short."""

from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import ok
from nimwrap.preflight.check_context import CheckContext


def short_name(s: CheckContext) -> Finding:
    return ok(f"{s.ref.client} has {len(s.ref.client)} letters")
'''


def test_a_new_transport_is_its_module_and_its_row_in_the_configuration(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    row = 'Transport("local", remote=False)'
    changed = edited("config/model.py", row, f'{row}, Transport("toy", remote=False)') | {"hosts/toy.py": TRANSPORT}
    assert len(changed) == 2
    env = variant(tmp_path / "variant", changed)
    config = estate_config()
    config.write_text(config.read_text().replace('transport = "local"', 'transport = "toy"'))
    assert 'transport = "toy"' in config.read_text()
    assert run_cli("config", "validate", config=config).exit_code == 78, "nobody knows it without these two files"
    assert run_cli("config", "validate", config=config, env=env).exit_code == 0
    assert run_cli("check", "aix01", config=config, env=env).exit_code == 0
    said = run_cli("doctor", config=config, env=env)
    assert "over toy" in said.stdout, said


def test_a_new_check_from_known_facts_is_its_function_its_place_in_the_order_and_a_case(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    path, last = "preflight/checks/__init__.py", '    ("deadline", timeouts.deadline),\n'
    listed = edited(path, last, f'{last}    ("short_name", toy_checks.short_name),\n')[path]
    changed = {
        path: listed.replace("    timeouts,\n)", "    timeouts,\n    toy_checks,\n)"),
        "preflight/checks/toy_checks.py": CHECK,
    }
    assert len(changed) == 2
    env = variant(tmp_path / "variant", changed)
    (seen,) = run_cli("check", "aix01", "--json", config=estate_config(), env=env).data["clients"]
    assert "aix01 has 5 letters" in {finding["message"] for finding in seen["findings"]}
