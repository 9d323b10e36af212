"""A damaged record: it alone is not shown, its reason is said, and no list or file has a silent gap."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from counterfoil.store.log import WIDTH, Log
from tests.web.portal.reading import Reader


@pytest.fixture(scope="module")
def reason(reader: Reader) -> Iterator[str]:
    """Why the latest entry of country CZ, which is read with a letter changed, is not shown."""
    damaged = reader.json("/registers/country/records/CZ")["entry"]["number"]
    load = Log._load

    def changed(self: Log, number: int) -> tuple[list[bytes], bytes]:
        entries, sealed = load(self, number)
        if number != damaged // WIDTH:
            return entries, sealed
        return [each.replace(b"Czechia", b"Czechla") for each in entries], sealed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "_load", changed)
        yield f"entry {damaged} is not what was sealed, so it is not shown"


def test_a_register_names_the_record_and_shows_the_others(reader: Reader, reason: str) -> None:
    page = reader.get("/registers/country?q=cz")
    assert "CZ not shown: damaged" in page.text
    assert page.text.count(f"Something here is damaged, and not shown: {reason}") == 1
    assert "Czechla" not in page.text
    listed = reader.json("/registers/country?q=cz")
    assert listed["damaged"].startswith(reason)
    assert [(row["record"], row["cells"]) for row in listed["rows"] if row["damaged"]] == [("CZ", [])]


def test_what_is_beside_it_in_a_list_is_shown(reader: Reader, reason: str) -> None:
    following = reader.get("/registers/country").next
    while following is not None and "CZ" not in reader.get(following).text:
        following = reader.get(following).next
    rows = reader.json(following or "/registers/country")["rows"]
    assert [row["record"] for row in rows if row["damaged"]] == ["CZ"]
    assert all(row["cells"] for row in rows if not row["damaged"])
    assert len(rows) == 50


def test_a_page_without_it_says_nothing_of_damage(reader: Reader, reason: str) -> None:
    assert reader.json("/registers/country?q=kingdom")["damaged"] is None
    assert "damaged" not in reader.get("/registers/country?q=kingdom").text


def test_a_search_that_finds_it_names_it_alone(reader: Reader, reason: str) -> None:
    page = reader.get("/search?q=czechia")
    assert "CZ not shown: damaged" in page.text
    assert reason in page.text
    assert "<mark>" not in page.response.text
    hits = reader.json("/search?q=czechia")["hits"]
    assert [(hit["record"], hit["damaged"], hit["snippets"]) for hit in hits] == [("CZ", True, [])]


@pytest.mark.parametrize("form", ["csv", "jsonl", "rsf"])
def test_a_file_would_have_a_gap_and_is_not_given(reader: Reader, reason: str, form: str) -> None:
    page = reader.get(f"/registers/country.{form}", 500)
    assert "It is damaged, and not given" in page.text
    assert f"The file would have a gap: {reason}" in page.text


def test_the_record_itself_is_refused_with_the_reason(reader: Reader, reason: str) -> None:
    assert f"E{reason[1:]}" in reader.get("/registers/country/records/CZ", 500).text
    assert "United Kingdom" in reader.get("/registers/country/records/GB").text
