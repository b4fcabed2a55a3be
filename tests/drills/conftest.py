"""The image lab serves drills too."""

from __future__ import annotations

from tests.images.conftest import lab, lab_with

__all__ = ["lab", "lab_with"]
