"""A client's script as one line that either arrives whole or does nothing at all.

Nothing public says that nimsh takes a command of several lines, nor what else it may do to one (reference aix-audit,
row 1): cut it, lose characters, wrap it once more. So the line begins by looking at itself.
"""

from __future__ import annotations

from string import punctuation

_SPARE = "~^%@?:,+_QZJXKYVW"
_GUARD = "  " + punctuation.replace("'", "")
"""Every kind of character that a script needs. Where one is lost on the way, the length is another one, or the line is
no command any more; where the quotes are, the shell takes none of it."""


def packed(text: str) -> str:
    """``text`` without line ends, behind a guard.

    Newline, backslash (which some shells' echo would read) and quote (which would double at each quoting) travel as
    three characters that ``text`` does not have; with fewer than three to spare it goes as it is.
    """
    spare = "".join([char for char in _SPARE if char not in text][:3])
    if len(spare) < 3:
        return text
    line = text.translate(str.maketrans("\n\\'", spare))
    return (
        f"LC_ALL=C; export LC_ALL; nw_g='{_GUARD}'; case ${{#nw_g}} in {len(_GUARD)}) "
        f"eval \"$(echo '{line}' | tr '{spare}' '\\012\\134\\047')\";; esac"
    )
