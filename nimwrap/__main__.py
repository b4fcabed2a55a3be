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
    from nimwrap.cli.main import main as run

    code = run()
    gc.freeze()  # on the way out Python would look through everything once more for cycles
    return code


if __name__ == "__main__":
    sys.exit(main())
