"""The levels of drills by name, the one that asks least of the site first."""

from __future__ import annotations

from nimwrap.drills.base import DrillLevel
from nimwrap.drills.disk_drill import DiskDrill
from nimwrap.drills.extract_drill import ExtractDrill
from nimwrap.drills.lpar_drill import LparDrill

LEVELS: dict[str, DrillLevel] = {each.name: each for each in (ExtractDrill(), DiskDrill(), LparDrill())}
