"""NIM's error texts: the chain of wrappers, wrapped at 80 columns as the captures show (aix-nim section 1)."""

from __future__ import annotations


class NimError(Exception):
    """An operation failed: ``code`` is the three-digit number and nim's exit status, ``text`` the whole stderr."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def wrapped(line: str, indent: str = "   ") -> str:
    """``line`` broken before column 80; further lines are indented by 8."""
    words, lines, current = line.split(" "), [], indent
    for word in words:
        if len(current) + len(word) + 1 > 79 and current.strip():
            lines.append(current.rstrip())
            current = "        "
        current += word + " "
    lines.append(current.rstrip())
    return "\n".join(lines) + "\n"


def failed(code: int, message: str, *, method: str = "", machine: str = "") -> NimError:
    """``nim`` on the master, then ``method`` on ``machine`` where one took part, then the message itself."""
    text = '0042-001 nim: processing error encountered on "master":\n'
    if method:
        text += f'   0042-001 {method}: processing error encountered on "{machine}":\n'
    return NimError(code, text + wrapped(message))


def unexpected(method: str, machine: str, client_method: str, command: str, raw: str) -> NimError:
    """0042-175 with the raw output of ``command``, wrapped and as a warning first, then plain: the seed's layout."""
    said = f'0042-175 {client_method}: An unexpected result was returned by the "{command}" command:'
    text = (
        '0042-001 nim: processing error encountered on "master":\n'
        f'   0042-001 {method}: processing error encountered on "{machine}":\n'
        + wrapped(f"warning: {said}")
        + f" \n{raw}rc=175\n{said}\n{raw}"
    )
    return NimError(175, text)


def location_taken(method: str, location: str) -> NimError:
    """0042-081: another resource, or its export, is in the way."""
    return failed(
        81,
        f'0042-081 {method}: a resource already exists on "master" at location "{location}"; due to NFS '
        f'export restrictions, the new location "{location}" may not be used',
    )


_QUERY_HINT = (
    "\n        ** Use lsnim -q <operation> <object name> or\n"
    "           lsnim -q <operation> -t <type> to list required and optional\n"
    "           resources and attributes for a particular NIM operation.\n"
)


def wrong_attribute(method: str, name: str) -> NimError:
    """0042-130 with its hint."""
    said = wrapped(f'0042-130 {method}: "{name}" cannot be specified as an attribute for this operation')
    return NimError(130, f'0042-001 nim: processing error encountered on "master":\n{said}{_QUERY_HINT}')


def no_object(name: str, command: str = "nim") -> NimError:
    """0042-053."""
    said = f'0042-053 {command}: there is no NIM object named "{name}"'
    if command != "nim":
        return NimError(53, said + "\n")
    return failed(53, said)
