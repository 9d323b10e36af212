"""System registers: how a ledger begins, who changes its rules, and what only the ledger itself writes."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import CounterfoilError, Malformed, Refused, Unauthorised, Violated
from counterfoil.ledger.genesis import FIRST_ALGORITHMS, genesis
from counterfoil.ledger.ledger import Genesis, Standing
from counterfoil.ledger.system import AGENCY, ALGORITHM, PARAMETER, STATE_MACHINE
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Claim, Proposal
from counterfoil.proof.note import ED25519_NOTE, VerifierKey
from tests.ledger_fixture import (
    COURT,
    LAND,
    ORIGIN,
    TAX,
    Ledgerhouse,
    MemoryLedger,
    MemoryState,
    agency,
    change,
    create,
    holder,
    key,
    members,
    of,
    refused,
)

VERIFIER = VerifierKey(ORIGIN, ED25519_NOTE, key("checkpoint").public).text

# ---- Genesis ---------------------------------------------------------------------------------------


def begun(*records: Proposal) -> Any:
    """What becomes of first records in an empty ledger, and the state after them."""
    ledger = MemoryLedger()
    ledger.state = MemoryState()
    (outcome,) = ledger.send(Genesis(records))
    return outcome, ledger.state


FIRST = genesis(ORIGIN, members(LAND), agency(LAND)).records


def test_a_ledger_begins_with_parameters_algorithms_and_members(house: Ledgerhouse) -> None:
    first = house.entries()[:7]
    assert [(entry.register, entry.record) for entry in first] == [
        (".parameter", "ledger"),
        (".algorithm", "sha-256"),
        (".algorithm", "ed25519"),
        (".algorithm", "ml-dsa-44"),
        (".agency", LAND),
        (".agency", COURT),
        (".agency", TAX),
    ]
    assert {(entry.operation, entry.version, entry.transaction) for entry in first} == {("create", 1, None)}
    assert first[0].fields == {"governance": agency(LAND), "origin": ORIGIN, "state-machine": STATE_MACHINE}
    assert first[4].fields == {"endorse": [key(LAND).public.text], "name": f"The {LAND}"}
    assert house.entry(7).register == ".index"


def test_a_ledger_begins_once(house: Ledgerhouse) -> None:
    before = house.snapshot()
    refused(house.send(Genesis(FIRST))[0], Refused, "^this ledger has begun already; genesis happens once$")
    assert house.snapshot() == before


def test_before_it_has_begun_a_ledger_takes_nothing_else() -> None:
    ledger = MemoryLedger()
    ledger.state = MemoryState()
    first, second = ledger.send(ledger.transaction(create("title", "1")), Genesis(FIRST))
    refused(first, Refused, "^this ledger has no genesis yet; run counterfoil init$")
    assert second.standing is Standing.TAKEN


def altered(register: str, record: str, **members: Any) -> tuple[Proposal, ...]:
    """The first records, one with other fields."""
    return tuple(
        create(register, record, body={"fields": each.fields | members}) if each.record == record else each
        for each in FIRST
    )


@pytest.mark.parametrize(
    ("records", "error", "saying"),
    [
        ((), Malformed, "first records must hold 'ledger' in .parameter"),
        (FIRST[1:], Malformed, "first records must hold 'ledger' in .parameter"),
        ((*FIRST, FIRST[0]), Malformed, "cannot begin a ledger; each first record is created once"),
        (
            (*FIRST, create("title", "1")),
            Malformed,
            "title '1' cannot begin a ledger; .* in a system register",
        ),
        ((*FIRST, create(".index", "root", body={"fields": {}})), Malformed, "cannot begin a ledger"),
        ((*FIRST, create(".transaction", digest(b""))), Malformed, "cannot begin a ledger"),
        ((*FIRST, change(".agency", COURT, 1, body=FIRST[4].body)), Malformed, "cannot begin a ledger"),
        (
            (*FIRST, change(".agency", COURT, 2, "create", body=FIRST[4].body)),
            Malformed,
            "begins at version 1, and not at 2",
        ),
        ((*FIRST, create(".agency", COURT)), Violated, "has no content, and its register asks for fields"),
        ((*FIRST, create(".agency", "court", body=FIRST[4].body)), Malformed, "'court' is no agency"),
        (
            (*FIRST, create(".agency", COURT, body=FIRST[4].body)),
            Violated,
            "claims what another first record holds",
        ),
        (altered(PARAMETER, "ledger", governance="nobody"), Malformed, "'nobody' is no signer"),
        (altered(PARAMETER, "ledger", origin=""), Malformed, "'' is no origin"),
        (altered(PARAMETER, "ledger", origin="two words"), Malformed, "is no origin"),
        (altered(PARAMETER, "ledger", origin="a+b"), Malformed, "is no origin"),
        (altered(PARAMETER, "ledger", origin="x" * 256), Malformed, "is no origin"),
        (altered(PARAMETER, "ledger", origin="a\n"), Malformed, "is no origin"),
        (altered(PARAMETER, "ledger", **{"state-machine": 2}), Malformed, "state machine 2 is not known"),
        (altered(ALGORITHM, "ed25519", use="fun"), Malformed, "must say use 'hash' or 'signature'"),
        (altered(AGENCY, LAND, endorse=[]), Malformed, "has no endorsement key"),
    ],
    ids=lambda part: repr(part)[-60:],
)
def test_first_records_are_judged_like_any_system_record_and_all_or_none_are_written(
    records: tuple[Proposal, ...], error: type[CounterfoilError], saying: str
) -> None:
    outcome, state = begun(*records)
    refused(outcome, error, saying)
    assert (state.entries, state.records, state.claims) == ([], {}, {})


def test_an_algorithm_counts_from_the_day_of_its_standard() -> None:
    assert {name: fields.from_[:10] for name, fields in FIRST_ALGORITHMS.items()} == {
        "sha-256": "2015-08-05",
        "ed25519": "2017-01-01",
        "ml-dsa-44": "2024-08-13",
    }


# ---- Governance ------------------------------------------------------------------------------------


@pytest.fixture
def league(tmp_path: Any) -> Any:
    """A ledger that any two of three agencies govern."""
    ledger = Ledgerhouse(
        tmp_path, LAND, COURT, TAX, governance=of(2, agency(LAND), agency(COURT), agency(TAX))
    )
    yield ledger
    ledger.close()


NEW = "EE/GOV/NEW"
NEW_FIELDS = {"name": "New", "endorse": [key(NEW).public.text], "checkpoint": [VERIFIER]}
TITLE = {"title": "Titles", "authority": LAND}


@pytest.mark.parametrize(
    "proposal",
    [
        create(".agency", NEW, body={"fields": NEW_FIELDS}),
        create(".register", "title", body={"fields": TITLE}),
        change(
            ".parameter",
            "ledger",
            2,
            body={"fields": {"origin": ORIGIN, "state-machine": 1, "governance": agency(LAND)}},
        ),
        create(
            ".algorithm",
            "sha3-256",
            body={"fields": {"use": "hash", "from": "2026-01-01T00:00:00Z", "source": "s"}},
        ),
    ],
    ids=lambda proposal: proposal.register,
)
def test_system_registers_change_by_the_governance_policy(league: Ledgerhouse, proposal: Proposal) -> None:
    assert league.submit(proposal, by=[LAND]).standing is Standing.PENDING
    (entry,) = league.taken(proposal, by=[LAND, TAX])
    assert entry.proposal() == proposal


def test_the_rules_change_by_the_rules_in_force_before_them(league: Ledgerhouse) -> None:
    fields = {"origin": ORIGIN, "state-machine": 1, "governance": agency(LAND)}
    amendment = change(".parameter", "ledger", 2, body={"fields": fields})
    register = create(".register", "title", body={"fields": TITLE})
    assert league.submit(amendment, register, by=[LAND]).standing is Standing.PENDING
    league.taken(amendment, register, by=[LAND, COURT])
    league.taken(create(".register", "estate", body={"fields": TITLE}), by=[LAND])
    assert league.submit(
        create(".agency", NEW, body={"fields": NEW_FIELDS}), by=[COURT, TAX], submitter=TAX
    ).standing is (Standing.PENDING)


def test_within_a_block_the_next_transaction_meets_the_new_rules(league: Ledgerhouse) -> None:
    fields = {"origin": ORIGIN, "state-machine": 1, "governance": agency(LAND)}
    outcomes = league.send(
        league.transaction(change(".parameter", "ledger", 2, body={"fields": fields}), by=[LAND, COURT]),
        league.transaction(create(".register", "title", body={"fields": TITLE}), by=[LAND]),
        league.transaction(create("title", "1"), by=[LAND]),
    )
    assert [each.standing.value for each in outcomes] == ["taken"] * 3


def test_a_new_member_counts_from_the_next_transaction_on(league: Ledgerhouse) -> None:
    joining = create(".agency", NEW, body={"fields": NEW_FIELDS})
    fields = {"origin": ORIGIN, "state-machine": 1, "governance": of(2, agency(LAND), agency(NEW))}
    amendment = change(".parameter", "ledger", 2, body={"fields": fields})
    assert league.submit(joining, amendment, by=[LAND, NEW]).standing is Standing.PENDING
    league.taken(joining, amendment, by=[LAND, TAX])
    league.taken(create(".register", "title", body={"fields": TITLE}), by=[LAND, NEW])


def test_a_register_of_the_same_transaction_is_not_there_yet(house: Ledgerhouse) -> None:
    register = create(".register", "estate", body={"fields": TITLE})
    refused(
        house.submit(register, create("estate", "1")),
        Refused,
        "there is no register 'estate'; create it first",
    )
    house.taken(register)
    house.taken(create("estate", "1"))


def test_an_amended_definition_judges_from_the_next_transaction_on(house: Ledgerhouse) -> None:
    strict = {**TITLE, "schema": {"required": ["parish"]}}
    house.taken(
        change(".register", "title", 2, body={"fields": strict}),
        create("title", "1", note="by the old rules"),
    )
    refused(
        house.submit(create("title", "2", note="too late")),
        Violated,
        "does not conform to its register's schema",
    )


def test_a_register_that_has_ended_takes_nothing_more(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"))
    house.taken(change(".register", "title", 2, "close"))
    for _ in range(2):  # the second answer comes from memory
        refused(house.submit(change("title", "1", 2)), Refused, "there is no register 'title'")
    refused(house.submit(change(".register", "title", 3, body={"fields": TITLE})), Violated, "has ended")


# ---- What only the ledger writes, and names with a dot ---------------------------------------------


@pytest.mark.parametrize("register", [".index", ".transaction"])
@pytest.mark.parametrize("operation", ["create", "amend", "close"])
def test_nobody_proposes_to_the_registers_that_the_ledger_writes(
    house: Ledgerhouse, register: str, operation: str
) -> None:
    for version in (1, 2, None):
        proposal = change(register, "root", version, operation, body={"fields": {}})
        refused(
            house.submit(proposal),
            Refused,
            f"the register {register} is written by the ledger alone; nobody can propose",
        )
        refused(house.submit(create("title", "1"), proposal), Refused, "nobody can propose to it")


@pytest.mark.parametrize(
    "name",
    [
        ".title",
        ".",
        "..",
        ".register",
        ".index",
        "",
        "-title",
        "1title",
        "Title",
        "title ",
        " title",
        "ti tle",
        "ti_tle",
        "títle",
        "title\n",
        "a.b.c",
        "a.",
        "a..b",
        "a.-b",
        "a" * 100,
        "a" * 99 + "." + "b" * 100,
        "ti/tle",
        "ti:tle",
    ],
)
def test_a_registers_name_is_plain_and_does_not_begin_with_a_dot(house: Ledgerhouse, name: str) -> None:
    refused(
        house.submit(create(".register", name, body={"fields": TITLE})),
        Malformed,
        "is no name for a re(gister|cord)",
    )


@pytest.mark.parametrize("name", ["a", "register", "land-title2", "a.b", "a" * 99 + "." + "b" * 99])
def test_other_names_are_taken(house: Ledgerhouse, name: str) -> None:
    house.define(name)
    house.taken(create(name, "1"))


def test_there_are_no_registers_but_those_that_were_created(house: Ledgerhouse) -> None:
    for name in ("nowhere", ".title", "", "\u0000", "x" * 1_000, ".Agency"):
        refused(
            house.submit(create(name, "1")),
            Refused,
            "^there is no register '.*'; create it first, by a record in .register$",
        )


# ---- What a system record must hold ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "fields", "saying"),
    [
        ("EE/GOV", NEW_FIELDS, "'EE/GOV' is no agency; a member is named INSTANCE/CLASS/CODE"),
        ("EE//NEW", NEW_FIELDS, "is no agency"),
        ("EE/ /NEW", NEW_FIELDS, "is no agency"),
        ("EE/GOV/NEW/SUB/SUB", NEW_FIELDS, "is no agency"),
        (NEW, NEW_FIELDS | {"endorse": []}, "has no endorsement key; it needs at least one"),
        (NEW, NEW_FIELDS | {"endorse": ["key"]}, "is no public key"),
        (NEW, NEW_FIELDS | {"endorse": [VERIFIER]}, "is no|algorithm"),
        (NEW, NEW_FIELDS | {"endorse": key(NEW).public.text}, "is not in form: Expected `array`"),
        (NEW, NEW_FIELDS | {"checkpoint": ["key"]}, "is no verifier key"),
        (NEW, NEW_FIELDS | {"checkpoint": [VERIFIER[:-4] + "AAAA"]}, "key id"),
        (NEW, NEW_FIELDS | {"name": 7}, "is not in form: Expected `str`"),
        (NEW, NEW_FIELDS | {"motto": "x"}, "is not in form: Object contains unknown field `motto`"),
        (NEW, {"name": "New"}, "is not in form: Object missing required field `endorse`"),
    ],
    ids=str,
)
def test_an_agency_has_a_member_identifier_and_keys(
    house: Ledgerhouse, record: str, fields: dict[str, Any], saying: str
) -> None:
    refused(house.submit(create(".agency", record, body={"fields": fields})), Malformed, saying)


def test_a_subsystem_may_be_a_member(house: Ledgerhouse) -> None:
    house.taken(create(".agency", "EE/GOV/NEW/SUB", body={"fields": NEW_FIELDS}))


def test_one_key_speaks_for_one_agency(house: Ledgerhouse) -> None:
    shared = {"name": "New", "endorse": [key(NEW).public.text, key(COURT).public.text]}
    refused(
        house.submit(create(".agency", NEW, body={"fields": shared})),
        Violated,
        r"'EE/GOV/NEW' is refused: it has the same endorse as another live record \(endorse, field endorse\)",
    )
    moved = {"name": "Court", "endorse": [key("new court").public.text]}
    house.taken(
        change(".agency", COURT, 2, body={"fields": moved}), create(".agency", NEW, body={"fields": shared})
    )
    refused(
        house.submit(
            change(".agency", COURT, 3, body={"fields": {"name": "C", "endorse": [key(COURT).public.text]}})
        ),
        Violated,
        "has the same endorse as another live record",
    )
    house.taken(change(".agency", NEW, 2, "close"))
    house.taken(
        change(".agency", COURT, 3, body={"fields": {"name": "C", "endorse": [key(COURT).public.text]}})
    )


@pytest.mark.parametrize(
    ("fields", "saying"),
    [
        ({"from": "2026"}, "is not a time"),
        ({"until": "never"}, "is not a time"),
        ({"from": "2026-01-02T00:00:00Z", "until": "2026-01-01T00:00:00Z"}, "ends before it begins"),
        ({"use": "encryption"}, "must say use"),
        ({"source": None}, "is not in form"),
        ({"from_": "2026-01-01T00:00:00Z"}, "is not in form: Object contains unknown field"),
    ],
    ids=str,
)
def test_an_algorithm_says_for_what_and_from_when_until_when(
    house: Ledgerhouse, fields: dict[str, Any], saying: str
) -> None:
    known = {"use": "hash", "from": "2026-01-01T00:00:00Z", "source": "vote"}
    refused(house.submit(create(".algorithm", "x", body={"fields": known | fields})), Malformed, saying)


def parameters(**changed: Any) -> dict[str, Any]:
    return {"fields": {"origin": ORIGIN, "state-machine": 1, "governance": agency(LAND)} | changed}


def test_there_is_one_record_of_parameters(house: Ledgerhouse) -> None:
    refused(
        house.submit(create(".parameter", "other", body=parameters())),
        Malformed,
        "there is no parameter record 'other'",
    )


@pytest.mark.parametrize("operation", ["close", "annul"])
@pytest.mark.parametrize("body", [None, parameters()], ids=["bare", "with fields"])
def test_the_parameters_cannot_end(house: Ledgerhouse, operation: str, body: Any) -> None:
    refused(
        house.submit(change(".parameter", "ledger", 2, operation, body=body)),
        Violated,
        "parameters cannot end",
    )
    amended = change(".parameter", "ledger", 2, body=parameters(governance=agency(COURT)))
    refused(
        house.submit(amended, change(".parameter", "ledger", 3, operation, body=body)), Violated, "cannot end"
    )
    house.taken(create("title", "still works"))


def test_the_origin_stays(house: Ledgerhouse) -> None:
    other = change(".parameter", "ledger", 2, body=parameters(origin="ledger.example/2"))
    refused(house.submit(other), Violated, "a ledger keeps its origin for its whole life")
    refused(
        house.submit(other, change(".parameter", "ledger", 3, body=parameters())),
        Violated,
        "keeps its origin",
    )


def test_a_state_machine_that_this_program_does_not_run_is_refused(house: Ledgerhouse) -> None:
    for version in (0, 2, "1", 1.0, True, None):
        proposal = change(".parameter", "ledger", 2, body=parameters(**{"state-machine": version}))
        refused(house.submit(proposal), Malformed, "state machine|not in form|number")


SYSTEM_RECORDS = [
    (".parameter", "ledger"),
    (".agency", LAND),
    (".algorithm", "ed25519"),
    (".register", "title"),
]


@pytest.mark.parametrize("operation", ["amend", "correct"])
@pytest.mark.parametrize(("register", "record"), SYSTEM_RECORDS)
def test_a_system_record_always_states_its_fields(
    house: Ledgerhouse, register: str, record: str, operation: str
) -> None:
    elsewhere: list[dict[str, Any]] = [
        {},
        {"item": digest(b"x")},
        {"document": digest(b"x")},
        {"status": "x"},
    ]
    for content in elsewhere:
        refused(
            house.submit(change(register, record, 2, operation, **content)),
            Violated,
            "has no content, and its register asks for fields",
        )
    house.taken(create("title", "still works"))


@pytest.mark.parametrize(("register", "record"), SYSTEM_RECORDS)
def test_a_system_record_holds_nothing_to_erase(house: Ledgerhouse, register: str, record: str) -> None:
    before = house.latest(register, record)
    assert before is not None
    for body in (None, before.body):
        erasure = change(register, record, 2, "erase", body=body)
        refused(house.submit(erasure), Violated, "holds nothing that could be erased; amend or close it")


# ---- What a definition keeps for its whole life ----------------------------------------------------


def definition(**fields: Any) -> dict[str, Any]:
    return {"fields": TITLE | fields}


UNIQUE = [{"kind": "unique", "name": "one-deed", "fields": ["deed"]}]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"append": True}),
        ({"append": True}, {}),
        ({}, {"constraints": UNIQUE}),
        ({"constraints": UNIQUE}, {}),
        ({"constraints": UNIQUE}, {"constraints": [UNIQUE[0] | {"name": "other"}]}),
        ({"constraints": UNIQUE}, {"constraints": [UNIQUE[0] | {"fields": ["deed", "year"]}]}),
    ],
    ids=str,
)
def test_a_definition_keeps_what_its_records_were_judged_by(
    house: Ledgerhouse, before: dict[str, Any], after: dict[str, Any]
) -> None:
    house.define("estate", **before)
    saying = "keeps its unique constraints and whether it only appends for its whole life"
    refused(house.submit(change(".register", "estate", 2, body=definition(**after))), Violated, saying)
    there_and_back = [
        change(".register", "estate", 2, body=definition(**after)),
        change(".register", "estate", 3, body=definition(**before)),
    ]
    refused(house.submit(*there_and_back), Violated, saying)


def test_all_else_in_a_definition_may_change(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[*UNIQUE, {"kind": "immutable", "name": "i", "fields": ["deed"]}])
    changed = definition(
        title="Estates",
        authority=COURT,
        schema={"type": "object"},
        recovery=holder("x"),
        constraints=[UNIQUE[0] | {"citation": "Act 7"}],
    )
    house.taken(change(".register", "estate", 2, body=changed))
    house.taken(create("estate", "1", deed="a"), by=[COURT], submitter=COURT)


def test_claims_cannot_be_made_in_the_ledgers_name(house: Ledgerhouse) -> None:
    for scope in ("register:title", "register:"):
        forged = Claim(scope, "one-deed", digest(b"x"))
        refused(
            house.submit(create("title", "1", claims=(forged,))),
            Malformed,
            "belongs to the ledger; choose one without",
        )


# ---- What could not be undone ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "last_change",
    [
        change(".agency", LAND, 2, "close"),
        change(
            ".parameter",
            "ledger",
            2,
            body={
                "fields": {
                    "origin": ORIGIN,
                    "state-machine": STATE_MACHINE,
                    "governance": agency("EE/GOV/NOBODY"),
                }
            },
        ),
    ],
    ids=["the only member that governs leaves", "somebody who is no member governs"],
)
def test_nothing_is_taken_after_which_nobody_could_govern(house: Ledgerhouse, last_change: Proposal) -> None:
    refused(house.submit(last_change), Violated, "nobody could govern the ledger after this")
    house.taken(create("title", "1"))


def test_governance_may_pass_to_another_member_before_one_leaves(house: Ledgerhouse) -> None:
    fields = {"origin": ORIGIN, "state-machine": STATE_MACHINE, "governance": agency(COURT)}
    house.taken(change(".parameter", "ledger", 2, body={"fields": fields}))
    house.taken(change(".agency", LAND, 2, "close"), by=[COURT], submitter=COURT)
    refused(house.submit(create("title", "1")), Unauthorised, "no member of that name")


def test_a_member_lists_no_checkpoint_key_of_another_log(house: Ledgerhouse) -> None:
    other = VerifierKey("other.example/log", ED25519_NOTE, key("checkpoint").public).text
    fields = {"name": "Court", "endorse": [key(COURT).public.text], "checkpoint": [other]}
    refused(
        house.submit(change(".agency", COURT, 2, body={"fields": fields})),
        Violated,
        "is for another log",
    )


def test_two_members_have_no_checkpoint_key_in_common(house: Ledgerhouse) -> None:
    for name, taken in ((COURT, True), (TAX, False)):
        fields = {"name": name, "endorse": [key(name).public.text], "checkpoint": [VERIFIER]}
        outcome = house.submit(change(".agency", name, 2, body={"fields": fields}))
        assert (outcome.standing is Standing.TAKEN) is taken, outcome.error
