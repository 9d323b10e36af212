"""The log, activity, audit, search, downloads, and what an operator's misfortune looks like."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import msgspec
import pytest

from counterfoil.errors import Busy, Refused
from counterfoil.examples import registers_folder
from counterfoil.gateway.cosigner import WitnessStatus
from counterfoil.home_audit import HomeAudited
from counterfoil.proof.canonical import labelled
from counterfoil.proof.entry import Entry
from counterfoil.registry.catalogue.catalogue import Day
from counterfoil.registry.rsf.reading import read_rsf
from counterfoil.store.audit.finding import CANNOT_SEE, Finding
from counterfoil.web.auditing import AuditResult
from counterfoil.web.portal import downloads
from counterfoil.web.portal.activity_view import WEEKS, Year
from counterfoil.web.portal.audit_view import audit_view
from counterfoil.web.portal.charts import Bar
from counterfoil.web.portal.downloads import MAX_ENTRIES, write_download
from counterfoil.web.portal.log_view import growth_of, log_view
from counterfoil.web.portal.search_view import hits_of
from counterfoil.web.portal.templating import render
from counterfoil.web.portal.words import day
from tests.web.portal.office import ORIGIN, VERSIONS
from tests.web.portal.reading import Reader
from tests.web.serving import Served


def rendered(template: str, view: Any, ledger: Any) -> str:
    """A page that shows something which this office has not, in one line."""
    page = render(template, view=view, ledger=ledger, address="/x", site="http://x", json_address="/x.json")
    return " ".join(page.decode().split())


# The log


def test_the_log_says_how_large_it_is_and_under_which_root(reader: Reader, office: Served) -> None:
    store = office.node.store
    page = reader.json("/log")
    assert page["size"] == store.head.size
    assert page["root"] == labelled(store.root_at(store.head.size))
    assert page["checkpoint"].encode() == store.latest_published()
    assert page["checkpoint"].startswith(f"{ORIGIN}\n{page['covered']}\n")
    assert [each["name"] for each in page["signatures"]] == [ORIGIN, ORIGIN]
    assert [each["number"] for each in page["entries"]] == list(
        range(page["size"] - 1, page["size"] - 21, -1)
    )
    assert page["growth"][-1]["value"] == page["size"]
    said = reader.get("/log").text
    assert page["checkpoint"].splitlines()[0] in said
    assert "Nobody has: this node has no witnesses." in said
    assert f"counterfoil monitor {office.url}/ --state ./watched" in said


def test_it_says_who_has_cosigned_and_who_is_late(reader: Reader, office: Served) -> None:
    statuses = (
        WitnessStatus("w.example/up", "http://up/", 900, 0, 1_795_000_000, None),
        WitnessStatus("w.example/late", "http://late/", 880, 20, 1_795_000_000, None),
        WitnessStatus("w.example/away", "http://away/", 0, 900, None, "it does not answer"),
    )
    view = log_view(office.node.store, statuses, [])
    ledger = reader.client.get("/log.json").json()["ledger"]
    page = render(
        "log.html", view=view, ledger=ledger, address="/log", site="http://x", json_address="/log.json"
    ).decode()
    said = " ".join(page.split())
    assert 'w.example/up</th><td>up to date</td><td class="n">900 entries' in said
    assert "w.example/late</th><td>late by 20 entries</td>" in said
    assert "w.example/away</th><td>away: it does not answer</td>" in said
    assert '<span class="none">never</span>' in said


def test_growth_is_drawn_in_as_many_bars_as_fit() -> None:
    days = [Day(f"2026-{1 + at // 28:02d}-{1 + at % 28:02d}", 2) for at in range(200)]
    growth = growth_of(days)
    assert len(growth) == 50
    assert growth[-1] == Bar(days[-1].day, 400)
    assert [bar.value for bar in growth] == sorted(bar.value for bar in growth)
    assert growth_of([]) == ()


def test_an_entry_shows_its_bytes_and_its_neighbours(reader: Reader, office: Served) -> None:
    page = reader.get("/entries/100")
    assert office.node.store.entry(100).decode() in "".join(page._texts)
    assert {"/entries/99", "/entries/101"} <= set(page.links)
    last = office.node.store.head.size - 1
    assert f"/entries/{last + 1}" not in reader.get(f"/entries/{last}").links
    assert "/entries/-1" not in reader.get("/entries/0").links


# Activity


def test_a_year_is_whole_weeks_that_end_today() -> None:
    year = Year.until(1_795_000_000)  # 18 November 2026
    assert (year.first.isoformat(), year.last.isoformat()) == ("2025-11-13", "2026-11-18")
    weeks = year.weeks(
        [Day("2025-11-13", 1), Day("2025-11-19", 2), Day("2025-11-20", 4), Day("2026-11-18", 8)]
    )
    assert len(weeks) == WEEKS
    assert (weeks[0], weeks[1], weeks[-1]) == (
        Bar("2025-11-13", 3),
        Bar("2025-11-20", 4),
        Bar("2026-11-12", 8),
    )


def test_activity_tells_every_register_and_the_years_of_older_books(reader: Reader) -> None:
    page = reader.json("/activity")
    counts = {each["register"]: each["entries"] for each in page["registers"]}
    assert counts["vessel"] == VERSIONS + 4
    assert counts["empty"] == 0
    assert sum(counts.values()) == page["entries"] == sum(week["value"] for week in page["weeks"])
    assert page["years"][0]["label"] == "2016"
    assert "Year by year" in reader.get("/activity").text


@pytest.mark.parametrize("address", ["/", "/activity"])
def test_the_last_day_of_a_chart_of_weeks_is_the_last_that_it_shows(reader: Reader, address: str) -> None:
    page = reader.json(address)
    shown = re.findall(r"<span>([^<]*)</span></div>", reader.get(address).response.text)
    assert shown[0] == day(page["last"]) != day(page["weeks"][-1]["label"])


def test_a_chart_has_its_figures_in_a_table(reader: Reader) -> None:
    said = reader.get("/activity").text
    for year in reader.json("/activity")["years"]:
        if year["value"]:
            assert f"{year['label']} {year['value']:,}".replace(",", "\N{NARROW NO-BREAK SPACE}") in said


# Audit


def rendered_audit(reader: Reader, result: AuditResult | None) -> str:
    ledger = reader.client.get("/audit.json").json()["ledger"]
    page = render(
        "audit.html",
        view=audit_view(result),
        ledger=ledger,
        address="/audit",
        site="",
        json_address="/audit.json",
    )
    return " ".join(page.decode().split())


def test_a_good_audit_says_so_and_what_it_cannot_see(reader: Reader, office: Served) -> None:
    page = reader.json("/audit")
    assert (page["found"], page["error"], page["cannot_see"]) == (0, None, CANNOT_SEE)
    assert page["entries"] == office.node.store.head.size
    said = reader.get("/audit").text
    assert "All is well: everything stored is what it must be." in said
    assert "It runs by itself at the start and every 24 hours." in said
    assert CANNOT_SEE in said


def test_faults_are_named_and_lead_to_their_records(reader: Reader) -> None:
    finding = Finding("its bytes were changed", "store.db bundle 3", 800, "country", "GB", 2)
    audited = HomeAudited(900, None, ORIGIN, (finding,), 7, ("the keys, which are not here",))
    said = rendered_audit(reader, AuditResult(1_795_000_000.5, 12.34, audited, None))
    assert "7 faults found." in said
    assert "store.db bundle 3: country &#39;GB&#39;, version 2: its bytes were changed" in said
    assert 'href="/registers/country/records/GB"' in said
    assert "and more; <code>counterfoil audit</code> lists them" in said
    assert "18 November 2026, 11:06" in said
    assert "12.3 seconds" in said
    assert "<li>The keys, which are not here</li>" in said
    assert "All is well" not in said


def test_an_audit_that_could_not_be_done_is_not_well(reader: Reader) -> None:
    said = rendered_audit(reader, AuditResult(1_795_000_000, 0.1, None, "the folder cannot be read"))
    assert "The latest audit could not be done." in said
    assert "the folder cannot be read" in said
    assert "All is well" not in said


def test_before_the_first_audit_nothing_is_claimed(reader: Reader) -> None:
    said = rendered_audit(reader, None)
    assert "The first audit since this node was started has not ended yet." in said
    assert "All is well" not in said


# Search


def test_what_is_found_is_shown_where_it_was_found(reader: Reader) -> None:
    page = reader.json("/search?q=CZECHI")
    (hit,) = page["hits"]
    assert (hit["register"], hit["record"], hit["called"], hit["version"]) == ("country", "CZ", "Czechia", 2)
    assert [snippet["field"] for snippet in hit["snippets"]] == ["name"]
    said = reader.get("/search?q=czech+republic").response.text
    assert "The <mark>Czech</mark> <mark>Republic</mark>" in said


def test_a_search_can_be_kept_to_one_register_and_paged(reader: Reader) -> None:
    seen: list[str] = []
    address: str | None = "/search?q=the&register=country"
    while address:
        page = reader.json(address)
        assert {hit["register"] for hit in page["hits"]} == {"country"}
        seen += [hit["record"] for hit in page["hits"]]
        address = reader.get(address).next
    assert len(seen) == len(set(seen)) > 100


def test_nothing_found_says_what_to_do(reader: Reader) -> None:
    said = reader.get("/search?q=zzzz").text
    assert "No record has all of these words." in said
    assert "Fewer words find more" in said


def test_a_hit_that_the_store_does_not_bear_out_is_dropped() -> None:
    entry = Entry(7, "2026-11-23T10:00:00Z", "pet", "rex", 1, "create", body={"fields": {"name": "Ärger"}})
    assert [hit.record for hit in hits_of([entry], "arg", {"pet": "Pets"})] == ["rex"]
    assert [hit.record for hit in hits_of([entry], "REX", {"pet": "Pets"})] == ["rex"]
    assert hits_of([entry], "dane", {"pet": "Pets"}) == ()


# Downloads


def test_a_register_is_given_as_the_rsf_file_that_it_came_from(reader: Reader) -> None:
    response = reader.client.get("/registers/country.rsf")
    assert response.headers["content-disposition"] == "attachment; filename*=UTF-8''country.rsf"
    assert response.content == (registers_folder() / "country.rsf").read_bytes()
    assert read_rsf(response.content).register == "country"


def test_a_register_is_given_as_a_table(reader: Reader) -> None:
    response = reader.client.get("/registers/country.csv")
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert response.headers["content-type"].startswith("text/csv; header=present")
    assert len(rows) == reader.json("/registers/country")["records"]
    (czechia,) = [row for row in rows if row[".record"] == "CZ"]
    assert (czechia["name"], czechia[".version"]) == ("Czechia", "2")


def test_a_register_is_given_as_lines_of_json(reader: Reader) -> None:
    lines = [
        msgspec.json.decode(line) for line in reader.client.get("/registers/odd.jsonl").content.splitlines()
    ]
    assert {line["record"]: line["version"] for line in lines}["a b"] == 2
    assert next(line for line in lines if line["record"] == "a/b")["fields"]["nested"]["a"] == [
        1,
        2,
        {"b": None, "c": True},
    ]


def test_what_rsf_has_no_form_for_is_refused_before_the_file_begins(reader: Reader) -> None:
    page = reader.get("/registers/vessel.rsf", 422)
    assert "has no form in RSF" in page.text


def test_a_register_that_is_too_large_is_not_begun(office: Served) -> None:
    with pytest.raises(Refused, match="counterfoil export country"):
        write_download(office.node.store, "country", "csv", MAX_ENTRIES + 1, office.node.home.cache)


def test_too_many_at_once_are_told_to_come_again(office: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    class Taken:
        def acquire(self, *, blocking: bool) -> bool:
            return blocking

    monkeypatch.setattr(downloads, "_turns", Taken())
    with pytest.raises(Busy, match="ask again in a while"):
        write_download(office.node.store, "country", "csv", 1, office.node.home.cache)


def test_nothing_of_a_download_is_left_behind(reader: Reader, office: Served) -> None:
    reader.client.get("/registers/country.csv")
    left = {path.name for path in office.node.home.cache.iterdir()}
    assert {name.partition("-")[0] for name in left} == {"catalogue.db"}


# What is not this program's to mend


def test_an_error_of_the_program_says_where_more_is_told(
    reader: Reader, office: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise RuntimeError("a secret that nobody must read")

    monkeypatch.setattr(type(office.service.witnessing), "level", fail)
    page = reader.get("/about", 500)
    assert "Something went wrong" in page.text
    assert "the node's log says where" in page.text
    assert "secret" not in page.text
