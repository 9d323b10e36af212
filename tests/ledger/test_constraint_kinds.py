"""The constraints of personal and property registers, kind by kind: what holds, what breaks, what cannot be seen."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.constraints import (
    UNKNOWN,
    Answer,
    ClearSight,
    Enforced,
    Enforcement,
    Fields,
    Question,
    Standing,
    Unknown,
    Verdict,
    enforcement,
    judge,
)
from counterfoil.ledger.constraints.blocked import MAX_REFERRING
from counterfoil.ledger.constraints.kinds import check_constraints
from counterfoil.ledger.definition import parse_definition
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Entry, Proposal, Reference
from tests.ledger_fixture import (
    COURT,
    LAND,
    START,
    Ledgerhouse,
    MemoryState,
    agency,
    change,
    claim,
    create,
    holder,
    key,
    of,
    refused,
)

TRUE, FALSE, UNDECIDABLE = Verdict.TRUE, Verdict.FALSE, Verdict.UNDECIDABLE
ITEM = digest(b"salted fields")


class World(ClearSight):
    """The ledger's eyes, with persons that are there without a ledger; `claims`: who holds one for which key."""

    def __init__(
        self,
        view: View,
        persons: dict[str, dict[str, Any]],
        claims: dict[str, tuple[str, str]],
        definition: Any,
    ):
        super().__init__(view, lambda name: definition if name == "record" else None, lambda _: None)
        self.persons, self.claims = persons, claims

    def name(self, register: str, value: Any) -> str | Unknown | None:
        return UNKNOWN if value == "?" else str(value)

    def follow(self, register: str, value: Any) -> Fields | Unknown | None:
        return UNKNOWN if value == "?" else Fields(self.persons[value]) if value in self.persons else None

    def was(self, register: str, record: str) -> Standing | Unknown:
        return Standing(record in self.persons, self.persons.get(record, {}).get("status"))

    def holder(self, scope: str, claim: str, value: Any) -> tuple[str, str] | Unknown | None:
        return UNKNOWN if value == "?" else self.claims.get(value)


def rule(kind: str, **members: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "name": f"the-{kind}",
        **{name.replace("_", "-"): each for name, each in members.items()},
    }


def answer(
    constraint: dict[str, Any],
    after: Proposal,
    before: Proposal | Entry | None = None,
    *others: Proposal,
    schema: Any = None,
    constraints: tuple[dict[str, Any], ...] = (),
    persons: dict[str, dict[str, Any]] | None = None,
    claims: dict[str, tuple[str, str]] | None = None,
) -> Answer:
    """What one constraint of the register `record` answers, in a ledger without records."""
    fields = {"title": "t", "authority": LAND, "constraints": [constraint, *constraints], "scopes": ["civil"]}
    definition = parse_definition("record", fields | ({"schema": schema} if schema else {}))
    check_constraints(definition)
    view = View(MemoryState(), START)
    sight = World(view, persons or {}, claims or {}, definition)
    return judge(
        definition.constraints[0], Question(definition, before, after, view, [after, *others], sight)
    )


def made(status: str | None = None, **content: Any) -> Proposal:
    return create("record", "1", status=status, **content)


def hiding(*names: str, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """A schema whose fields are all personal."""
    return {"properties": {name: {"class": "personal"} for name in names}, "required": list(required)}


# ---- order -----------------------------------------------------------------------------------------

BEFORE = rule("order", fields=["born", "died"])
AGE = rule("order", fields=["spouse>born", "date"], apart="P18Y")
SPOUSE = {"kind": "reference", "name": "spouse", "fields": ["spouse"], "register": "person"}


@pytest.mark.parametrize(
    ("born", "died", "verdict"),
    [
        ("1950-05-02", "1950-05-02", TRUE),
        ("1950-05-02", "1950-05-01", FALSE),
        ("1950", "1950-05-01", UNDECIDABLE),
        ("1950", "1951", TRUE),
        ("1950", "1950", UNDECIDABLE),
        ("1951-01", "1950", FALSE),
        ("1950-05", "1950-05-31", TRUE),
        ("1950~", "2000", UNDECIDABLE),
        ("2001", "2000?", UNDECIDABLE),
        (None, "2000", TRUE),
        ("2000", None, TRUE),
        ("once", "2000", FALSE),
        (1950, "2000", FALSE),
    ],
)
def test_dates_follow_each_other_as_far_as_they_are_known(born: Any, died: Any, verdict: Verdict) -> None:
    fields = {name: value for name, value in (("born", born), ("died", died)) if value is not None}
    assert answer(BEFORE, made(body={"fields": fields})).verdict is verdict


def test_strictly_means_on_another_day() -> None:
    strict = BEFORE | {"strict": True}
    assert answer(strict, made(born="2000-01-01", died="2000-01-01")).verdict is FALSE
    assert answer(strict, made(born="2000-01-01", died="2000-01-02")).verdict is TRUE
    assert answer(strict, made(born="2000-01", died="2000-01-31")).verdict is UNDECIDABLE


def test_of_three_dates_the_first_and_last_are_compared_where_the_second_is_absent() -> None:
    three = rule("order", fields=["a", "b", "c"])
    assert answer(three, made(a="2001", c="2000")).verdict is FALSE
    assert answer(three, made(a="2000", b="2001", c="2002")).verdict is TRUE


@pytest.mark.parametrize(
    ("born", "verdict"),
    [
        ("2008-11-23", TRUE),
        ("2008-11-24", FALSE),
        ("2008", UNDECIDABLE),
        ("2007", TRUE),
        ("2009", FALSE),
        ("1990~", UNDECIDABLE),
        (None, UNDECIDABLE),
    ],
)
def test_an_age_is_that_of_the_person_who_is_followed(born: str | None, verdict: Verdict) -> None:
    persons: dict[str, dict[str, Any]] = {"p": {"born": born} if born else {}}
    wedding = made(spouse="p", date="2026-11-23")
    assert answer(AGE, wedding, constraints=(SPOUSE,), persons=persons).verdict is verdict


def test_of_a_person_who_cannot_be_seen_nothing_is_decided() -> None:
    for spouse in ("?", "nobody"):
        assert answer(AGE, made(spouse=spouse, date="2026"), constraints=(SPOUSE,)).verdict is UNDECIDABLE
    assert (
        answer(AGE, made(item=ITEM), constraints=(SPOUSE,), schema=hiding("spouse", "date")).verdict
        is UNDECIDABLE
    )


def test_a_time_apart_is_undecidable_where_a_date_is_missing() -> None:
    kept = rule("order", fields=["died", ":now"], apart="P30Y", operations=["erase"])
    erase = change("record", "1", 2, "erase")
    assert answer(kept, erase, made(died="1990-01-01")).verdict is TRUE
    assert answer(kept, erase, made(died="1997-01-01")).verdict is FALSE
    assert answer(kept, erase, made()).verdict is UNDECIDABLE
    assert answer(kept, erase, made(died="1990~")).verdict is UNDECIDABLE
    assert answer(kept, made(died="2020")).verdict is TRUE  # it is asked of erasures alone


def test_the_clocks_are_the_blocks_time_and_those_of_the_circumstances() -> None:
    known = rule("order", fields=["date", ":now"])
    assert answer(known, made(date="2026-11-23")).verdict is TRUE
    assert answer(known, made(date="2026-11-24")).verdict is FALSE
    valid = rule("order", fields=["date", ":valid-from"])
    stated = {"fields": {"date": "2020"}, "circumstances": {"valid-from": "2019"}}
    assert answer(valid, made(body=stated)).verdict is FALSE
    assert answer(valid, made(date="2020")).verdict is TRUE
    assert answer(valid, made(item=ITEM), schema=hiding("date")).verdict is UNDECIDABLE


def test_no_personal_date_is_told_in_a_reason() -> None:
    assert answer(BEFORE, made(born="on my birthday", died="2000")).reason == (
        "a value is no date (2026, 2026-11, 2026-11-24)"
    )


# ---- sum -------------------------------------------------------------------------------------------

ONE = rule("sum", fields=["owners/*/share"], equals="=1")


def owners(*shares: Any) -> list[dict[str, Any]]:
    return [{"owner": chr(97 + number), "share": share} for number, share in enumerate(shares)]


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        (["1/3", "1/3", "1/3"], TRUE),
        (["2/4", "0.5"], TRUE),
        ([1], TRUE),
        (["1/3", "1/3"], FALSE),
        (["1/2", "2/3"], FALSE),
        (["3/2", "-1/2"], FALSE),
        ([], FALSE),
        (["half", "1/2"], FALSE),
        (["1/0"], FALSE),
        ([0.5, "1/2"], FALSE),
        ([True], FALSE),
    ],
    ids=str,
)
def test_shares_sum_to_one_exactly(shares: list[Any], verdict: Verdict) -> None:
    assert answer(ONE, made(owners=owners(*shares))).verdict is verdict


def test_what_is_not_seen_is_not_summed() -> None:
    assert answer(ONE, made(item=ITEM)).verdict is UNDECIDABLE
    assert answer(ONE, made(item=ITEM), schema=hiding("owners")).verdict is UNDECIDABLE


ISSUED = rule("sum", fields=["holdings/*/number"], group="class", at_most="classes/*/authorised")


@pytest.mark.parametrize(
    ("held", "verdict"),
    [
        ([("a", 60), ("a", 40), ("b", 5)], TRUE),
        ([("a", 61), ("a", 40)], FALSE),
        ([("c", 1)], FALSE),
        ([("a", 100), ("b", "5.5")], FALSE),
        ([], TRUE),
    ],
    ids=str,
)
def test_no_more_shares_of_a_class_are_issued_than_authorised(
    held: list[tuple[str, Any]], verdict: Verdict
) -> None:
    company = made(
        classes=[{"class": "a", "authorised": 100}, {"class": "b", "authorised": 5}],
        holdings=[{"class": name, "number": number} for name, number in held],
    )
    assert answer(ISSUED, company).verdict is verdict


def test_each_group_equals_a_literal() -> None:
    each = rule("sum", fields=["parts/*/share"], group="plot", equals="=1")
    parts = [{"plot": 1, "share": "1/2"}, {"plot": 1, "share": "1/2"}, {"plot": 2, "share": "1"}]
    assert answer(each, made(parts=parts)).verdict is TRUE
    assert answer(each, made(parts=parts[1:])).verdict is FALSE


MOVES = rule("sum", fields=["owners/*/share"], group="owner", moves="moves")


@pytest.mark.parametrize(
    ("moves", "after", "verdict", "reason"),
    [
        ([("a", "c", "1/2")], {"b": "1/2", "c": "1/2"}, TRUE, ""),
        ([("a", "c", "1/4")], {"a": "1/4", "b": "1/2", "c": "1/4"}, TRUE, ""),
        ([("a", "c", "1/2"), ("c", "d", "1/2")], {"b": "1/2", "d": "1/2"}, TRUE, ""),
        ([], {"a": "1/2", "b": "1/2"}, TRUE, ""),
        ([], {"a": "1/4", "b": "3/4"}, FALSE, "not what the moves make"),
        (
            [("c", "d", "1/2")],
            {"a": "1/2", "b": "1/2", "d": "1/2"},
            FALSE,
            "more is given than the giver holds",
        ),
        ([("a", "c", "3/4")], {"b": "1/2", "c": "3/4"}, FALSE, "more is given than the giver holds"),
        ([("c", "d", "1/2"), ("a", "c", "1/2")], {"b": "1/2", "d": "1/2"}, FALSE, "more is given than"),
        ([("a", "c", "1/2")], {"b": "1/2", "d": "1/2"}, FALSE, "not what the moves make"),
        ([("a", "c", "-1/2")], {"a": "1", "b": "1/2", "c": "-1/2"}, FALSE, "an amount is negative"),
        ([("a", "c", "0")], {"a": "1/2", "b": "1/2"}, FALSE, "an amount of zero is moved"),
        ([("b", "a", "-1/4")], {"a": "1/4", "b": "3/4"}, FALSE, "an amount is negative"),
        ([("a", None, "1/2")], {"b": "1/2"}, TRUE, ""),
        ([(None, "c", "1/2")], {"a": "1/2", "b": "1/2", "c": "1/2"}, TRUE, ""),
    ],
)
def test_nobody_gives_what_is_not_held(
    moves: list[tuple[str | None, str | None, str]], after: dict[str, str], verdict: Verdict, reason: str
) -> None:
    listed = [
        {
            name: value
            for name, value in (("from", giver), ("to", taker), ("share", share))
            if value is not None
        }
        for giver, taker, share in moves
    ]
    owned = [{"owner": owner, "share": share} for owner, share in after.items()]
    found = answer(
        MOVES, change("record", "1", 2, owners=owned, moves=listed), made(owners=owners("1/2", "1/2"))
    )
    assert found.verdict is verdict
    assert reason in found.reason


def test_moves_are_asked_at_each_step_of_a_transaction(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[MOVES])
    house.taken(create("estate", "1", owners=owners("1")))
    stolen = [{"owner": "x", "share": "1"}]
    steps = [
        change("estate", "1", 2, owners=stolen),
        change("estate", "1", 3, owners=stolen),
    ]
    refused(
        house.submit(*steps),
        Violated,
        r"is refused: what is held after it is not what the moves make .*\(the-sum, ",
    )


def test_shares_of_two_classes_are_held_and_moved_apart() -> None:
    by_class = rule("sum", fields=["holdings/*/number"], group=["holder", "class"], moves="moves")
    before = made(
        holdings=[{"holder": "x", "class": "a", "number": 5}, {"holder": "x", "class": "b", "number": 1}]
    )
    after = change(
        "record",
        "1",
        2,
        holdings=[{"holder": "x", "class": "a", "number": 5}, {"holder": "y", "class": "b", "number": 1}],
        moves=[{"from": "x", "to": "y", "class": "b", "number": 1}],
    )
    assert answer(by_class, after, before).verdict is TRUE
    more = change(
        "record",
        "1",
        2,
        body={"fields": after.fields | {"moves": [{"from": "x", "to": "y", "class": "b", "number": 2}]}},
    )
    assert answer(by_class, more, before).verdict is FALSE


# ---- exclusive -------------------------------------------------------------------------------------

MARRIED = rule(
    "exclusive",
    scope="civil",
    claim="married",
    fields=["a", "b"],
    when=["married"],
    against=["dead"],
    citation="Family Act s. 4",
)
DEAD = rule("exclusive", scope="civil", claim="dead", fields=["person"], citation="Civil Status Act s. 9")


@pytest.fixture
def civil(house: Ledgerhouse) -> Ledgerhouse:
    """A ledger of marriages and deaths, whose persons are hidden."""
    for register, constraint, names in (("marriage", MARRIED, ("a", "b")), ("death", DEAD, ("person",))):
        fields = {"constraints": [constraint], "scopes": ["civil"], "schema": hiding(*names, required=names)}
        house.define(register, **fields)
    return house


def wed(number: str, *persons: str, status: str = "married", name: str = "married") -> Proposal:
    return create(
        "marriage", number, status=status, item=ITEM, claims=tuple(claim(name, each) for each in persons)
    )


def died(number: str, person: str) -> Proposal:
    return create("death", number, item=ITEM, claims=(claim("dead", person),))


def test_a_person_is_married_once(civil: Ledgerhouse) -> None:
    civil.taken(wed("1", "ann", "ben"))
    outcome = civil.submit(wed("2", "ann", "cem"))
    refused(outcome, Violated, r"is refused: it claims .* \(the-exclusive, field a; Family Act s. 4\)$")
    error = outcome.error
    assert isinstance(error, Violated)
    assert (error.constraint, error.field, error.citation) == ("the-exclusive", "a", "Family Act s. 4")


def test_two_marriages_of_one_person_in_one_block_are_one(civil: Ledgerhouse) -> None:
    outcomes = civil.send(
        *[civil.transaction(wed(number, "ann", other)) for number, other in (("1", "ben"), ("2", "cem"))]
    )
    assert [each.standing.value for each in outcomes] == ["taken", "refused"]


def test_nobody_dies_twice(civil: Ledgerhouse) -> None:
    civil.taken(died("1", "ann"))
    refused(
        civil.submit(died("2", "ann")),
        Violated,
        r"is refused: .* \(the-exclusive, field .*; Civil Status Act s. 9\)$",
    )


def test_the_dead_do_not_marry_though_the_married_may_die(civil: Ledgerhouse) -> None:
    civil.taken(wed("1", "ann", "ben"))
    civil.taken(died("1", "ann"), change("marriage", "1", 2, status="widowed", item=ITEM))
    refused(
        civil.submit(wed("2", "cem", "ann")),
        Violated,
        r"is refused: another live record holds 'dead' of the same person .*\(the-exclusive, ",
    )
    civil.taken(wed("2", "cem", "ben"))
    outcomes = civil.send(civil.transaction(died("3", "dan")), civil.transaction(wed("3", "dan", "eve")))
    assert [each.standing.value for each in outcomes] == ["taken", "refused"]


@pytest.mark.parametrize(
    ("proposal", "saying"),
    [
        (wed("1", "ann"), "states 1 claims 'married' in the scope 'civil'"),
        (wed("1"), "states 0 claims 'married'"),
        (wed("1", "ann", "ben", "cem"), "states 3 claims 'married'"),
        (wed("1", "ann", "ann"), "claims twice for one person"),
        (wed("1", "ann", "ben", status="divorced"), "claims 'married' in a status that does not hold it"),
        (
            wed("1", "ann", "ben", name="dead"),
            "claims 'dead' in the scope 'civil', which its register's definition",
        ),
    ],
)
def test_a_submitter_that_skips_checks_states_no_other_claims(
    civil: Ledgerhouse, proposal: Proposal, saying: str
) -> None:
    refused(civil.submit(proposal), Violated, saying)


def test_who_sees_the_fields_counts_them() -> None:
    one = MARRIED | {"least": 0}
    assert answer(one, made("married", a="ann", claims=(claim("married", "ann"),))).verdict is TRUE
    assert answer(one, made("married", a="ann", b="ben", claims=(claim("married", "ann"),))).verdict is FALSE
    assert answer(one, made("married", item=ITEM), schema=hiding("a", "b")).verdict is UNDECIDABLE
    many = rule("exclusive", scope="civil", claim="partner", fields=["partners/*/person"])
    claims = tuple(claim("partner", str(number)) for number in range(5))
    assert answer(many, made(item=ITEM, claims=claims), schema=hiding("partners")).verdict is UNDECIDABLE


# ---- reference and blocked-by ----------------------------------------------------------------------

CHARGED = rule(
    "blocked-by", register="charge", role="title", status=["in force"], until="until", operations=["amend"]
)
TITLE = rule("reference", fields=["title"], register="estate", role="title")


@pytest.fixture
def land(house: Ledgerhouse) -> Ledgerhouse:
    """A ledger of estates, and of charges on them."""
    house.define("estate", constraints=[CHARGED | {"citation": "Land Act s. 30"}])
    house.define("charge", constraints=[TITLE])
    house.taken(create("estate", "1", owner="a"), create("estate", "2", owner="b"))
    return house


def charge(
    number: str, title: str, *, status: str = "in force", role: str = "title", **fields: str
) -> Proposal:
    references = (Reference(role, "estate", title),)
    return create("charge", number, status=status, references=references, title=title, **fields)


def test_nothing_is_sold_over_a_charge_until_it_is_discharged(land: Ledgerhouse) -> None:
    land.taken(charge("m", "1"))
    refused(
        land.submit(change("estate", "1", 2, owner="x")),
        Violated,
        r"estate '1' is refused: charge 'm' stands against it \(the-blocked-by, field .*; Land Act s. 30",
    )
    land.taken(change("estate", "2", 2, owner="x"), change("estate", "1", 2, "correct", owner="a"))
    discharge = change(
        "charge", "m", 2, status="discharged", title="1", references=(Reference("title", "estate", "1"),)
    )
    land.taken(discharge, change("estate", "1", 3, owner="x"))


def test_a_charge_that_ends_or_lets_go_stands_no_longer(land: Ledgerhouse) -> None:
    land.taken(charge("m", "1"), charge("n", "1"))
    land.taken(change("charge", "m", 2, "close"))
    refused(land.submit(change("estate", "1", 2, owner="x")), Violated, "charge 'n' stands against it")
    land.taken(
        change(
            "charge", "n", 2, status="in force", title="2", references=(Reference("title", "estate", "2"),)
        ),
        change("estate", "1", 2, owner="x"),
    )


def test_more_charges_than_anyone_can_look_at_stand_in_the_way_whatever_their_status(
    land: Ledgerhouse,
) -> None:
    land.taken(*[charge(str(number), "1", status="discharged") for number in range(MAX_REFERRING)])
    land.taken(change("estate", "1", 2, owner="x"))
    land.taken(charge("one more", "1", status="discharged"))
    refused(
        land.submit(change("estate", "1", 3, owner="y")),
        Violated,
        r"estate '1' is refused: more than 1000 live records refer to it as 'title', too "
        r"many to judge; close those that no longer count \(the-blocked-by, field title; Land Act s. 30\)",
    )
    land.taken(change("charge", "0", 2, "close"), change("estate", "1", 3, owner="y"))


def test_a_sale_and_a_charge_in_one_block_are_the_first_of_them(land: Ledgerhouse) -> None:
    sale, mortgage = change("estate", "1", 2, owner="x"), charge("m", "1")
    outcomes = land.send(land.transaction(mortgage), land.transaction(sale))
    assert [each.standing.value for each in outcomes] == ["taken", "refused"]
    refused(land.submit(charge("n", "1"), sale), Violated, "stands against it")


def test_two_transfers_of_one_title_in_one_block_are_the_first_of_them(land: Ledgerhouse) -> None:
    sales = [change("estate", "1", 2, owner=buyer) for buyer in ("x", "y")]
    outcomes = land.send(*map(land.transaction, sales))
    assert [each.standing.value for each in outcomes] == ["taken", "refused"]


def test_a_refused_charge_leaves_nothing_in_the_way(land: Ledgerhouse) -> None:
    lost = land.transaction(charge("m", "1"), create("estate", "1", owner="again"))
    outcomes = land.send(lost, land.transaction(change("estate", "1", 2, owner="x")))
    assert [each.standing.value for each in outcomes] == ["refused", "taken"]


@pytest.mark.parametrize(
    ("until", "blocks"),
    [
        ("2026-11-22", False),
        ("2026-11-23", True),
        ("2026-10", False),
        ("2026", True),
        ("2020~", True),
        ("soon", True),
    ],
)
def test_a_charge_with_a_term_stands_until_its_last_day(land: Ledgerhouse, until: str, blocks: bool) -> None:
    land.taken(charge("m", "1", until=until))
    outcome = land.submit(change("estate", "1", 2, owner="x"))
    assert outcome.standing.value == ("refused" if blocks else "taken")


def test_what_a_field_names_is_stated_in_the_clear_too(land: Ledgerhouse) -> None:
    for proposal in (
        create("charge", "m", title="1"),
        create("charge", "m", title="1", references=(Reference("title", "estate", "2"),)),
        create("charge", "m", title="1", references=(Reference("title", "charge", "1"),)),
        create("charge", "m", references=(Reference("title", "estate", "1"),)),
    ):
        refused(
            land.submit(proposal), Violated, "references in the role title are not those that its fields name"
        )


def test_a_hidden_reference_that_is_stated_must_stand(house: Ledgerhouse) -> None:
    house.define("estate")
    house.define("charge", constraints=[TITLE | {"status": ["live"]}], schema=hiding("title"))
    house.taken(create("estate", "1", status="live"), create("estate", "2", status="void"))
    for record, saying in (("2", r"is refused: .*\(the-reference"), ("3", r"is refused: .*\(the-reference")):
        stated = create("charge", "m", item=ITEM, references=(Reference("title", "estate", record),))
        refused(house.submit(stated), Violated, saying)
    house.taken(create("charge", "m", item=ITEM, references=(Reference("title", "estate", "1"),)))


# ---- effect ----------------------------------------------------------------------------------------

DIES = rule(
    "effect", effect={"register": "person", "record": "person", "operation": "amend", "status": "dead"}
)
PERSONS: dict[str, dict[str, Any]] = {"p": {"status": "alive"}, "q": {"status": "dead"}}


def test_an_effect_is_in_the_same_transaction() -> None:
    death = made(person="p")
    assert answer(DIES, death, None, change("person", "p", 2, status="dead")).verdict is TRUE
    for other in (
        change("person", "q", 2, status="dead"),
        change("person", "p", 2, status="alive"),
        change("person", "p", 2, "close", status="dead"),
        change("animal", "p", 2, status="dead"),
    ):
        found = answer(DIES, death, None, other)
        assert found[:2] == (FALSE, "the transaction lacks its effect: amend in person to 'dead'")


def test_an_effect_sets_fields() -> None:
    sets = DIES | {"effect": DIES["effect"] | {"set": {"died": "date", "cause": "=unknown"}}}
    death = made(person="p", date="2026")
    assert (
        answer(
            sets, death, None, change("person", "p", 2, status="dead", died="2026", cause="unknown")
        ).verdict
        is TRUE
    )
    for fields in ({"died": "2025", "cause": "unknown"}, {"died": "2026"}, {}):
        found = answer(sets, death, None, change("person", "p", 2, status="dead", body={"fields": fields}))
        assert found.verdict is FALSE


def test_an_effect_may_depend_on_what_its_target_was() -> None:
    was = {"effect": DIES["effect"] | {"from-status": "alive"}}
    assert answer(DIES | was, made(person="q"), persons=PERSONS).verdict is FALSE
    assert (
        answer(
            DIES | was, made(person="p"), None, change("person", "p", 2, status="dead"), persons=PERSONS
        ).verdict
        is TRUE
    )
    optional = {"effect": was["effect"] | {"optional": True}}
    assert answer(DIES | optional, made(person="q"), persons=PERSONS).verdict is TRUE
    assert answer(DIES | optional, made(person="p"), persons=PERSONS).verdict is FALSE


def test_an_effect_may_find_its_target_by_a_claim() -> None:
    target = {"claim": {"scope": "civil", "name": "married", "field": "person"}}
    widows = rule(
        "effect", effect={"register": "marriage", "record": target, "operation": "amend", "status": "widowed"}
    )
    holders = {"p": ("marriage", "m")}
    assert answer(widows, made(person="p"), claims=holders).verdict is FALSE
    assert (
        answer(
            widows, made(person="p"), None, change("marriage", "m", 2, status="widowed"), claims=holders
        ).verdict
        is TRUE
    )
    assert answer(widows, made(person="q"), claims=holders).verdict is FALSE
    optional = widows | {"effect": widows["effect"] | {"optional": True}}
    assert answer(optional, made(person="q"), claims=holders).verdict is TRUE


def test_where_the_target_is_hidden_every_node_counts() -> None:
    schema = hiding("person", required=("person",))
    first, second = (create("record", number, item=ITEM) for number in "12")
    dead = [change("person", name, 2, status="dead", item=ITEM) for name in "xy"]
    assert answer(DIES, first, schema=schema).verdict is FALSE
    assert answer(DIES, first, None, dead[0], schema=schema).verdict is UNDECIDABLE
    assert answer(DIES, first, None, second, dead[0], schema=schema).verdict is FALSE
    assert answer(DIES, first, None, second, *dead, schema=schema).verdict is UNDECIDABLE
    assert answer(DIES, first, schema=hiding("person")).verdict is UNDECIDABLE  # it may name nobody


BORN = rule(
    "effect",
    effect={
        "register": "person",
        "record": "person",
        "operation": "create",
        "status": "alive",
        "corrects": ["void"],
    },
)
VOID: dict[str, dict[str, Any]] = {"p": {"status": "void"}, "q": {"status": "alive"}}


def test_an_effect_may_correct_what_is_there_in_some_status_instead_of_creating_it() -> None:
    made_new = create("person", "n", status="alive")
    assert answer(BORN, made(person="n"), None, made_new, persons=VOID).verdict is TRUE
    for name, status, verdict in (("p", "alive", TRUE), ("p", "dead", FALSE), ("q", "alive", FALSE)):
        corrected = change("person", name, 2, "correct", status=status)
        assert answer(BORN, made(person=name), None, corrected, persons=VOID).verdict is verdict
    amended = change("person", "p", 2, status="alive")
    assert answer(BORN, made(person="p"), None, amended, persons=VOID).verdict is FALSE


def test_every_node_counts_what_is_corrected_as_what_is_created() -> None:
    schema = hiding("person", required=("person",))
    birth = create("record", "1", item=ITEM)
    for name, verdict in (("p", UNDECIDABLE), ("q", FALSE)):
        corrected = change("person", name, 2, "correct", status="alive", item=ITEM)
        assert answer(BORN, birth, None, corrected, schema=schema, persons=VOID).verdict is verdict


def test_an_effect_may_depend_on_what_its_own_record_was() -> None:
    was = DIES | {"effect": DIES["effect"] | {"was": ["ill"]}}
    ill, well = (change("record", "1", 1, "create", status=each, person="p") for each in ("ill", "well"))
    dead = change("record", "1", 2, status="dead", person="p")
    assert answer(was, dead, ill).verdict is FALSE
    assert answer(was, dead, ill, change("person", "p", 2, status="dead")).verdict is TRUE
    assert answer(was, dead, well).verdict is TRUE
    assert answer(was, made(person="p")).verdict is TRUE


def test_every_node_counts_only_those_whose_record_was_so() -> None:
    schema = hiding("person", required=("person",))
    was = DIES | {"effect": DIES["effect"] | {"was": ["ill"]}}
    ill, well = (change("record", name, 1, "create", status=name, item=ITEM) for name in ("ill", "well"))
    first, second = (change("record", name, 2, item=ITEM) for name in ("ill", "well"))
    dead = change("person", "x", 2, status="dead", item=ITEM)
    standing = {name: {"status": name} for name in ("ill", "well")}
    assert answer(was, first, ill, second, schema=schema, persons=standing).verdict is FALSE
    assert answer(was, first, ill, second, dead, schema=schema, persons=standing).verdict is UNDECIDABLE
    assert answer(was, second, well, first, schema=schema, persons=standing).verdict is TRUE


# ---- required --------------------------------------------------------------------------------------

TOLD = rule("required", fields=["ended/on", "ended/by"], when=["ended"], operations=["amend", "close"])
ENDED: dict[str, Any] = {"ended": {"on": "2026", "by": "divorce"}}


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (change("record", "1", 2, status="ended", **ENDED), Answer(TRUE)),
        (change("record", "1", 2, "close", status="ended", **ENDED), Answer(TRUE)),
        (
            change("record", "1", 2, status="ended", ended={"on": "2026"}),
            Answer(FALSE, "ended/by is missing", "ended/by"),
        ),
        (change("record", "1", 2, status="ended"), Answer(FALSE, "ended/on is missing", "ended/on")),
        (change("record", "1", 2, "close", status="ended"), Answer(FALSE, "ended/on is missing", "ended/on")),
        (change("record", "1", 2, status="open"), Answer(TRUE)),
        (change("record", "1", 2, "correct", status="ended"), Answer(TRUE)),
    ],
)
def test_what_must_be_told_in_a_status(after: Proposal, found: Answer) -> None:
    assert answer(TOLD, after, made("open", number="1")) == found


def test_what_ends_a_record_without_a_word_is_judged_by_what_stood_there() -> None:
    silent = change("record", "1", 2, "close", status="ended")
    assert answer(TOLD, silent, made("open", **ENDED)).verdict is TRUE


def test_what_must_be_told_and_is_hidden_only_its_agency_can_ask() -> None:
    after = change("record", "1", 2, status="ended", item=ITEM)
    assert answer(TOLD, after, schema=hiding("ended")).verdict is UNDECIDABLE


# ---- authorised-by and quorum ----------------------------------------------------------------------


def test_each_version_states_who_controls_the_next(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[rule("authorised-by", control=True)])
    refused(house.submit(create("estate", "1", owner="a")), Violated, "does not state who controls")
    house.taken(create("estate", "1", owner="a", control=holder("deed")))
    refused(
        house.submit(change("estate", "1", 2, owner="b"), by=[LAND, key("deed")]), Violated, "does not state"
    )
    house.taken(change("estate", "1", 2, "close"), by=[LAND, key("deed")])


@pytest.mark.parametrize("kind", ["order", "sum", "quorum"])
def test_the_policy_of_any_constraint_is_asked(house: Ledgerhouse, kind: str) -> None:
    policy = of(2, agency(LAND), agency(COURT))
    kinds: dict[str, dict[str, Any]] = {
        "order": {"fields": ["a", "b"]},
        "sum": {"fields": ["n"], "equals": "=1", "when": ["final"]},
        "quorum": {"operations": ["amend"], "when": ["final"]},
    }
    house.define("estate", constraints=[rule(kind, policy=policy, **kinds[kind])])
    house.taken(create("estate", "1", status="draft", n=1), by=[LAND, COURT])
    assert house.submit(change("estate", "1", 2, status="final", n=1)).standing.value == "pending"
    house.taken(change("estate", "1", 2, status="final", n=1), by=[LAND, COURT])
    if kind == "order":
        # What orders dates says nothing of an ending.
        house.taken(change("estate", "1", 3, "close"))
    else:
        house.taken(change("estate", "1", 3, status="draft", n=1))


# ---- A time for objections -------------------------------------------------------------------------

DAY = 86_400


def test_a_change_that_can_be_objected_to_waits(house: Ledgerhouse) -> None:
    house.define("estate", objection={"operations": ["amend"], "days": 14})
    house.taken(create("estate", "1", owner="a"))
    sale = change("estate", "1", 2, owner="b")
    for early in (None, 14 * DAY - 1):
        refused(
            house.submit(sale, not_before=early), Violated, "set not-before to 2026-12-07T10:00:00Z or later"
        )
    house.waiting(sale, not_before=14 * DAY)
    house.pass_time(14 * DAY - 1)
    house.send(house.transaction(create("estate", "2")))
    assert (house.latest("estate", "1") or sale).fields == {"owner": "a"}
    house.pass_time(1)
    house.send(house.transaction(create("estate", "3")))
    assert (house.latest("estate", "1") or sale).fields == {"owner": "b"}


# ---- Declarations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "saying"),
    [
        (rule("order", fields=["a"]), "needs two operands or more"),
        (rule("order", fields=["a", "b", "c"], apart="P1Y"), "exactly two with 'apart'"),
        (rule("order", fields=["a", "b"], apart="18 years"), "is no duration"),
        (rule("order", fields=["a>born", "b"]), "follows 'a', which no reference lists"),
        (rule("order", fields=["a", ":noon"]), "is no clock"),
        (rule("sum", fields=["a"]), "needs one path in 'fields', and 'equals', 'at-most' or 'moves'"),
        (rule("sum", fields=["a", "b"], equals="=1"), "needs one path"),
        (rule("sum", fields=["a"], equals="=one"), "an amount is negative, or not written as"),
        (rule("sum", fields=["a"], at_most=":now"), "is compared with a literal or with a path"),
        (rule("sum", fields=["a"], moves="m"), "needs a 'group' and a path through a list"),
        (rule("exclusive", scope="civil", claim="x"), "needs 'fields'"),
        (rule("exclusive", scope="other", claim="x", fields=["a"]), "claims in the scope 'other'; list it"),
        (rule("blocked-by", register="r"), "needs 'role'"),
        (rule("quorum", policy=agency(COURT)), "needs a policy that requires two or more"),
        (rule("quorum", policy=of(1, agency(COURT), agency(LAND))), "requires two or more"),
        (rule("authorised-by"), "needs 'policy' or 'control'"),
        (rule("effect"), "needs 'effect'"),
        (
            rule("effect", effect={"register": "r", "record": "=x", "operation": "amend"}),
            "name its target by a field",
        ),
        (
            rule("effect", effect={"register": "r", "record": "a", "operation": "move"}),
            "names the operation 'move'",
        ),
        (
            rule(
                "effect",
                effect={"register": "r", "record": "a", "operation": "amend", "corrects": ["void"]},
            ),
            "use the operation 'create', or leave 'corrects' out",
        ),
        (rule("required"), "needs 'fields'"),
        (rule("order", fields=["a", "b"], policy="court"), "'court' is no signer"),
    ],
    ids=str,
)
def test_a_constraint_is_whole(constraint: dict[str, Any], saying: str) -> None:
    with pytest.raises(Malformed, match=saying):
        answer(constraint, made())


def test_one_status_has_one_claim_of_a_name() -> None:
    again = MARRIED | {"name": "again"}
    with pytest.raises(Malformed, match="two constraints make the claim 'married' in 'civil' in one status"):
        answer(MARRIED, made(), constraints=(again,))
    other = again | {"when": ["separated"]}
    assert (
        answer(MARRIED, made("separated", claims=(claim("married", "x"),)), constraints=(other,)).verdict
        is TRUE
    )


def test_a_misspelt_field_shows_at_once() -> None:
    with pytest.raises(Malformed, match="is about 'dide', which the schema does not list"):
        answer(rule("order", fields=["born", "dide"]), made(), schema=hiding("born", "died"))


# ---- Where each is enforced ------------------------------------------------------------------------


HOLDER = {"claim": {"scope": "civil", "name": "married", "field": "p"}}


@pytest.mark.parametrize(
    ("constraint", "told"),
    [
        (rule("transition", initial=["a"]), Enforced(Enforcement.EVERY_NODE)),
        (rule("order", fields=["p", "p"]), Enforced(Enforcement.EVERY_NODE)),
        (rule("order", fields=["p", "h"]), Enforced(Enforcement.SUBMITTER)),
        (rule("order", fields=["p", "h"], policy=agency(COURT)), Enforced(Enforcement.SECOND_AGENCY)),
        (rule("order", fields=["p", ":valid-from"]), Enforced(Enforcement.SUBMITTER)),
        (rule("order", fields=["p", ":now"]), Enforced(Enforcement.EVERY_NODE)),
        (rule("immutable", fields=["h"]), Enforced(Enforcement.SUBMITTER)),
        (
            rule("unique", fields=["h"]),
            Enforced(
                Enforcement.EVERY_NODE, "that a claim is that of the values, by the submitting agency only"
            ),
        ),
        (
            rule("exclusive", scope="civil", claim="c", fields=["h"], policy=agency(COURT)),
            Enforced(Enforcement.EVERY_NODE, "that a claim is the right person's, by a second agency"),
        ),
        (
            rule("effect", effect={"register": "r", "record": "h", "operation": "amend"}),
            Enforced(Enforcement.SUBMITTER, "that there are as many such entries as are due, by every node"),
        ),
        (
            rule("effect", effect={"register": "r", "record": "h", "operation": "amend", "optional": True}),
            Enforced(Enforcement.SUBMITTER),
        ),
        (
            rule("effect", effect={"register": "r", "record": "rare", "operation": "amend"}),
            Enforced(Enforcement.SUBMITTER),
        ),
        (
            rule("effect", effect={"register": "r", "record": "p", "operation": "amend"}),
            Enforced(Enforcement.EVERY_NODE),
        ),
        (
            rule(
                "effect",
                effect={"register": "r", "record": HOLDER, "operation": "amend"},
                policy=agency(COURT),
            ),
            Enforced(Enforcement.SECOND_AGENCY),
        ),
        (
            rule("reference", fields=["h"], register="r", role="x"),
            Enforced(Enforcement.SUBMITTER, "that what is stated in the clear stands, by every node"),
        ),
        (rule("reference", fields=["p"], register="r"), Enforced(Enforcement.EVERY_NODE)),
    ],
    ids=lambda part: part["kind"] if isinstance(part, dict) else None,
)
def test_it_is_told_who_enforces_a_constraint(constraint: dict[str, Any], told: Enforced) -> None:
    classes = {"p": "public", "h": "personal", "rare": "personal"}
    schema = {"properties": {name: {"class": each} for name, each in classes.items()}, "required": ["h"]}
    fields = {
        "title": "t",
        "authority": LAND,
        "scopes": ["civil"],
        "schema": schema,
        "constraints": [constraint],
    }
    definition = parse_definition("record", fields)
    assert enforcement(definition, definition.constraints[0]) == told
