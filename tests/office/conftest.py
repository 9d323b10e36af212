"""Offices for the tests beside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.office.changes import person
from tests.office.house import House, copies, make_home


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home without any register, to be copied."""
    return make_home(tmp_path_factory.mktemp("office") / "bare", ())


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the shipped registers defined, to be copied."""
    return make_home(tmp_path_factory.mktemp("office") / "template")


@pytest.fixture
def house(template: Path, tmp_path: Path) -> Iterator[House]:
    """An office in which nothing is registered yet."""
    made = House(copies(template, tmp_path)())
    yield made
    made.close()


@pytest.fixture
def town(house: House) -> House:
    """An office with some people."""
    return registered_town(house)


def registered_town(house: House) -> House:
    """Register Mari and Jaan, who are grown up, Liis, who is a child, Peep, born some day in 2008, and Ott."""
    house.taken(
        person("P-000001", "1980-05-01", "Tamm", "Mari"),
        person("P-000002", "1979-02-11", "Kask", "Jaan", sex="male"),
        person("P-000003", "2015-01-01", "Lepik", "Liis"),
        person("P-000004", "2008", "Sepp", "Peep", sex="male"),
        person("P-000009", "1970-10-10", "Mets", "Ott", sex="male"),
    )
    return house
