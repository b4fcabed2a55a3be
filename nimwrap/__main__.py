"""``python -m nimwrap`` and the ``nimwrap`` command.

This file alone must be readable by any Python, even 2.7: it says which one is needed before anything newer is imported.
"""

import gc
import sys

NEEDED = (3, 11)


def main():  # type: () -> int
    """Run the command line; returns the exit code."""
    if sys.version_info < NEEDED:
        found = ".".join(map(str, sys.version_info[:2]))
        sys.stderr.write("error: nimwrap needs Python 3.11 or newer; {} is {}\n".format(sys.executable, found))
        sys.stderr.write("hint: run it with a newer one, such as python3.12 -m nimwrap\n")
        return 1
    try:
        from nimwrap.cli.main import main as run

        code = run()
        gc.freeze()  # on the way out Python would look through everything once more for cycles
    except KeyboardInterrupt:  # while our modules are being read, or a second time while the first is told
        return interrupted()
    return code


def interrupted():  # type: () -> int
    """Say that Ctrl-C came, in the form asked for; returns the exit code."""
    options = sys.argv[: sys.argv.index("--")] if "--" in sys.argv else sys.argv
    if "--json" in options:
        sys.stdout.write(
            '{"schema": 1, "command": "", "status": "error", "exit_code": 130, "data": {}, "errors": '
            '[{"code": "cancelled", "message": "interrupted", "hint": "", "client": null}], "warnings": []}\n'
        )
    elif sys.stderr:
        sys.stderr.write("error: interrupted\n")
    return 130


if __name__ == "__main__":
    sys.exit(main())
