"""Extracts that an office gives: what is in them, what they say of a record that ended or was erased, what fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from counterfoil.errors import Conflict, Malformed, NotFound, Refused
from counterfoil.office.extracting import certified_extract, look_for_extract
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal
from counterfoil.proof.extract import Extract, certify, extract_hash
from counterfoil.proof.report import NOT_VALID, VALID, Report
from counterfoil.proof.verify_extract import verify_extract
from counterfoil.registry.extract.page import page_of
from counterfoil.registry.extract.verifying import verify_extract_file
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.disclosing import Ask, Shown
from counterfoil.registry.personal.erasing import Erased, Erasure
from tests.ledger_fixture import DAY, key
from tests.office.changes import AGENCY, COURT, person
from tests.office.house import CLERK, SECOND, House
from tests.office.tenancy import WHO, extracted, tenancies, tenancy, trust_of


@pytest.fixture
def office(house: House) -> House:
    """An office with one tenancy."""
    return tenancies(house)


def report_of(house: House, data: bytes) -> Report:
    return verify_extract_file(data, trust_of(house))


def failed(house: House, extract: Extract) -> list[str]:
    """The steps that fail, of an extract that the agency's own key has certified whatever it says."""
    certified = certify(extract, house.node.home.read_key("endorse"))
    report = report_of(house, certified.encode())
    assert report.verdict == NOT_VALID
    assert report.claims == ()
    return [step.name for step in report.failed]


def erased(house: House, subject: str) -> None:
    """Have what is about a subject of the tenancy erased."""
    house.clock.now += DAY
    asked = house.office.ask_erasure(
        Erasure("tenancy", "no-longer-needed", "GDPR art. 17(1)(a)", subject=subject, key="7"), CLERK
    )
    assert asked.waiting is not None
    done = house.office.decide(asked.waiting.case, SECOND, approved=True, reason="the ground holds")
    assert isinstance(done, Erased)


# ---- What is in it ----------------------------------------------------------------------------------


def test_it_has_the_fields_that_the_purpose_allows_and_all_public_ones(office: House) -> None:
    made = extracted(office, "tax")
    assert made.fields == {
        "number": "7",
        "address": "1 Mill Lane",
        "landlord": "P-000001",
        "rent": "640.00",
    }
    assert made.labels == {
        "number": "Number",
        "address": "Address of the dwelling",
        "landlord": "Landlord",
        "rent": "Rent",
    }
    assert (made.title, made.authority, made.purpose) == ("Tenancies", AGENCY, "tax")
    assert (made.issued, made.level, made.erased) == ("2026-11-23T10:00:00Z", "sealed here", ())


def test_chosen_fields_are_the_only_ones_and_nothing_else_leaves(office: House) -> None:
    made = extracted(office, "court", "tenant", "address")
    assert made.fields == {"tenant": "P-000002", "address": "1 Mill Lane"}
    assert b"640.00" not in made.encode()
    assert b"P-000001" not in made.encode()
    assert report_of(office, made.encode()).verdict == VALID


def test_public_fields_take_no_purpose_and_no_disclosure(office: House) -> None:
    size = office.node.store.head.size
    made = extracted(office)
    assert made.fields == {"number": "7", "address": "1 Mill Lane"}
    assert made.purpose is None
    assert office.node.store.head.size == size + 1  # the index entry
    assert report_of(office, made.encode()).verdict == VALID


def test_its_disclosure_is_in_the_log_first(office: House) -> None:
    extracted(office, "tax")
    told = [each for each in office.node.entries() if b'"register":"disclosure"' in each]
    assert len(told) == 2  # the rent is about both


@pytest.mark.parametrize(
    ("purpose", "fields", "error", "said"),
    [
        ("", ("rent",), Refused, "name the purpose"),
        ("tax", ("tenant",), Refused, "does not allow the field 'tenant'"),
        ("arrears", ("tenant",), Refused, "does not allow a record of tenancy to be read that is"),
        ("curiosity", ("rent",), Refused, "is no purpose"),
        ("tax", ("colour",), NotFound, "has no field 'colour'"),
        ("court", ("circumstances", "colour"), NotFound, "has no field 'colour'"),
    ],
)
def test_what_may_not_be_shown_is_in_no_extract(
    office: House, purpose: str, fields: tuple[str, ...], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        extracted(office, purpose, *fields)


def test_an_extract_is_of_the_latest_entry_and_of_a_register_kept_here(office: House) -> None:
    def disclose(ask: Ask) -> Shown:
        return office.office.disclose([ask], CLERK)[0]

    with pytest.raises(Malformed, match="leave the version out"):
        look_for_extract(office.node, disclose, Ask("tenancy", "tax", key="7", version=1))
    with pytest.raises(Malformed, match="may be found by its key"):
        look_for_extract(office.node, disclose, Ask("person", "", key="P-000001"))
    with pytest.raises(NotFound, match="no such record"):
        look_for_extract(office.node, disclose, Ask("tenancy", "", key="8"))
    looked = look_for_extract(office.node, disclose, Ask("tenancy", "tax", key="7"))
    office.taken(Change("tenancy", "amend", {"address": "2 Mill Lane"}, key="7", merge=True))
    office.node.settle()
    with office.node.reading() as store, pytest.raises(Conflict, match="has changed since"):
        certified_extract(office.node, store, looked)


def test_a_register_that_another_agency_keeps_is_certified_there(office: House) -> None:
    fields = {"title": "Judgments", "authority": COURT, "policy": f"agency:{AGENCY}"}
    office.node.submit([Proposal(".register", "judgment", "create", 1, body={"fields": fields})])
    with pytest.raises(Refused, match=f"certified by {COURT}"):
        extracted(office, register="judgment")


# ---- What verifying it says ---------------------------------------------------------------------------


def test_it_verifies_offline_with_who_endorsed_what_is_current_and_who_checked_which_rule(
    office: House,
) -> None:
    made = extracted(office, "tax")
    report = report_of(office, made.encode())
    assert (report.verdict, report.level) == (VALID, "sealed here")
    assert {step.passed for step in report.steps} == {True}
    assert [step.name for step in report.steps[-6:]] == [
        "record",
        "fields",
        "labels",
        "purpose",
        "certified",
        "level",
    ]
    assert report.claims[:4] == (
        "rules of tenancy checked by every node: number-stays",
        "rules of tenancy checked by the submitting agency only: landlord-stays",
        f"{AGENCY} certifies this copy of tenancy 7 version 1 (entry 21) with {extract_hash(made)}, issued "
        "2026-11-23T10:00:00Z, for the purpose tax; a printed page has that hash in its code",
        "as of 2026-11-23T10:00:00Z the record was current",
    )
    assert any("endorsed by EE/GOV/REGISTRY" in claim for claim in report.claims)


def test_without_a_trust_policy_it_is_consistent_at_most(office: House) -> None:
    report = verify_extract_file(extracted(office, "tax").encode(), None)
    assert (report.verdict, report.level) == ("consistent, signer unknown", None)


def test_a_current_definition_may_be_younger_than_the_entry(office: House) -> None:
    definition = office.node.record(".register", "tenancy")
    assert definition is not None
    changed = {**definition.fields, "title": "Leases"}
    office.node.submit(
        [replace(definition.proposal(), operation="amend", version=2, body={"fields": changed})]
    )
    made = extracted(office, "tax")
    assert made.title == "Leases"
    assert report_of(office, made.encode()).verdict == VALID
    assert failed(office, replace(made, title="Tenancies")) == ["labels"]


# ---- What it says of a record that is not simply current ----------------------------------------------


def test_void_from_the_beginning_is_not_ended(office: House) -> None:
    office.taken(tenancy("8"))
    office.taken(Change("tenancy", "annul", key="7"), Change("tenancy", "close", key="8"))
    for number, state, words in (
        ("7", "void from the beginning", b"it should never have been"),
        ("8", "ended", b"What stands below held until then"),
    ):
        made = extracted(office, "tax", key=number)
        assert made.fields["rent"] == "640.00"
        report = report_of(office, made.encode())
        assert report.verdict == VALID
        assert f"as of 2026-11-23T10:00:00Z the record was {state}" in report.claims
        assert words in page_of(made)


def test_an_erased_field_is_said_to_be_and_the_others_are_still_proved(office: House) -> None:
    erased(office, "tenant")
    made = extracted(office, "court", "landlord", "tenant", "rent")
    assert made.fields == {"landlord": "P-000001", "rent": "640.00"}
    assert made.erased == ("tenant",)
    page = page_of(made)
    report = report_of(office, page)
    assert report.verdict == VALID
    assert "tenant was erased by entry 22 (2026-11-24T10:00:00Z)" in report.claims
    assert "as of 2026-11-24T10:00:00Z the record was current" in report.claims
    assert b'Who lives there</bdi></dt><dd><span class="gone">erased</span></dd>' in page
    assert failed(office, replace(made, erased=("tenant", "landlord"))) == ["fields"]
    labels = {**made.labels, "number": "Number"}
    assert failed(office, replace(made, erased=("tenant", "number"), labels=labels)) == ["fields"]


def test_what_was_erased_after_the_end_is_both(office: House) -> None:
    office.taken(Change("tenancy", "annul", key="7"))
    erased(office, "tenant")
    erased(office, "landlord")
    made = extracted(office, "court", "landlord", "tenant", "rent", "address")
    assert made.fields == {"address": "1 Mill Lane"}
    assert made.erased == ("landlord", "tenant", "rent")
    report = report_of(office, made.encode())
    assert report.verdict == VALID
    assert any("the record was void from the beginning" in claim for claim in report.claims)


def test_what_an_old_book_said_is_marked_as_found(house: House) -> None:
    old = replace(
        person("P-000031", "1890", "Tamm", "Leena"),
        status="as-found",
        circumstances={"recorded": "1890-05-02", "place": "Tartu, book 3", "number": "17"},
        attachments=house.attached("scan"),
    )
    house.decided(old)
    made = extracted(house, "civil-registration", key="P-000031", register="person")
    report = report_of(house, made.encode())
    assert report.verdict == VALID
    assert "it was taken over as-found: its earlier history is not attested" in report.claims
    assert b"its earlier history is not attested" in page_of(made)
    assert made.fields["circumstances"]["place"] == "Tartu, book 3"


# ---- What fails ---------------------------------------------------------------------------------------

Change_ = Callable[[Extract], Extract]
CHANGED: dict[str, tuple[Change_, list[str]]] = {
    "a field of the item": (lambda it: replace(it, fields={**it.fields, "rent": "64.00"}), ["fields"]),
    "a field in the clear": (lambda it: replace(it, fields={**it.fields, "address": "2"}), ["fields"]),
    "a field's type": (lambda it: replace(it, fields={**it.fields, "number": 7}), ["fields"]),
    "another field": (
        lambda it: replace(it, fields={**it.fields, "x": "1"}, labels={**it.labels, "x": "X"}),
        ["fields"],
    ),
    "a shown field left out": (
        lambda it: replace(
            it,
            fields={name: value for name, value in it.fields.items() if name != "rent"},
            labels={name: value for name, value in it.labels.items() if name != "rent"},
        ),
        ["fields"],
    ),
    "a label": (lambda it: replace(it, labels={**it.labels, "rent": "Rent paid"}), ["labels"]),
    "a label of nothing": (lambda it: replace(it, labels={**it.labels, "x": "X"}), ["labels"]),
    "the title": (lambda it: replace(it, title="Land titles"), ["labels"]),
    "the authority": (lambda it: replace(it, authority=COURT), ["labels"]),
    "the purpose": (lambda it: replace(it, purpose="arrears"), ["purpose"]),
    "an unknown purpose": (lambda it: replace(it, purpose="curiosity"), ["purpose"]),
    "no purpose": (lambda it: replace(it, purpose=None), ["purpose"]),
    "the level": (lambda it: replace(it, level="replicated"), ["level"]),
    "a date before what it shows": (lambda it: replace(it, issued="2026-11-22T10:00:00Z"), ["certified"]),
    "the register": (lambda it: replace(it, register="person"), ["record"]),
    "the record": (lambda it: replace(it, record="8"), ["record"]),
    "an erasure": (
        lambda it: replace(it, erased=("tenant",), labels={**it.labels, "tenant": "Who lives there"}),
        ["fields", "purpose"],
    ),
    "no index": (lambda it: replace(it, bundle=replace(it.bundle, index=())), ["record"]),
    "no transactions": (lambda it: replace(it, bundle=replace(it.bundle, transactions=())), ["record"]),
}


@pytest.mark.parametrize("what", CHANGED)
def test_even_the_agency_cannot_certify_what_the_bundle_does_not_show(office: House, what: str) -> None:
    change, steps = CHANGED[what]
    assert failed(office, change(extracted(office, "tax"))) == steps


@pytest.mark.parametrize("what", [*CHANGED, "nothing but a later date"])
def test_nobody_else_can_change_anything_at_all(office: House, what: str) -> None:
    later: Change_ = lambda it: replace(it, issued="2027-01-01T00:00:00Z")  # noqa: E731  # one of a table's
    change = CHANGED[what][0] if what in CHANGED else later
    report = report_of(office, change(extracted(office, "tax")).encode())
    assert report.verdict == NOT_VALID


def test_a_bundle_of_another_record_does_not_serve(office: House) -> None:
    office.taken(tenancy("8", rent="999.00"))
    one, other = extracted(office, "tax"), extracted(office, "tax", key="8")
    assert failed(office, replace(one, bundle=other.bundle)) == ["record"]
    # And not where it proves both records: the disclosures must be those of the one printed.
    assert failed(office, replace(one, bundle=replace(one.bundle, disclosures=other.bundle.disclosures))) == [
        "disclosures"
    ]


def test_an_older_version_is_not_passed_off_as_the_latest(office: House) -> None:
    old = extracted(office, "tax")
    office.clock.now += DAY
    office.taken(Change("tenancy", "amend", {"rent": "700.00"}, key="7", merge=True))
    new = extracted(office, "tax")
    assert failed(office, replace(new, fields=old.fields)) == ["fields"]
    mixed = replace(old, bundle=replace(new.bundle, disclosures=old.bundle.disclosures))
    assert failed(office, mixed) == ["fields", "purpose", "certified"]


def test_it_is_certified_by_the_agency_that_keeps_the_register(office: House) -> None:
    made = extracted(office, "tax")
    for certified in (None, certify(made, key("somebody's")).certified, certify(made, key(COURT)).certified):
        report = report_of(office, replace(made, certified=certified).encode())
        assert [step.name for step in report.failed] == ["certified"]


def test_by_the_trust_policy_of_another_ledger_it_is_not_valid(office: House) -> None:
    trust = dataclasses.replace(trust_of(office), genesis_root=digest(b"another beginning"))
    report = verify_extract(extracted(office, "tax").encode(), trust).report
    assert [step.name for step in report.failed] == ["beginning"]


def test_the_fields_are_those_of_the_record(office: House) -> None:
    assert {name: extracted(office, "court").fields[name] for name in WHO} == WHO
