"""``python -m nimwrap`` and the ``nimwrap`` command.

This file alone must be readable by any Python, even 2.7: it says which one is needed before anything newer is imported.
"""

import gc
import os
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
        import signal

        ctrl_c = signal.getsignal(signal.SIGINT)
        if ctrl_c is signal.default_int_handler:  # under nohup and the like it is ignored, and stays so
            signal.signal(signal.SIGINT, lambda number, frame: os._exit(interrupted()))
        from nimwrap.cli.main import main as run  # an exception in the middle of it may come out as another one

        signal.signal(signal.SIGINT, ctrl_c)
        code = run()
        gc.freeze()  # on the way out Python would look through everything once more for cycles
    except KeyboardInterrupt:  # before that, or a second one while the first is told
        return interrupted()
    return code


def interrupted():  # type: () -> int
    """Say that Ctrl-C came, in the form asked for; returns the exit code."""
    options = sys.argv[: sys.argv.index("--")] if "--" in sys.argv else sys.argv
    said, stream = b"error: interrupted\n", 2
    if "--json" in options:
        stream = 1
        said = (
            b'{"schema": 1, "command": "", "status": "error", "exit_code": 130, "data": {}, "errors": '
            b'[{"code": "cancelled", "message": "interrupted", "hint": "", "client": null}], "warnings": []}\n'
        )
    try:  # noqa: SIM105  contextlib would have to be read first
        os.write(stream, said)
    except OSError:
        pass  # nobody is there to read it
    return 130


if __name__ == "__main__":
    sys.exit(main())
