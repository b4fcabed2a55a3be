"""What the client's own exclude file drops besides what was meant, told before the backup."""

from __future__ import annotations

from nimwrap.estate import Estate
from tests.running import Cli, ConfigWriter


def test_check_names_patterns_that_are_not_anchored_and_what_they_drop(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    (estate.files("aix01") / "etc/exclude.rootvg").write_text("^./tmp/\n/log/\n\n")
    ran = run_cli("check", "aix01", "aix02", "--full", "--json", config=estate_config())
    findings = {
        client["client"]: next(one for one in client["findings"] if one["check"] == "exclude_file")
        for client in ran.data["clients"]
    }
    assert findings["aix02"]["status"] == "ok"
    assert (ran.exit_code, findings["aix01"]["status"]) == (0, "warning")
    assert "'/log/'" in findings["aix01"]["message"]
    assert "./var/log/" in findings["aix01"]["message"]
    assert "an empty line" in findings["aix01"]["message"]
    assert "'^./tmp/'" not in findings["aix01"]["message"]
