"""Hook ``remote`` (ADDRESS SCRIPT): a master's side of nimsh; 255 and no output when nobody answers over there."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys

PORT, CONNECT_S = 3901, 8.0
HEAD = struct.Struct(">BI")


def main(address: str, script: str) -> int:
    merged = os.fstat(1)[1:3] == os.fstat(2)[1:3]
    try:
        with socket.create_connection((address, PORT), CONNECT_S) as connection:
            connection.settimeout(None)
            connection.sendall(json.dumps({"script": script, "merged": merged}).encode() + b"\n")
            return _relay(connection)
    except OSError:
        return 255


def _relay(connection: socket.socket) -> int:
    while True:
        stream, length = HEAD.unpack(_exactly(connection, HEAD.size))
        data = _exactly(connection, length)
        if stream == 0:
            return int(data)
        while data:
            data = data[os.write(stream, data) :]


def _exactly(connection: socket.socket, amount: int) -> bytes:
    data = b""
    while len(data) < amount:
        portion = connection.recv(amount - len(data))
        if not portion:
            raise ConnectionResetError
        data += portion
    return data


sys.exit(main(*sys.argv[1:3]))
