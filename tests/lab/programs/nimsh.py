"""NIM's client daemon on a real network: runs what a master asks and sends the output back as it comes.

A frame is the stream's number, a length and the bytes; stream 0 ends with the status. What was started goes on when
the master's side goes away, as under the real nimsh.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import sys
from collections.abc import Callable

sys.path.insert(0, "/.lab/code")
from nimwrap.estate.machine import Machine
from nimwrap.estate.process import environment, pump, shell_path, start

PORT = 3901
HEAD = struct.Struct(">BI")


def serve() -> None:
    """Answer masters for ever, each connection in a process of its own."""
    with socket.create_server(("0.0.0.0", PORT), backlog=64) as listening:  # noqa: S104 (as the real one does)
        while True:
            connection, _ = listening.accept()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
            if os.fork() == 0:
                listening.close()
                try:
                    _answer(Machine(""), connection)
                finally:
                    os._exit(0)
            connection.close()


def _answer(me: Machine, connection: socket.socket) -> None:
    with connection.makefile("rb") as reading:
        asked = json.loads(reading.readline() or b"null")
    if not asked:
        return
    os.setsid()
    argv = [shell_path(), "-c", asked["script"]]
    child = start(argv, environment(me), cwd="/", merged=asked["merged"], detached=True)
    pipes = {child.stdout: 1} if asked["merged"] else {child.stdout: 1, child.stderr: 2}
    pump({pipe: _sender(connection, stream) for pipe, stream in pipes.items()})
    _sender(connection, 0)(str(child.wait()).encode())


def _sender(connection: socket.socket, stream: int) -> Callable[[bytes], None]:
    def send(data: bytes) -> None:
        with contextlib.suppress(OSError):
            connection.sendall(HEAD.pack(stream, len(data)) + data)

    return send


if __name__ == "__main__":
    serve()
