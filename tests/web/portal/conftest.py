from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.web.portal.office import make_office
from tests.web.portal.reading import Reader
from tests.web.serving import Served, served


@pytest.fixture(scope="session")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served office, which no test writes to."""
    folder = tmp_path_factory.mktemp("office") / "home"
    make_office(folder)
    with served(folder) as each:
        each.service.auditing.audit()
        yield each


@pytest.fixture(scope="session")
def reader(office: Served) -> Iterator[Reader]:
    """Somebody with a browser, whom nobody knows."""
    with httpx.Client(base_url=office.url, headers={"accept": "text/html,*/*"}, timeout=30) as client:
        yield Reader(client)
