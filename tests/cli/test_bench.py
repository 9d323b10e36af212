"""`counterfoil bench`: says each figure as it is taken. What is measured is not measured here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from counterfoil.bench import bench
from counterfoil.bench.measure import Figure
from tests.cli.conftest import Command

FIGURES = [
    Figure("tree build", 3.9, "times SHA-256", 3.7, 4.2, 9, 0.5, limit=4.5),
    Figure("audit", 28_000.0, "entries/s", 27_000.0, 29_000.0, 5, 0.6, limit=30_000.0, at_least=True),
    Figure("proof", 12.5, "µs", 12.0, 13.0, 5, 0.6, note="made and checked"),
]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, Path | None]]:
    """What the bench was asked for; it gives the figures above."""
    asked: list[tuple[int, Path | None]] = []

    def figures(records: int, oracle: Path | None) -> Iterator[Figure]:
        asked.append((records, oracle))
        yield from FIGURES

    monkeypatch.setattr(bench, "figures", figures)
    return asked


def test_each_figure_is_a_line(command: Command, asked: list[tuple[int, Path | None]]) -> None:
    told = command("bench", "--records", "5000", "--oracle", "/usr/bin/python3")
    assert (told.code, asked) == (0, [(5000, Path("/usr/bin/python3"))])
    assert told.text.splitlines() == [
        "tree build: 3.9 times SHA-256 [3.7 to 4.2 in 9, load 0.5], at most 4.5: met",
        "audit: 28000 entries/s [27000 to 29000 in 5, load 0.6], at least 30000: not met",
        "proof: 12.5 µs [12 to 13 in 5, load 0.6] (made and checked)",
    ]


def test_or_a_document_and_the_last_one_has_all(
    command: Command, asked: list[tuple[int, Path | None]]
) -> None:
    told = command("bench", "--json")
    assert asked == [(1_000_000, None)]
    assert [each.get("name") for each in told.documents] == ["tree build", "audit", "proof", None]
    assert told.result["figures"] == told.documents[:3]
    assert told.result["missed"] == ["audit"]


def test_a_store_too_small_to_tell_is_wrong_usage(command: Command) -> None:
    assert command("bench", "--records", "10").code == 2
