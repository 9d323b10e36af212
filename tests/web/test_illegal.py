"""What an officer asks the API for and cannot have: each is refused by name, with field and citation."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from counterfoil import registers
from counterfoil.proof.instant import instant_text
from tests.ledger_fixture import DAY, key
from tests.web.personal.conftest import ALL, officer
from tests.web.serving import AGENCY, Served, served

MARI, JAAN, LIIS, OTT, ANTS = "P-000001", "P-000002", "P-000003", "P-000009", "P-000008"
HOLDER = key("the owner's").public.text
CONTROL = {"require": 2, "of": [f"agency:{AGENCY}", f"key:{HOLDER}"]}
PLACE = {"country": "EST", "place": "Tartu"}
LAND = "The land registration law of the country; ISO 19152:2012 names the model, not the law"
Fields = dict[str, Any]


class Desk:
    """An officer's client, and few words for what is sent with it."""

    def __init__(self, served: Served, client: httpx.Client):
        self.served = served
        self.client = client

    def post(self, *changes: Fields, **stated: Any) -> httpx.Response:
        return self.client.post("/v1/changes", json={"changes": list(changes), **stated})

    def taken(self, *changes: Fields) -> Fields:
        answer = self.post(*changes)
        assert answer.status_code == 201, answer.text
        told: Fields = answer.json()
        return told

    def later(self, days: int) -> str:
        """The instant that is so many days from now: objections can be heard until then."""
        return instant_text(int(self.served.node.clock()) + days * DAY)

    def attached(self, kind: str) -> list[str]:
        """The ticket of a document that is stored."""
        address = f"/v1/attachments?kind={kind}&media-type=application/pdf"
        answer = self.client.post(address, content=b"%PDF-1.7")
        assert answer.status_code == 201, answer.text
        return [answer.json()["attachment"]]

    def refused(self, *changes: Fields, **stated: Any) -> tuple[str, str, str]:
        """Send what is illegal; gives constraint, field and citation. No personal value is repeated, nothing stored."""
        size = self.served.node.store.head.size
        answer = self.post(*changes, **stated)
        said = answer.json()
        assert (answer.status_code, said["kind"]) == (422, "violated"), answer.text
        assert self.served.node.store.head.size == size
        for value in (MARI, JAAN, LIIS, OTT, ANTS, "Tamm"):
            assert value not in answer.text
        return said["constraint"], said["field"], said["citation"]


def made(register: str, fields: Fields, **more: Any) -> Fields:
    return {"register": register, "fields": fields, **more}


def person(number: str, born: str, family: str, given: str) -> Fields:
    names = [{"script": "Latn", "use": "birth", "family": family, "given": given}]
    stated = {"number": number, "names": names, "sex": "female", "date-of-birth": born}
    return made("person", {**stated, "parents-unknown": "not-stated"})


def marriage(entry: str, first: str, second: str, **more: Any) -> Fields:
    spouses = {"spouse-a": first, "spouse-b": second}
    stated = {"entry-number": entry, "district": "13", "date": "2024-11-03", "place": PLACE, "type": "civil"}
    return made("marriage", {**stated, **spouses}, **more)


def death(entry: str, deceased: str, date: str) -> Fields:
    stated = {"entry-number": entry, "type": "ordinary", "district": "13", "place": PLACE}
    return made("death", {**stated, "deceased": deceased, "date": date})


def company(number: str, director: str, issued: int = 100) -> Fields:
    shares = {"class": "A", "nominal": "1", "currency": "EUR", "authorised": 1000, "issued": issued}
    holder = {"person": MARI}
    return made(
        "company",
        {
            "number": number,
            "name": f"Company {number}",
            "form": "OÜ",
            "registered-office": {"address": "1 Mill Lane", "country": "EE"},
            "incorporated": "2020-01-31",
            "share-classes": [shares],
            "officers": [{"person": director, "role": "director", "appointed": "2020-01-31"}],
            "holdings": [{"holder": holder, "class": "A", "number": issued}],
            "transfers": [{"to": holder, "class": "A", "number": issued}],
            "beneficial-owners": [{"reason": "noBeneficialOwners", "declared": "2020-01-31"}],
        },
    )


def title(number: str, owner: str) -> Fields:
    party = {"person": owner}
    return made(
        "land-title",
        {
            "title": number,
            "kind": "basic-property-unit",
            "first-registered": "1987-03-02",
            "spatial-units": [{"id": "1", "district": "13"}],
            "ownership": [{"party": party, "share": "1"}],
            "conveyances": [{"to": party, "share": "1"}],
        },
        control=CONTROL,
    )


def sale(desk: Desk, number: str, seller: str, share: str = "1") -> Fields:
    conveyance = {"from": {"person": seller}, "to": {"person": OTT}, "share": share}
    fields = {"ownership": [{"party": {"person": OTT}, "share": "1"}], "conveyances": [conveyance]}
    return made(
        "land-title",
        fields,
        operation="amend",
        key=number,
        merge=True,
        control=CONTROL,
        attachments=desk.attached("deed"),
    )


def charge(number: str, kind: str, of_title: str) -> Fields:
    stated = {"charge": number, "kind": kind, "title": of_title, "registered": "2024-11-01"}
    rest = (
        {"rank": 1, "amount": {"value": "250000.00", "currency": "EUR"}}
        if kind == "mortgage"
        else {"expires": "2098-12-31"}
    )
    return made("land-charge", {**stated, **rest, "beneficiary": {"person": OTT}})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An installation in which Mari owns T-1 and is married, Liis is a child, Ants is dead."""
    with served(tmp_path_factory.mktemp("illegal") / "home") as installation:
        with installation.client() as clerk:
            for name in registers.names():
                definition = registers.shipped(name, AGENCY)
                if name == "marriage":
                    definition["authority-from"] = "1926-07-01"
                body = {"register": name, "definition": definition}
                answer = clerk.post("/v1/registers", json=body)
                assert answer.status_code == 201, answer.text
        with officer(installation, "ann", *ALL) as client:
            made_up = Desk(installation, client)
            made_up.taken(
                person(MARI, "1980-05-01", "Tamm", "Mari"),
                person(JAAN, "1979-02-11", "Kask", "Jaan"),
                person(LIIS, "2015-01-01", "Lepik", "Liis"),
                person(OTT, "1970-10-10", "Mets", "Ott"),
                person(ANTS, "1950-10-10", "Saar", "Ants"),
            )
            made_up.taken(marriage("13/2024/1", MARI, JAAN))
            made_up.taken(death("13/2024/1", ANTS, "2024-11-01"))
            made_up.taken(title("T-1", MARI))
            yield made_up


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An installation in a country where a sale takes effect at once."""
    with served(tmp_path_factory.mktemp("market") / "home") as installation:
        with installation.client() as clerk:
            for name in registers.names():
                definition = registers.shipped(name, AGENCY)
                definition.pop("objection", None)
                answer = clerk.post("/v1/registers", json={"register": name, "definition": definition})
                assert answer.status_code == 201, answer.text
        with officer(installation, "ann", *ALL) as client:
            made_up = Desk(installation, client)
            made_up.taken(
                person(MARI, "1980-05-01", "Tamm", "Mari"), person(OTT, "1970-10-10", "Mets", "Ott")
            )
            yield made_up


# ---- The illegal cases ------------------------------------------------------------------------------


def test_transfer_by_one_who_does_not_own(desk: Desk) -> None:
    nemo = "Nobody conveys more than he owns (nemo plus iuris, Digest 50.17.54)"
    by_another = desk.refused(sale(desk, "T-1", JAAN), **{"not-before": desk.later(15)})
    assert by_another == ("conveyed-by-the-owner", "ownership/*/share", nemo)


def test_a_share_larger_than_held(desk: Desk) -> None:
    half = {"party": {"person": MARI}, "share": "1/2"}
    other = {"party": {"person": JAAN}, "share": "1/2"}
    shared = title("T-2", MARI)
    shared["fields"] |= {
        "ownership": [half, other],
        "conveyances": [{"to": each["party"], "share": "1/2"} for each in (half, other)],
    }
    desk.taken(shared)
    larger = desk.refused(sale(desk, "T-2", MARI, "1"), **{"not-before": desk.later(15)})
    assert larger[:2] == ("conveyed-by-the-owner", "ownership/*/share")


@pytest.mark.parametrize("kind", ["mortgage", "caution", "priority-notice"])
def test_sale_over_what_stands_against_the_title(desk: Desk, kind: str) -> None:
    number = f"T-{kind.upper()}"
    desk.taken(title(number, MARI))
    desk.taken(charge(f"C-{kind.upper()}", kind, number))
    refused = desk.refused(sale(desk, number, MARI), **{"not-before": desk.later(15)})
    assert refused == (
        "no-charge-stands-against-it",
        "title",
        "ISO 19152:2012, 6.4.6 (LA_Mortgage): no conveyance over an undischarged mortgage, "
        "a caution or a priority notice",
    )


def test_sale_without_time_for_objections(desk: Desk) -> None:
    assert desk.refused(sale(desk, "T-1", MARI)) == ("objection", "not-before", LAND)


CONSENT = "1962 Convention on Consent to Marriage, art. 1: both parties consent in person"


def test_two_transfers_of_one_title_at_once(market: Desk) -> None:
    alone = {"require": 1, "of": [f"agency:{AGENCY}"]}
    market.taken(title("T-1", MARI) | {"control": alone})
    sales = [sale(market, "T-1", MARI) | {"control": alone} for _ in range(8)]
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(market.post, sales))
    # Who judged it before the first was stored is told of the conflict; who after it, that the seller owns nothing.
    standing = sorted(answer.status_code for answer in answers)
    assert standing[0] == 201
    assert set(standing[1:]) <= {409, 422}
    latest = market.served.node.record("land-title", "T-1")
    assert latest is not None
    assert latest.version == 2


AGE = "1962 Convention on Consent to Marriage, art. 2; Convention on the Rights of the Child art. 1"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            marriage("13/2024/9", OTT, ANTS),
            (
                "spouses-alive",
                "spouse-b",
                CONSENT,
            ),
        ),
        (
            marriage("13/2024/9", OTT, JAAN),
            (
                "not-married-or-dead",
                "spouse-b",
                "the state's marriage law (monogamy); 1962 Convention, art. 1: consent of both parties",
            ),
        ),
        (marriage("13/2024/9", OTT, LIIS), ("age-of-spouse-b", "spouse-b", AGE)),
        (
            death("13/2024/9", ANTS, "2024-11-02"),
            (
                "dies-once",
                "deceased",
                "the law on civil registration; a marriage ends with the death of a spouse",
            ),
        ),
        (
            death("13/2024/9", OTT, "1970-10-09"),
            (
                "after-birth",
                "deceased",
                "the law on civil registration: nobody dies before being born",
            ),
        ),
        (
            company("C-9", ANTS),
            (
                "officers-are-alive",
                "officers/*/person",
                "Directive (EU) 2017/1132, Art. 14(d): who represents a company is a person in being",
            ),
        ),
        (
            company("C-9", MARI, issued=1001),
            (
                "issued-within-authorised",
                "share-classes/*/issued",
                "Directive (EU) 2017/1132, Art. 14(e) and 68: no share beyond the authorised capital",
            ),
        ),
        (
            marriage("13/2024/9", OTT, LIIS, circumstances={"valid-from": "1926-06-30"}),
            ("authority-from", "valid-from", registers.shipped("marriage", AGENCY)["law"]),
        ),
        (
            person("P-000010", "1980-05-01", "Tamm", "Mari"),
            ("duplicate-check", "names", "GDPR art. 5(1)(d)"),
        ),
    ],
    ids=[
        "marriage of a dead person",
        "marriage of a married person",
        "marriage of an under-age person",
        "a second death",
        "death before birth",
        "a director who is dead",
        "shares beyond what is authorised",
        "validity before the agency had authority",
        "somebody who has a record",
    ],
)
def test_refused(desk: Desk, change: Fields, named: tuple[str, str, str]) -> None:
    assert desk.refused(change) == named


def test_correction_of_an_annulled_entry(desk: Desk) -> None:
    desk.taken(marriage("13/2024/7", OTT, person_of_age(desk, "P-000017")))
    annul = {
        "register": "marriage",
        "operation": "annul",
        "key": "13/2024/7",
        "status": "void",
        "attachments": desk.attached("judgment"),
    }
    laid = desk.post(annul)
    assert (laid.status_code, laid.json()["reasons"]) == (202, ["four-eyes"])
    with officer(desk.served, "bob", *ALL) as bob:
        decided = bob.post(
            f"/v1/desk/{laid.json()['case']}/decision",
            json={"approve": True, "reason": "the judgment is final"},
        )
        assert decided.is_success, decided.text
    corrected = made(
        "marriage",
        {"date": "2024-11-04"},
        operation="correct",
        key="13/2024/7",
        merge=True,
        attachments=desk.attached("evidence"),
    )
    law = registers.shipped("marriage", AGENCY)["law"]
    assert desk.refused(corrected) == ("ended", "status", law)


def test_an_officer_acting_on_their_own_record(desk: Desk) -> None:
    office = desk.served.service.office
    assert office is not None
    subject = office.registrar.pseudonyms.subject(OTT)
    own = made("person", {"nationality": ["EST"]}, operation="amend", key=OTT, merge=True)
    with officer(desk.served, "ott", *ALL, subject=subject) as ott:
        law = registers.shipped("person", AGENCY)["law"]
        assert Desk(desk.served, ott).refused(own) == ("own-record", "officer", law)
    desk.taken(own)


def person_of_age(desk: Desk, number: str) -> str:
    """Register somebody who may marry; gives the number again."""
    desk.taken(person(number, "1971-01-01", f"Family of {number}", "Tiiu"))
    return number
