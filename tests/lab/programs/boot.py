"""Process 1 of a host: makes the host's tree the root, starts its services and takes in orphans until it is killed.

Started with the name of a file of JSON: name, tree, binds (pairs of a source and its place in the tree),
services (argv lists, each with the port that it listens on).
"""

import ctypes
import json
import os
import pathlib
import socket
import sys
import time

BIND, REC = 4096, 16384
LIBC = ctypes.CDLL(None, use_errno=True)
ENV = {"PATH": "/usr/bin:/etc:/usr/sbin:/sbin", "LANG": "C", "HOME": "/"}


def mount(source: str, target: str, kind: str = "", flags: int = 0) -> None:
    if LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, b""):
        raise OSError(ctypes.get_errno(), f"mount {source} on {target}: {os.strerror(ctypes.get_errno())}")


def make_root(tree: str, binds: list[list[str]]) -> None:
    mount(tree, tree, flags=BIND)
    for source, place in binds:
        mount(source, tree + place, flags=BIND | (REC if source == "/dev" else 0))
    mount("proc", f"{tree}/proc", "proc")
    mount("tmpfs", f"{tree}/run", "tmpfs")
    os.chroot(tree)
    os.chdir("/")
    for place in ("sshd", "rpcbind", "ganesha"):
        os.mkdir(f"/run/{place}", 0o755)


def start(argv: list[str]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            nothing = os.open("/dev/null", os.O_RDWR)
            log = os.open(f"/.base/logs/{os.uname().nodename}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for stream, target in ((0, nothing), (1, log), (2, log)):
                os.dup2(target, stream)
            os.execve(argv[0], argv, ENV)
        finally:
            os._exit(127)
    return pid


def wait_for(port: int) -> None:
    """Until something listens there; gives up after ten seconds."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    print(f"nothing listens on port {port}", flush=True)
    sys.exit(1)


def main() -> None:
    asked = json.loads(pathlib.Path(sys.argv[1]).read_text())
    outside = os.readlink("/proc/self")
    make_root(asked["tree"], asked["binds"])
    socket.sethostname(asked["name"])
    for argv, port in asked["services"]:
        pid = start(argv)
        if port:
            wait_for(port)
        else:
            os.waitpid(pid, 0)
    print(f"up {outside}", flush=True)
    while True:
        try:
            os.wait()
        except ChildProcessError:
            time.sleep(0.2)


main()
