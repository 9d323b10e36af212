"""A file of access to which the tests' key has access."""

from __future__ import annotations

from pathlib import Path

import pytest

from counterfoil.identity.access import Access
from tests.identity.asking import KEY, KEYID


@pytest.fixture
def access(tmp_path: Path) -> Access:
    """Access in which `KEYID` may write land titles by signing with `KEY`."""
    access = Access(tmp_path / "access.json")
    access.add_key(KEYID, ["write:land-title"], KEY.public.text)
    return access
