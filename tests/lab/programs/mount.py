"""Hook ``mount`` (SERVER DIRECTORY OVER OPTIONS): ask the real server by the MOUNT protocol, and nothing else."""

import sys

from libnfs import Mounted, NfsError

try:
    Mounted(sys.argv[1], sys.argv[2])
except NfsError as error:
    print(error)
    sys.exit(error.exit)
