from __future__ import annotations

import httpx
import pytest

from counterfoil.proof.canonical import labelled
from tests.web.api.conftest import Office, problem
from tests.web.serving import SCOPES


def test_the_node_says_what_it_keeps(office: Office) -> None:
    office.settle()
    head = office.served.node.store.head
    answer = office.reader.get("/v1").json()
    links = answer.pop("links")
    assert answer == {
        "origin": "registers.example/test",
        "agency": "EX/GOV/TEST",
        "size": head.size,
        "root": labelled(office.served.node.store.root_at(head.size)),
        "time": office.served.node.entry(head.size - 1).time,
        "level": "sealed here",
    }
    for address in links.values():
        assert office.reader.get(address).status_code == 200, address


def test_the_caller_is_told_who_it_is(office: Office) -> None:
    assert office.reader.get("/v1/caller").json() == {"name": "anonymous", "kind": "anonymous", "scopes": []}
    scopes = sorted(SCOPES)
    known = {"name": "clerk", "kind": "token", "scopes": scopes}
    assert office.clerk.get("/v1/caller").json() == known
    assert office.clerk.post("/v1/caller", content=b"anything").json() == known


def test_metrics_take_the_scope_from_whatever_address_they_are_asked(office: Office) -> None:
    answer = office.clerk.get("/v1/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert f"log_size {float(office.served.node.store.head.size)}" in answer.text
    assert problem(office.reader.get("/v1/metrics"))[:2] == (401, "unverified")
    with office.client("documents") as other:
        assert problem(other.get("/v1/metrics"))[:2] == (403, "unauthorised")
    socket = httpx.HTTPTransport(uds=str(office.served.node.home.socket))
    with httpx.Client(transport=socket, base_url="http://node") as operator:
        assert "log_size" in operator.get("/v1/metrics").text


def test_registers_are_listed_with_what_they_hold(office: Office) -> None:
    path = office.country("GB")
    time = office.reader.get(path).json()["time"]
    items = office.reader.get("/v1/registers").json()["items"]
    names = [item["register"] for item in items]
    assert names == sorted(names)
    assert {".agency", ".algorithm", ".index", ".parameter", ".register", "country", "visits"} <= set(names)
    assert items[names.index("country")] == {
        "register": "country",
        "title": "Countries",
        "records": 1,
        "entries": 1,
        "last-time": time,
        "system": False,
    }


def test_registers_are_listed_by_page(office: Office) -> None:
    whole = [item["register"] for item in office.reader.get("/v1/registers").json()["items"]]
    found, after, begun = [], None, False
    while after is not None or not begun:
        query = {"limit": "3"} | ({"after": after} if after else {})
        answer = office.reader.get("/v1/registers", params=query).json()
        found += [item["register"] for item in answer["items"]]
        after, begun = answer["next"], True
    assert found == whole


def test_a_register_says_how_it_is_defined_and_who_keeps_it(office: Office) -> None:
    said = office.reader.get("/v1/registers/country").json()
    assert (said["authority"], said["version"], said["system"]) == ("EX/GOV/TEST", 1, False)
    assert said["definition"] == {
        "title": "Countries",
        "key": "country",
        "law": "ISO 3166",
        "authority": "EX/GOV/TEST",
    }
    definition = office.reader.get("/v1/registers/country/definition")
    assert definition.headers["content-location"] == "/v1/registers/.register/records/country"
    assert definition.content == office.reader.get("/v1/registers/.register/records/country").content


def test_the_ledger_s_own_registers_have_no_definition(office: Office) -> None:
    said = office.reader.get("/v1/registers/.agency").json()
    assert (said["definition"], said["authority"], said["version"], said["system"]) == (
        None,
        None,
        None,
        True,
    )
    assert problem(office.reader.get("/v1/registers/.agency/definition")) == (
        404,
        "not-found",
        ".agency is a register of the ledger itself: nobody wrote a definition of it",
    )


def test_a_register_is_defined_once(office: Office) -> None:
    body = {"register": "ferry", "definition": {"title": "Ferries"}, "circumstances": {"why": "a new law"}}
    answer = office.clerk.post("/v1/registers", json=body)
    assert (answer.status_code, answer.headers["location"]) == (201, "/v1/registers/ferry")
    entry = office.reader.get("/v1/registers/ferry/definition").json()
    assert answer.json() == {
        "register": "ferry",
        "version": 1,
        "number": entry["number"],
        "transaction": entry["transaction"],
        "standing": "taken",
    }
    assert entry["body"]["circumstances"] == {"why": "a new law"}
    assert problem(office.clerk.post("/v1/registers", json=body))[:2] == (409, "conflict")


@pytest.mark.parametrize("name", [".index", ".agency", ".x", "", "Ferry", "a b"])
def test_a_register_s_name_is_in_form(office: Office, name: str) -> None:
    assert problem(office.clerk.post("/v1/registers", json={"register": name}))[:2] == (400, "malformed")


def test_entries_are_listed_from_a_number_and_by_page(office: Office) -> None:
    first = office.reader.get("/v1/entries", params={"limit": 2}).json()
    assert [entry["number"] for entry in first["items"]] == [0, 1]
    after = office.reader.get("/v1/entries", params={"limit": 2, "after": first["next"]}).json()
    assert [entry["number"] for entry in after["items"]] == [2, 3]
    from_ = office.reader.get("/v1/entries", params={"from": 3, "limit": 1}).json()
    assert [entry["number"] for entry in from_["items"]] == [3]
    beyond = office.reader.get("/v1/entries", params={"from": 999_999}).json()
    assert beyond == {"items": [], "next": None}
    both = office.reader.get("/v1/entries", params={"from": 3, "after": "1"})
    assert problem(both)[:2] == (400, "malformed")


def test_an_entry_never_changes(office: Office) -> None:
    answer = office.reader.get("/v1/entries/0")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    with office.served.node.reading() as store:
        assert answer.content == store.entry(0)
    assert problem(office.reader.get("/v1/entries/999999"))[0] == 404
    assert problem(office.reader.get("/v1/entries/x"))[:2] == (400, "malformed")
