"""What holds for every page, whatever it shows."""

from __future__ import annotations

import itertools
import re
from collections import deque
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from counterfoil.proof.report import SEALED_HERE
from counterfoil.web.portal.addresses import entry_address, record_address, register_address
from counterfoil.web.portal.templating import ADDRESSES, ENVIRONMENT
from tests.web.portal.office import AGENCY, KEEPER, ODD_KEYS, ORIGIN
from tests.web.portal.places import EVERY_PAGE
from tests.web.portal.reading import Page, Reader
from tests.web.serving import Served

MAX_BYTES = 100_000
pages = pytest.mark.parametrize("address", EVERY_PAGE.values(), ids=EVERY_PAGE.keys())


@pages
def test_it_is_small_whole_and_says_whose_it_is_and_how_far_it_can_be_trusted(
    reader: Reader, address: str
) -> None:
    page = reader.get(address)
    assert len(page.response.content) < MAX_BYTES
    assert page.response.text.startswith("<!doctype html>")
    assert page.response.text.rstrip().endswith("</html>")
    last = page.text[page.text.rindex("Trust level: ") :]
    assert last.startswith(f"Trust level: {SEALED_HERE}. One node keeps this log.")
    assert last.endswith("Check it yourself")
    assert KEEPER in page.text
    assert ORIGIN in page.text
    assert "blockchain" not in page.text.lower()
    assert "tamper-proof" not in page.text.lower()


@pages
def test_nothing_in_it_needs_a_weaker_policy_than_its_own(reader: Reader, address: str) -> None:
    page = reader.get(address)
    policy = page.response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, attributes in page.tags:
        assert tag != "style", "no style sheet may stand in the page"
        assert "style" not in attributes, f"<{tag}> has a style of its own"
        assert not [name for name in attributes if name.startswith("on")], f"<{tag}> has a script of its own"
        if tag == "script":
            assert attributes["src"].startswith("/static/")
    assert not page.response.cookies


@pages
def test_its_json_says_the_same_at_the_same_address_and_at_the_one_that_its_foot_names(
    reader: Reader, address: str
) -> None:
    page = reader.get(address)
    (beside,) = [attributes["href"] for tag, attributes in page.tags if attributes.get("rel") == "alternate"]
    assert beside in page.links
    named = reader.client.get(beside)
    asked = reader.client.get(address, headers={"accept": "application/json"})
    assert named.headers["content-type"] == asked.headers["content-type"] == "application/json"
    assert named.json() == asked.json()
    assert named.json()["ledger"]["agency"] == AGENCY


@pages
def test_a_reader_who_has_it_already_is_told_so(reader: Reader, address: str) -> None:
    first = reader.client.get(address)
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["vary"] == "accept"
    again = reader.client.get(address, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    json = reader.client.get(
        address, headers={"accept": "application/json", "if-none-match": first.headers["etag"]}
    )
    assert json.status_code == 200


@pages
def test_its_head_can_be_asked_for(reader: Reader, address: str) -> None:
    head, whole = reader.client.head(address), reader.client.get(address)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["etag"] == whole.headers["etag"]


@pages
def test_it_has_one_heading_that_says_what_it_is_and_no_level_is_left_out(
    reader: Reader, address: str
) -> None:
    levels = [int(tag[1]) for tag, _ in reader.get(address).tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1 or levels[0] == 2
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))


def test_every_link_leads_somewhere(reader: Reader, office: Served) -> None:
    """From the front page on, each kind of address as often as it takes to have seen many of it."""
    waiting, seen, kinds = deque(["/"]), {"/"}, dict[str, int]()
    while waiting:
        address = waiting.popleft()
        response = reader.client.get(address)
        assert response.status_code == 200, f"{address}: {response.status_code}"
        if not response.headers["content-type"].startswith("text/html"):
            continue
        for link in Page(response).links:
            parts = urlsplit(urljoin(str(response.url), link))
            if f"{parts.scheme}://{parts.netloc}" != office.url:
                assert parts.netloc == "c2sp.org", link
                continue
            found = parts._replace(scheme="", netloc="", fragment="").geturl()
            kind = re.sub(r"[^/?=&]+", "x", found)
            if found not in seen and kinds.get(kind, 0) < 30:
                seen.add(found)
                kinds[kind] = kinds.get(kind, 0) + 1
                waiting.append(found)
    assert len(seen) > 150


def test_what_a_fragment_names_is_in_its_page(reader: Reader) -> None:
    for address in EVERY_PAGE.values():
        page = reader.get(address)
        for link in page.links:
            place, _, fragment = link.partition("#")
            if fragment:
                target = reader.get(place) if place else page
                ids = [attributes.get("id") for _, attributes in target.tags]
                assert fragment in ids, f"{address} links to {link}"
                assert ids.count(fragment) == 1


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("below", ["", "differences", "proof"])
def test_any_key_has_its_pages(reader: Reader, key: str, below: str) -> None:
    address = record_address("odd", key, below)
    assert httpx.URL("http://x" + address).raw_path.decode() == address
    page = reader.get(address)
    assert " ".join(key.split())[:60] in page.text
    assert reader.json(address)["record"] == key
    assert reader.client.get(f"{address}.json").json()["page"]["record"] == key


def test_a_key_that_a_proxy_has_decoded_is_understood(reader: Reader) -> None:
    assert reader.json(f"/registers/.agency/records/{AGENCY}")["record"] == AGENCY
    assert reader.json("/registers/odd/records/a/b/proof")["record"] == "a/b"


def test_static_files_may_be_kept_for_ever_since_their_name_changes_with_them(reader: Reader) -> None:
    types = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
    for name, address in ADDRESSES.items():
        response = reader.client.get(address)
        assert response.headers["content-type"] == types[name.rpartition(".")[2]]
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reader.client.get("/static/portal.css").status_code == 404
    assert reader.client.get("/static/..%2Froutes.py").status_code == 404


def test_json_is_what_a_program_gets_that_prefers_it(reader: Reader) -> None:
    def kind(accept: str) -> str:
        return reader.client.get("/log", headers={"accept": accept}).headers["content-type"].partition(";")[0]

    assert kind("text/html,application/xhtml+xml,*/*;q=0.8") == "text/html"
    assert kind("application/json") == "application/json"
    assert kind("application/json, text/html;q=0.5") == "application/json"
    assert kind("*/*") == "text/html"


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        (
            "/nothing",
            404,
            "There is nothing at this address, which may have been mistyped or cut off; the front page /",
        ),
        (
            "/registers/nope",
            404,
            "There is no register 'nope' here; the list of registers says which there are.",
        ),
        ("/registers/nope.csv", 404, "There is no register 'nope' here"),
        ("/registers/nope/records/x", 404, "There is no register 'nope' here"),
        ("/registers/country/records/ZZ", 404, "There is no record 'ZZ' in the register 'country'"),
        ("/registers/country/records/ZZ/proof", 404, "There is no record 'ZZ' in the register 'country'"),
        ("/registers/country/records/GB/differences?to=9", 404, "no version 9"),
        ("/registers/country/records/%FF", 400, "The address is not UTF-8"),
        ("/registers/country/records/~%21", 400, "base64url"),
        (
            "/registers/country/records/GB?known=yesterday",
            400,
            "'yesterday' is not a day or time; write 2016",
        ),
        ("/registers/country/records/GB?by=me", 400, "by the clock of the ledger or the book"),
        ("/registers/country/records/GB?before=x", 400, "is a number"),
        ("/registers/country/records/GB/proof?version=x", 400, "is a number"),
        ("/registers/country/records/GB/proof?version=7", 404, "no version 7"),
        ("/registers/country?sort=size", 400, "Sort is one of key, -key"),
        ("/registers/country?after=x", 400, "begin at the list's first page"),
        ("/registers/country?q=" + "x" * 201, 400, "at most 200 characters"),
        ("/search?q=" + "x" * 201, 400, "at most 200 characters"),
        ("/search?q=x&register=nope", 404, "There is no register 'nope' here"),
        ("/entries/99999999", 404, "There is no entry 99999999"),
        ("/entries/x", 404, "the log counts its entries from 0"),
        ("/entries/" + "9" * 400, 404, "the log counts its entries from 0"),
    ],
)
def test_what_cannot_be_shown_is_said_in_plain_words(
    reader: Reader, address: str, status: int, said: str
) -> None:
    page = reader.get(address, status)
    assert said in page.text
    assert "To the registers" in page.text
    problem = reader.client.get(address, headers={"accept": "application/json"})
    assert problem.status_code == status
    assert problem.headers["content-type"] == "application/problem+json"


def test_addresses_are_those_that_one_would_guess() -> None:
    assert register_address("country") == "/registers/country"
    assert entry_address(7) == "/entries/7"
    assert (
        record_address("country", "GB", known="2016-04-05", as_of="")
        == "/registers/country/records/GB?known=2016-04-05"
    )


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "/registers/country/records/GB?version=9",
            "'version' in its address; it knows known, as-of, by, before",
        ),
        ("/registers/country/records/GB/differences?known=2016", "'known' in its address; it knows from, to"),
        ("/registers/country/records/GB/proof?from=1", "'from' in its address; it knows version, versions"),
        ("/registers/country?asof=1990", "'asof' in its address; it knows sort, state, q, after"),
        ("/search?q=island&page=2", "'page' in its address; it knows q, register, after"),
        ("/log?before=abc", "'before' in its address; it takes none"),
        ("/?a=1&b=2", "'a', 'b' in its address; it takes none"),
    ],
)
def test_what_a_page_does_not_know_it_does_not_pass_over(reader: Reader, address: str, said: str) -> None:
    assert f"This page does not know {said}, so leave out the rest" in reader.get(address, 400).text


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/registers/country/records", "/registers/country"),
        ("/registers/country/records?sort=-key&q=a+b", "/registers/country?sort=-key&q=a+b"),
        ("/registers/country/records?address=x", "/registers/country?address=x"),
        ("/registers/country/records.json", "/registers/country.json"),
        ("/registers/z%C3%B6o/records", "/registers/z%C3%B6o"),
    ],
)
def test_the_address_of_all_records_leads_to_the_register(reader: Reader, address: str, place: str) -> None:
    response = reader.client.get(address)
    assert (response.status_code, response.headers["location"]) == (308, place)


def test_no_reader_waits_for_a_template() -> None:
    assert ENVIRONMENT.cache is not None
    assert len(ENVIRONMENT.cache) == len(ENVIRONMENT.list_templates()) > 12
