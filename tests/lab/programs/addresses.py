"""Hook ``addresses``: the kernel's own inet addresses in its own order, but loopback (Linux's SIOCGIFCONF)."""

import array
import fcntl
import socket
import struct

SIOCGIFCONF, SIOCGIFNETMASK = 0x8912, 0x891B
RECORD = 40  # struct ifreq on a 64-bit Linux

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
    buffer = array.array("B", bytes(RECORD * 64))
    where, length = buffer.buffer_info()
    used = struct.unpack("iP", fcntl.ioctl(asking, SIOCGIFCONF, struct.pack("iP", length, where)))[0]
    for at in range(0, used, RECORD):
        name = bytes(buffer[at : at + 16])
        address = socket.inet_ntoa(bytes(buffer[at + 20 : at + 24]))
        if not address.startswith("127."):
            asked = struct.pack("16sH2x4s16x", name, socket.AF_INET, socket.inet_aton(address))
            mask = fcntl.ioctl(asking, SIOCGIFNETMASK, asked)[20:24]
            print(name.rstrip(b"\0").decode().split(":")[0], address, socket.inet_ntoa(mask))
