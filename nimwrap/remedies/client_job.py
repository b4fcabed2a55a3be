"""The client's job of own-mount: its files in a room of its own, the ways to start it, looking at it, clearing it away.

What nimsh does to the process group of a request when it ends is not public (aix-audit, row 2). So the job is started
in a session of its own where perl is there, and otherwise, or when it is gone a moment later, the next way.
"""

from __future__ import annotations

import hashlib

from nimwrap.aix.kept_output import kept_output
from nimwrap.hosts.script_batch import process_tree

MOUNT_FAILED = 90
_MOUNT_LIMIT_S = 600
"""A mount that hangs takes the night; what is not mounted by then is given up."""
NOT_HERE = 13
"""What ``begin`` says of a way that this client does not have."""
_AT_S = 20


def client_room(run: str) -> str:
    """The directory on the client; mkdir of a fixed name fails if somebody else made it, so it is ours or nothing."""
    return f"/tmp/nimwrap.{run}"  # noqa: S108  mkdir without -p is what makes it safe


def delivery_name(run: str) -> str:
    """What the operation's scripts are called on their way to the client (client_command)."""
    return hashlib.sha256(run.encode()).hexdigest()[:12]


def remove_room(run: str) -> str:
    """Client command: nothing of the job is left; only after it is unmounted."""
    return f"rm -rf {client_room(run)}"


def prepare_on_client(run: str, prepare: str, mount: str, make: str, umount: str) -> str:
    """Client script: makes the room by ``prepare`` and writes the job of the other three; starts nothing.

    What nimwrap writes is private; the image is made with the umask that root has there. mksysb wants one locale
    throughout (mksysb man page, aix-nim 6.4), so LC_ALL is unset for it. A job that was given up, and is begun by cron
    all the same, finds another way written down and does nothing.
    """
    room = client_room(run)
    job = f"""\
PATH=/usr/bin:/usr/sbin:/etc:/sbin:/bin; export PATH
unset LC_ALL; LANG=C; export LANG
trap '' HUP
umask 077
cd {room} || exit 1
[ "$(cat way)" = "$1" ] || exit 1
echo $$ > pid
{{ {mount}
}} > out 2>&1 < /dev/null &
mounting=$!
( waited=0
while [ $waited -lt {_MOUNT_LIMIT_S} ]; do
  sleep 1
  kill -0 $mounting || exit
  waited=$((waited + 1))
done
echo "mount: given up after {_MOUNT_LIMIT_S} s without an answer" >> out
echo {MOUNT_FAILED} > rc.new && mv rc.new rc
kill -9 $({process_tree("$mounting")})
) > /dev/null 2>&1 < /dev/null &
watch=$!
wait $mounting
status=$?
kill $watch 2>/dev/null
[ ! -f rc ] || exit 1
if [ $status -eq 0 ]; then
  ( umask $(cat umask); {make}
  ) >> out 2>&1 < /dev/null
  status=$?
  # viosbr adds an ending to the name that it is given (aix-audit, row 7).
  for made in {room}/mnt/*.tar.gz; do [ ! -f "$made" ] || mv "$made" "${{made%.tar.gz}}"; done
else
  echo "mount ended with status $status" >> out
  status={MOUNT_FAILED}
fi
{umount} > umount.out 2>&1 < /dev/null
echo $status > rc.new && mv rc.new rc
"""
    return f"""\
mask=$(umask)
umask 077
{prepare} || exit 1
echo $mask > {room}/umask
cat > {room}/job <<'NIMWRAP_JOB'
{job}NIMWRAP_JOB
"""


def begin_on_client(run: str, way: str, *, again: bool) -> str:
    """Client script: starts the prepared job by ``way`` and waits until it runs; status NOT_HERE where that cannot be.

    ``again``: what an earlier way has left of it is ended first. ``held`` starts nothing: the caller is the way.
    """
    room = client_room(run)
    job = f'/usr/bin/ksh "$PWD/job" {way}'  # not spelled out: this very script is in the listing of processes, too
    start = {
        "setsid": f"[ -x /usr/bin/perl ] || exit {NOT_HERE}\n"
        "/usr/bin/perl -MPOSIX -e 'defined($p = fork) or exit 1; if (!$p) { POSIX::setsid(); exec @ARGV }"
        """ for (1..99) { exit if -s "pid"; select undef, undef, undef, .1 }'"""
        f" {job} < /dev/null > /dev/null 2>&1 || exit {NOT_HERE}",
        "nohup": f"nohup {job} < /dev/null > /dev/null 2>&1 &\necho $! > pid",
        "at": f'echo "/usr/bin/ksh $PWD/job {way}" | at now 2>/dev/null || exit {NOT_HERE}',
        "held": "exit 0",
    }[way]
    clear = f"""\
writers() {{ ps -ef | awk '/[n]imwrap[.]{run}\\/(job|mnt\\/)/ {{ print $2 }}'; }}
for signal in TERM KILL; do
  found=$(writers)
  [ -z "$found" ] || {{ kill -$signal $found; sleep 1; }}
done
[ -z "$(writers)" ] || exit 1
if mount | grep " {room}/mnt " > /dev/null; then umount {room}/mnt || umount -f {room}/mnt; fi
rm -f pid rc out
"""
    return f"""\
umask 077
cd {room} || exit 1
echo {way} > way
{clear if again else ""}{start}
waited=0
while [ ! -s pid ] && [ $waited -lt {_AT_S} ]; do sleep 1; waited=$((waited + 1)); done
[ -s pid ] || {{ echo none > way; exit {NOT_HERE}; }}
"""


def held_command(run: str) -> str:
    """The client's command line that is the job itself; only letters, digits and what any channel carries."""
    return f"/usr/bin/ksh {client_room(run)}/job held"


def look_on_client(run: str) -> str:
    """Client script: status 0 and the job's own status as last line when it ended, 10 while it runs, 11 if it died."""
    room = client_room(run)
    return f"""\
cd {room} 2>/dev/null || exit 11
tail -c 1500 out 2>/dev/null
for again in 1 2; do
  if [ -f rc ]; then echo; echo "job ended $(cat rc)"; exit 0; fi
  ps -p "$(cat pid)" -o args= 2>/dev/null | grep "[n]imwrap[.]{run}/job" > /dev/null && exit 10
  sleep 1
done
if [ -f rc ]; then echo; echo "job ended $(cat rc)"; exit 0; fi
exit 11
"""


def clean_on_client(run: str) -> str:
    """Client script: prints the job's output (its last 64 KiB, and what decides), unmounts, removes the room.

    A script of the operation that was ended on its way here is removed, too.

    Status 12 when it may not: something still writes there, or the mount does not go. The names in the pattern are
    such that the script does not find itself.
    """
    room = client_room(run)
    return f"""\
rm -rf /tmp/nw.{delivery_name(run)}*
[ -d {room} ] || exit 0
busy() {{ ps -ef | egrep "[n]imwrap[.]{run}/(job|mnt/)" > /dev/null; }}
waited=0
while busy && [ $waited -lt 5 ]; do sleep 1; waited=$((waited + 1)); done
if busy; then echo "something still writes below {room}"; exit 12; fi
{kept_output(f"{room}/out")}
cat {room}/umount.out 2>/dev/null
if mount | grep " {room}/mnt " > /dev/null; then umount {room}/mnt || umount -f {room}/mnt; fi
if mount | grep " {room}/mnt " > /dev/null; then echo "still mounted: {room}/mnt"; exit 12; fi
{remove_room(run)}
"""
