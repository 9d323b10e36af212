from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.serving import Served, served


@pytest.fixture
def serving_node(tmp_path: Path) -> Iterator[Served]:
    """A served installation of its own."""
    with served(tmp_path / "home") as each:
        yield each
