"""From the whole text of a failed operation to one failure code, its message and its fix."""

from __future__ import annotations

from nimwrap.aix.failure_rules import RULES, Rule
from nimwrap.aix.messages import headline, messages, without_progress
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure

EVIDENCE_LIMIT = 16_000  # characters; the end of an output says why it ended

_SIGNALS = frozenset({1, 2, 3, 6, 9, 11, 13, 14, 15})


def killed_by_signal(returncode: int | None) -> bool:
    """True for an exit status that a signal leaves: 128+n (ksh88), 256+n (ksh93) or -n (Python)."""
    if returncode is None:
        return False
    return -returncode in _SIGNALS or returncode - 128 in _SIGNALS or returncode - 256 in _SIGNALS


def _quote(rule: Rule, text: str) -> str:
    """The message that the rule rests on, in AIX's own words."""
    return next((str(message) for message in messages(text) if rule.pattern.search(str(message))), headline(text))


def _unknown(text: str, returncode: int | None) -> Failure:
    said = headline(text)
    ending = "its exit status is not known" if returncode is None else f"exit status {returncode}"
    evidence = text.strip()[-EVIDENCE_LIMIT:] or f"no output, {ending}"
    # nim's exit code is the three digits of its fatal message (aix-nim section 6.1): 130, 137 or 143 beside such a
    # message is no signal.
    if killed_by_signal(returncode) and "0042-" not in text:
        return Failure(
            FailureCode.KILLED,
            f"the operation was ended by a signal (status {returncode})",
            "Find out who or what ended it; nimwrap recover cleans up.",
            evidence,
        )
    return Failure(
        FailureCode.UNKNOWN,
        said or f"the command said nothing ({ending})",
        "Read the whole output in nimwrap show RUN; on the master, alog -f /var/adm/ras/nimlog -o has more.",
        evidence,
    )


def classify(text: str, returncode: int | None) -> Failure:
    """The failure nearest the cause; ``unknown`` with the raw message when no rule fits.

    ``returncode`` alone decides nothing: it only tells a signal from silence. The caller, who knows the addresses,
    turns ``export_denied`` into ``source_address_mismatch`` when they differ.
    """
    told = without_progress(text)
    rule = next((rule for rule in RULES if rule.matches(told)), None)
    if rule is None:
        return _unknown(text, returncode)
    quoted = _quote(rule, told)
    message = f"{rule.says}: {quoted}" if quoted else rule.says
    return Failure(rule.code, message, rule.fix, text.strip()[-EVIDENCE_LIMIT:])
