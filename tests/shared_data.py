"""Where the data that other people made stands: the folder `shared` beside the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1].parent / "shared"


def shared(path: str) -> Path:
    """The file or folder `path` below `shared`; the test is skipped, and counted, where it is missing."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"shared data missing: {path}")
    return found
