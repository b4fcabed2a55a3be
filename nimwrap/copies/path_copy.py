"""Kind ``path``: another directory of the same master, such as another file system or a mount."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from nimwrap.config.model import MasterConfig
from nimwrap.copies.base import LEFT, CopyOrder
from nimwrap.copies.checksum_text import SUMS
from nimwrap.images.kit.kit_files import write_text
from nimwrap.images.kit.kit_names import MARKER, manifest_path
from nimwrap.locks.lock_scripts import MARK


class PathCopy:
    name = "path"
    here = False
    looks = True

    def location(self, order: CopyOrder) -> str:
        return f"{order.place.directory.rstrip('/')}/{order.row.client}/{order.name}"

    def make(self, order: CopyOrder) -> str:
        """The image's own checksums too where none was taken when it was proven."""
        draft, location, image = self.draft(order), shlex.quote(self.location(order)), shlex.quote(order.row.location)
        return f"""\
umask 077
mkdir -p {location.rpartition("/")[0] or "/"} || exit 1
rm -f {draft}
cp {image} {draft} || {{ rm -f {draft}; exit 1; }}
{"" if order.known.crc else f"{SUMS}sums {image}"}
"""

    def look(self, order: CopyOrder) -> str:
        return f"""\
size() {{ [ -f "$1" ] && ls -l "$1" | awk '{{ print $5 }}'; }}
echo "{MARK}draft $(size {self.draft(order)})"
echo "{MARK}copy $(size {shlex.quote(self.location(order))})"
echo "{MARK}seen"
"""

    def check(self, order: CopyOrder, *, draft: bool) -> str:
        place = self.draft(order) if draft else shlex.quote(self.location(order))
        return f"{SUMS}sums {place}\n"

    def publish(self, order: CopyOrder, *, replacing: bool) -> str:
        draft, location = self.draft(order), shlex.quote(self.location(order))
        there = f"if [ -f {location} ]; then echo 'something else lies there'; exit {LEFT}; fi\n"
        gone = f"[ -f {draft} ] || {{ echo 'the draft is gone'; exit 1; }}\n"
        return f"{gone}{'' if replacing else there}mv -f {draft} {location}\n"

    def adopt(self, order: CopyOrder) -> str:
        return ":\n"

    def write(self, far: MasterConfig | None, files: Mapping[str, str]) -> str:
        return write_text(files)

    def fetch(self, order: CopyOrder) -> str:
        return ""

    def abandon(self, order: CopyOrder) -> str:
        return f"rm -f {self.draft(order)}; [ ! -f {self.draft(order)} ]\n"

    def remove(self, order: CopyOrder) -> str:
        location, manifest = shlex.quote(self.location(order)), shlex.quote(manifest_path(self.location(order)))
        return f"""\
if [ -f {location} ]; then
  bytes=$(ls -l {location} | awk '{{ print $5 }}')
  [ "$bytes" = {order.row.size_bytes} ] || {{ echo "the file there has $bytes bytes: it is another one"; exit {LEFT}; }}
  rm -f {location}
fi
if [ -f {location} ]; then echo 'the file is still there'; exit 1; fi
if [ -f {manifest} ] && grep {MARKER} {manifest} > /dev/null; then rm -f {manifest}; fi
rmdir {location.rpartition("/")[0]} 2>/dev/null
exit 0
"""

    def draft(self, order: CopyOrder) -> str:
        """Where it lies until it is proven, as a word for the shell."""
        return shlex.quote(f"{self.location(order)}.part")


KIND = PathCopy()
