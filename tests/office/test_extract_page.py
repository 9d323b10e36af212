"""The printed page: it shows what its data say, is checked against them byte for byte, and runs nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path

import pytest
import segno

from counterfoil.errors import Malformed
from counterfoil.proof.extract import Extract, extract_hash
from counterfoil.proof.report import NOT_VALID, VALID
from counterfoil.proof.trust import Trust
from counterfoil.registry.extract.page import MAX_PAGE_BYTES, moment, page_of, read_page
from counterfoil.registry.extract.verifying import verify_extract_file
from tests.office.house import House
from tests.office.tenancy import extracted, tenancies, tenancy, trust_of

KEPT = Path(__file__).parent / "kept"
HOSTILE = "</script><script>alert(1)</script>&lt;b&gt; \u202eevil\u202c \u2028 ' \" <bdi>"


@pytest.fixture
def office(house: House) -> House:
    """An office with one tenancy."""
    return tenancies(house)


def words(page: bytes) -> str:
    """What people read on the page."""
    text = re.sub(
        r"<style>.*?</style>|<script.*?</script>|<svg.*?</svg>", " ", page.decode(), flags=re.DOTALL
    )
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def test_it_shows_the_fields_and_declares_what_they_are_evidence_of(office: House) -> None:
    made = extracted(office, "tax")
    said = words(page_of(made))
    for shown in (
        "Extract from the register of The registry ( EE/GOV/REGISTRY ) Tenancies",
        "Record 7 of the register tenancy , version 1.",
        "for the purpose tax ( Tax Act, s. 3 )",
        "Address of the dwelling 1 Mill Lane",
        "Rent 640.00",
        "Entry 21 of the ledger ledger.example/1 (create, version 1) was written on 23 November 2026, 10:00:00 UTC.",
        "It is endorsed by EE/GOV/REGISTRY",
        "That what was registered is true. Integrity is not truth",
        "Checked by every node of the ledger: number-stays",
        "Checked by the submitting agency only: landlord-stays",
        "own trust policy this extract is sealed here .",
        "Paper alone proves nothing.",
        extract_hash(made),
    ):
        assert shown in said
    for level in ("sealed here :", "witnessed :", "replicated :", "published :"):
        assert level in said


def test_the_page_verifies_by_itself(office: House) -> None:
    made = extracted(office, "tax")
    page = page_of(made)
    assert Extract.parse(read_page(page)) == made
    report = verify_extract_file(page, trust_of(office))
    assert (report.verdict, report.steps[-1].name, report.steps[-1].passed) == (VALID, "page", True)


@pytest.mark.parametrize(
    ("before", "after", "step"),
    [
        (b"640.00", b"64.00", "page"),
        (b"Address of the dwelling</bdi>", b"Former address</bdi>", "page"),
        (b"sealed here</strong>.", b"replicated</strong>.", "page"),
        (b"</main>", b"<p>Paid in full.</p></main>", "page"),
        (b".gone {", b"dd { display: none } .gone {", "page"),
        (b"</html>\n", b"</html>", "page"),
        (b'"rent":"640.00"', b'"rent":"64.00"', "fields"),
        (b'"title":"Tenancies"', b'"title":"Titles"', "labels"),
        (b'id="extract"', b'id="other"', "page"),
        (b'data-form="1"', b'data-form="2"', "page"),
    ],
)
def test_a_page_on_which_anything_was_changed_fails(
    office: House, before: bytes, after: bytes, step: str
) -> None:
    page = page_of(extracted(office, "tax"))
    changed = page.replace(before, after, 1)
    assert changed != page
    report = verify_extract_file(changed, trust_of(office))
    assert report.verdict == NOT_VALID
    assert step in [each.name for each in report.failed]


def test_the_data_of_another_extract_do_not_fit_the_page(office: House) -> None:
    office.taken(tenancy("8", rent="999.00"))
    one, other = page_of(extracted(office, "tax")), page_of(extracted(office, "tax", key="8"))
    swapped = one.replace(read_page(one), read_page(other))
    report = verify_extract_file(swapped, trust_of(office))
    assert [step.name for step in report.failed] == ["page"]


def test_a_second_block_of_data_is_not_passed_over(office: House) -> None:
    page = page_of(extracted(office, "tax"))
    block = page[page.index(b'<script type="application/json"') : page.index(b"</body>")]
    with pytest.raises(Malformed, match="holds no extract"):
        read_page(page.replace(b"<main>", b"<main>" + block))


def test_what_is_no_extract_page_is_said_not_to_be_one(office: House) -> None:
    for data in (b"<!doctype html><p>hello</p>", b"<svg/>", b"<" + b" " * MAX_PAGE_BYTES):
        report = verify_extract_file(data, trust_of(office))
        assert [step.name for step in report.failed] == ["page"]


def test_whatever_a_field_says_it_stays_text(office: House) -> None:
    office.taken(tenancy("9", address=HOSTILE))
    page = page_of(extracted(office, "tax", key="9"))
    assert page.count(b"<script") == page.count(b"</script>") == 1
    assert b"alert(1)</script>" not in page
    assert HOSTILE.partition("\u2028")[0].strip() in unescape(page.decode())
    assert verify_extract_file(page, trust_of(office)).verdict == VALID


def test_nothing_on_it_runs_or_loads(office: House) -> None:
    text = page_of(extracted(office, "tax")).decode()
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    hashed = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in text
    body = text.replace(read_page(text.encode()).decode(), "")
    for loading in ("src=", "href=", "url(", "@import", "http:", "https:", " style=", " on"):
        assert not re.search(rf"<[^>]*{re.escape(loading)}" if loading == " on" else re.escape(loading), body)
    assert "@page { size: A4" in style[1]


def test_the_code_holds_the_hash_the_ledger_and_the_entry(office: House) -> None:
    made = extracted(office, "tax")
    text = page_of(made).decode()
    path = re.search(r'<path d="([^"]*)"/></svg>', text)
    assert path is not None
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path[1])
    dark = {(int(x) + step, int(y)) for x, y, width in runs for step in range(int(width))}
    code = segno.make(f"extract/v1 {extract_hash(made)} ledger.example/1 21", error="m", micro=False)
    assert dark == {(x, y) for y, row in enumerate(code.matrix) for x, on in enumerate(row) if on}


@pytest.mark.parametrize(
    ("text", "said"),
    [("2026-02-03T04:05:06Z", "3 February 2026, 04:05:06 UTC"), ("2026", "2026"), ("", "")],
)
def test_times_are_written_for_people(text: str, said: str) -> None:
    assert moment(text) == said


def test_a_page_that_was_given_out_long_ago_still_verifies() -> None:
    """If this fails, pages in people's hands fail too: give the page another form, and keep the old one."""
    trust = Trust.parse((KEPT / "trust.json").read_bytes())
    report = verify_extract_file((KEPT / "tenancy-7.html").read_bytes(), trust)
    assert (report.verdict, report.level) == (VALID, "sealed here")
