"""The image lab serves disasters too."""

from __future__ import annotations

from tests.images.conftest import lab_with

__all__ = ["lab_with"]
