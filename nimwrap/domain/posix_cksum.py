"""The checksum that ``cksum`` prints, counted over what passes by."""

from __future__ import annotations

import zlib

_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ONES = 0xFFFFFFFF


class PosixCksum:
    """POSIX's CRC is zlib's over mirrored bytes: without the ones before, and with the length after."""

    def __init__(self) -> None:
        self.size = 0
        self._crc = _ONES

    def add(self, data: bytes) -> None:
        self.size += len(data)
        self._crc = zlib.crc32(data.translate(_MIRRORED), self._crc)

    @property
    def text(self) -> str:
        """``CRC BYTES``."""
        length = self.size.to_bytes((self.size.bit_length() + 7) // 8, "little")
        crc = zlib.crc32(length.translate(_MIRRORED), self._crc) ^ _ONES
        return f"{int(f'{crc:032b}'[::-1], 2) ^ _ONES} {self.size}"
