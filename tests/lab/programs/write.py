"""Hook ``write`` (SERVER DIRECTORY FILE): standard input goes to a file on the real server, as it comes."""

import os
import sys

from libnfs import PORTION, Mounted, NfsError

try:
    mounted = Mounted(sys.argv[1], sys.argv[2])
    mounted.create(sys.argv[3])
    while portion := os.read(0, PORTION):
        mounted.write(portion)
    mounted.close()
except NfsError as error:
    print(error)
    sys.exit(error.exit)
