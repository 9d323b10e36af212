"""What is used once is refused a second time for as long as it could be used, and the memory has an end."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from counterfoil.errors import Busy, Unverified
from counterfoil.identity.replay import UsedOnce
from tests.identity.asking import NOW


def test_a_mark_is_used_once() -> None:
    used = UsedOnce()
    used.use((b"a",), NOW + 300, NOW)
    used.use((b"b",), NOW + 300, NOW)
    for now, end in ((NOW, NOW + 300), (NOW + 300, NOW + 600), (NOW - 100, NOW)):
        with pytest.raises(Unverified, match="used already; sign the request anew"):
            used.use((b"a",), end, now)


def test_of_several_all_or_none_is_noted() -> None:
    used = UsedOnce()
    used.use((b"a",), NOW + 300, NOW)
    with pytest.raises(Unverified):
        used.use((b"b", b"a"), NOW + 300, NOW)
    used.use((b"b",), NOW + 300, NOW)


def test_what_has_ended_makes_room() -> None:
    used = UsedOnce(capacity=2)
    used.use((b"a", b"b"), NOW + 300, NOW)
    with pytest.raises(Busy, match="more signed requests came within the last minutes"):
        used.use((b"c",), NOW + 600, NOW + 300)
    used.use((b"c", b"d"), NOW + 600, NOW + 360)


def test_a_full_memory_still_knows_what_it_holds() -> None:
    used = UsedOnce(capacity=1)
    used.use((b"a",), NOW + 300, NOW)
    with pytest.raises(Busy):
        used.use((b"b",), NOW + 300, NOW)
    with pytest.raises(Unverified):
        used.use((b"a",), NOW + 300, NOW)


def test_of_many_threads_one_is_let_through() -> None:
    used = UsedOnce()

    def attempt(_: int) -> bool:
        try:
            used.use((b"a",), NOW + 300, NOW)
        except Unverified:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(attempt, range(200))) == 1
