"""Declared constraints: each kind true, false and undecidable, and judged by every node whoever submitted."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.constraints import KINDS, ClearSight, Question, Verdict, judge
from counterfoil.ledger.definition import Constraint, parse_definition
from counterfoil.ledger.ledger import Standing
from counterfoil.ledger.view import View
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal
from tests.ledger_fixture import (
    COURT,
    LAND,
    START,
    TAX,
    Ledgerhouse,
    MemoryState,
    agency,
    change,
    create,
    refused,
)

ITEM = digest(b"fields that nobody here can read")


def verdict(constraint: dict[str, Any], after: Proposal, before: Proposal | None = None) -> Verdict:
    """What one constraint answers, in a ledger without records."""
    definition = parse_definition("title", {"title": "t", "authority": LAND, "constraints": [constraint]})
    view = View(MemoryState(), START)
    sight = ClearSight(view, lambda name: definition if name == "title" else None, lambda _: None)
    question = Question(definition, before, after, view, [after], sight)
    return judge(definition.constraints[0], question).verdict


def rule(kind: str, **members: Any) -> dict[str, Any]:
    return {"kind": kind, "name": f"the-{kind}", **members}


# ---- The three answers, kind by kind ---------------------------------------------------------------

UNIQUE = rule("unique", fields=["deed"])
IMMUTABLE = rule("immutable", fields=["deed", "parish"])
REFERENCE = rule("reference", fields=["mortgage"], register="mortgage")
TRANSITION = rule(
    "transition", initial=["draft"], transitions={"draft": ["registered"], "registered": ["draft", "void"]}
)
AUTHORISED = rule("authorised-by", policy=agency(COURT))


def test_there_are_twelve_kinds() -> None:
    assert sorted(KINDS) == [
        "authorised-by",
        "blocked-by",
        "effect",
        "exclusive",
        "immutable",
        "order",
        "quorum",
        "reference",
        "required",
        "sum",
        "transition",
        "unique",
    ]


@pytest.mark.parametrize(
    ("constraint", "before", "after", "answer"),
    [
        (UNIQUE, None, create("title", "1", deed="a"), Verdict.TRUE),
        (UNIQUE, None, create("title", "1", parish="a"), Verdict.TRUE),
        (UNIQUE, None, create("title", "1", item=ITEM), Verdict.UNDECIDABLE),
        (UNIQUE, None, change("title", "1", 2, "close"), Verdict.TRUE),
        (IMMUTABLE, None, create("title", "1", deed="a"), Verdict.TRUE),
        (
            IMMUTABLE,
            create("title", "1", deed="a", x=1),
            change("title", "1", 2, deed="a", x=2),
            Verdict.TRUE,
        ),
        (IMMUTABLE, create("title", "1", deed="a"), change("title", "1", 2, deed="b"), Verdict.FALSE),
        (
            IMMUTABLE,
            create("title", "1", deed="a"),
            change("title", "1", 2, "correct", deed="b"),
            Verdict.FALSE,
        ),
        (
            IMMUTABLE,
            create("title", "1", deed="a"),
            change("title", "1", 2, "close", deed="b"),
            Verdict.FALSE,
        ),
        (IMMUTABLE, create("title", "1", deed="a"), change("title", "1", 2, "close"), Verdict.TRUE),
        (IMMUTABLE, create("title", "1", deed="a"), change("title", "1", 2, x=1), Verdict.FALSE),
        (IMMUTABLE, create("title", "1", x=1), change("title", "1", 2, deed="a"), Verdict.FALSE),
        (IMMUTABLE, create("title", "1", x=1), change("title", "1", 2, deed=None), Verdict.FALSE),
        (IMMUTABLE, create("title", "1", deed=1), change("title", "1", 2, deed=True), Verdict.FALSE),
        (IMMUTABLE, create("title", "1", deed=[0]), change("title", "1", 2, deed=[False]), Verdict.FALSE),
        (
            IMMUTABLE,
            create("title", "1", deed={"a": 1, "b": 2}),
            change("title", "1", 2, deed={"b": 2, "a": 1}),
            Verdict.TRUE,
        ),
        (IMMUTABLE, create("title", "1", item=ITEM), change("title", "1", 2, deed="a"), Verdict.UNDECIDABLE),
        (IMMUTABLE, create("title", "1", deed="a"), change("title", "1", 2, item=ITEM), Verdict.FALSE),
        (REFERENCE, None, create("title", "1", x=1), Verdict.TRUE),
        (REFERENCE, None, create("title", "1", mortgage=[]), Verdict.TRUE),
        (REFERENCE, None, create("title", "1", mortgage="m"), Verdict.FALSE),
        (REFERENCE, None, create("title", "1", mortgage=7), Verdict.FALSE),
        (REFERENCE, None, create("title", "1", mortgage=None), Verdict.FALSE),
        (REFERENCE, None, create("title", "1", mortgage=[["m"]]), Verdict.FALSE),
        (REFERENCE, None, create("title", "1", item=ITEM), Verdict.UNDECIDABLE),
        (REFERENCE, None, change("title", "1", 2, "close", mortgage="m"), Verdict.TRUE),
        (TRANSITION, None, create("title", "1", status="draft"), Verdict.TRUE),
        (TRANSITION, None, create("title", "1", status="void"), Verdict.FALSE),
        (TRANSITION, None, create("title", "1"), Verdict.FALSE),
        (
            TRANSITION,
            create("title", "1", status="draft"),
            change("title", "1", 2, status="registered"),
            Verdict.TRUE,
        ),
        (
            TRANSITION,
            create("title", "1", status="draft"),
            change("title", "1", 2, status="draft"),
            Verdict.TRUE,
        ),
        (
            TRANSITION,
            create("title", "1", status="draft"),
            change("title", "1", 2, status="void"),
            Verdict.FALSE,
        ),
        (TRANSITION, create("title", "1", status="draft"), change("title", "1", 2), Verdict.FALSE),
        (
            TRANSITION,
            create("title", "1", status="void"),
            change("title", "1", 2, status="draft"),
            Verdict.FALSE,
        ),
        (
            TRANSITION,
            create("title", "1", status="draft"),
            change("title", "1", 2, "close", status="void"),
            Verdict.FALSE,
        ),
        (
            TRANSITION,
            create("title", "1", status="draft"),
            change("title", "1", 2, item=ITEM, status="registered"),
            Verdict.TRUE,
        ),
        (AUTHORISED, None, create("title", "1"), Verdict.TRUE),
    ],
    ids=lambda part: part.kind if isinstance(part, Constraint) else None,
)
def test_a_constraint_answers_true_false_or_undecidable(
    constraint: dict[str, Any], before: Proposal | None, after: Proposal, answer: Verdict
) -> None:
    assert verdict(constraint, after, before) is answer


# ---- What the ledger makes of the answers ----------------------------------------------------------


def test_false_is_refused_whoever_submitted_and_says_which_law(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[IMMUTABLE | {"citation": "Land Act s. 7"}], authority=COURT)
    house.taken(create("estate", "1", deed="a"), by=[COURT], submitter=COURT)
    outcome = house.submit(change("estate", "1", 2, deed="b"), by=[LAND, COURT, TAX])
    refused(
        outcome,
        Violated,
        r"^estate '1' is refused: a rule of the kind immutable does not hold "
        r"\(the-immutable, field deed; Land Act s. 7\)$",
    )
    error = outcome.error
    assert isinstance(error, Violated)
    assert (error.constraint, error.field, error.citation) == ("the-immutable", "deed", "Land Act s. 7")


def test_undecidable_is_taken_here(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[IMMUTABLE, UNIQUE, REFERENCE])
    house.taken(create("estate", "1", item=ITEM))
    house.taken(change("estate", "1", 2, item=ITEM), create("estate", "2", item=ITEM))


def test_what_stood_in_the_clear_cannot_be_hidden_to_be_changed(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[IMMUTABLE])
    house.taken(create("estate", "1", deed="a"))
    refused(house.submit(change("estate", "1", 2, item=ITEM)), Violated, r"is refused: .*\(the-immutable")
    refused(
        house.submit(change("estate", "1", 2, document=ITEM), change("estate", "1", 3, deed="b")),
        Violated,
        r"is refused: .*\(the-immutable",
    )


# ---- unique ----------------------------------------------------------------------------------------

PLOT = rule("unique", fields=["parish", "plot"], citation="Land Act s. 3")


@pytest.fixture
def estates(house: Ledgerhouse) -> Ledgerhouse:
    """A ledger whose register `estate` allows each plot of a parish once."""
    house.define("estate", constraints=[PLOT])
    house.taken(create("estate", "1", parish="A", plot=7))
    return house


def test_what_must_be_unique_is_refused_a_second_time(estates: Ledgerhouse) -> None:
    before = estates.snapshot()
    outcome = estates.submit(create("estate", "2", parish="A", plot=7, owner="x"))
    refused(
        outcome,
        Violated,
        r"estate '2' is refused: it has the same parish, plot as another live record \(the-unique, field parish",
    )
    error = outcome.error
    assert isinstance(error, Violated)
    assert (error.constraint, error.field, error.citation) == ("the-unique", "parish", "Land Act s. 3")
    assert estates.snapshot() == before
    estates.taken(create("estate", "2", parish="A", plot=8), create("estate", "3", parish="B", plot=7))


def test_values_of_other_types_are_other_values(estates: Ledgerhouse) -> None:
    estates.taken(create("estate", "2", parish="A", plot="7"), create("estate", "3", parish="A", plot=[7]))
    estates.taken(create("estate", "4", parish="A", plot=1), create("estate", "5", parish="A", plot=True))


def test_two_forms_of_a_text_are_one_value(estates: Ledgerhouse) -> None:
    estates.taken(create("estate", "2", parish="K\u00e4ina", plot=["\u00e9", 1]))
    same = create("estate", "3", parish="Ka\u0308ina", plot=["e\u0301", 1])
    refused(estates.submit(same), Violated, "has the same parish, plot")


def test_texts_that_could_be_no_names_are_compared_as_they_are(estates: Ledgerhouse) -> None:
    estates.taken(
        create("estate", "2", parish="two\nlines", plot=1),
        create("estate", "3", parish="two\tcolumns", plot=1),
    )
    estates.taken(create("estate", "4", parish="", plot=1), create("estate", "5", parish="\u200b", plot=1))
    refused(
        estates.submit(create("estate", "6", parish="two\nlines", plot=1)),
        Violated,
        "has the same parish, plot",
    )


def test_null_is_a_value_like_any_other(estates: Ledgerhouse) -> None:
    estates.taken(create("estate", "2", parish="A", plot=None))
    refused(
        estates.submit(create("estate", "3", parish="A", plot=None)), Violated, "has the same parish, plot"
    )


def test_a_record_without_all_of_the_fields_claims_nothing(estates: Ledgerhouse) -> None:
    estates.taken(
        create("estate", "2", parish="A"), create("estate", "3", parish="A"), create("estate", "4", plot=7)
    )


def test_two_records_of_one_transaction_collide_too(estates: Ledgerhouse) -> None:
    refused(
        estates.submit(create("estate", "2", parish="C", plot=1), create("estate", "3", parish="C", plot=1)),
        Violated,
        "estate '3' is refused: it has the same parish, plot as another live record",
    )


def test_a_record_keeps_what_it_claims_from_version_to_version(estates: Ledgerhouse) -> None:
    estates.taken(change("estate", "1", 2, parish="A", plot=7, owner="y"))
    refused(estates.submit(create("estate", "2", parish="A", plot=7)), Violated, "has the same parish, plot")


@pytest.mark.parametrize(
    "released",
    [
        change("estate", "1", 2, parish="A", plot=9),
        change("estate", "1", 2, "close"),
        change("estate", "1", 2, "annul", parish="A", plot=7),
        change("estate", "1", 2, item=ITEM),
    ],
    ids=["moved", "closed", "annulled", "hidden"],
)
def test_what_a_record_gives_up_is_free_in_the_same_transaction(
    estates: Ledgerhouse, released: Proposal
) -> None:
    estates.taken(create("estate", "2", parish="A", plot=7), released)
    refused(estates.submit(create("estate", "3", parish="A", plot=7)), Violated, "has the same parish, plot")


def test_two_records_may_swap_within_one_transaction(estates: Ledgerhouse) -> None:
    estates.taken(create("estate", "2", parish="A", plot=8))
    estates.taken(change("estate", "1", 2, parish="A", plot=8), change("estate", "2", 2, parish="A", plot=7))
    refused(estates.submit(create("estate", "3", parish="A", plot=7)), Violated, "has the same parish, plot")
    refused(estates.submit(create("estate", "3", parish="A", plot=8)), Violated, "has the same parish, plot")


def test_the_state_after_the_whole_transaction_counts(estates: Ledgerhouse) -> None:
    passing = [change("estate", "2", 2, parish="C", plot=1)]
    estates.taken(
        create("estate", "2", parish="A", plot=7), *passing
    )  # version 1 collides, version 2 does not
    refused(
        estates.submit(
            change("estate", "2", 3, parish="D", plot=1), change("estate", "2", 4, parish="A", plot=7)
        ),
        Violated,
        "has the same parish, plot",
    )


def test_the_same_values_in_another_register_do_not_collide(estates: Ledgerhouse) -> None:
    estates.define("other", constraints=[PLOT])
    estates.taken(create("other", "1", parish="A", plot=7))


# ---- immutable and transition ----------------------------------------------------------------------


def test_every_version_in_a_transaction_is_compared_with_the_one_before_it(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[IMMUTABLE])
    house.taken(create("estate", "1", deed="a"))
    refused(
        house.submit(change("estate", "1", 2, deed="b"), change("estate", "1", 3, deed="a")),
        Violated,
        r"is refused: .*\(the-immutable",
    )
    refused(
        house.submit(create("estate", "2", deed="a"), change("estate", "2", 2, deed="b")),
        Violated,
        "the-immutable",
    )
    house.taken(change("estate", "1", 2, deed="a", owner="x"), change("estate", "1", 3, "close"))


def test_every_step_of_a_status_is_one_that_is_allowed(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[TRANSITION])
    steps = ["draft", "registered", "draft", "registered", "void"]
    house.taken(
        create("estate", "1", status="draft"),
        *[change("estate", "1", n, status=s) for n, s in enumerate(steps[1:], 2)],
    )
    refused(
        house.submit(create("estate", "2", status="draft"), change("estate", "2", 2, status="void")),
        Violated,
        r"estate '2' is refused: .* \(the-transition, field status\)",
    )
    refused(
        house.submit(create("estate", "2", status="void"), change("estate", "2", 2, status="draft")),
        Violated,
        "the-transition",
    )


def test_a_record_that_ends_ends_by_an_allowed_step(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[TRANSITION])
    house.taken(create("estate", "1", status="draft"), create("estate", "2", status="draft"))
    refused(
        house.submit(change("estate", "1", 2, "close", status="void")),
        Violated,
        r"is refused: .*\(the-transition",
    )
    refused(house.submit(change("estate", "1", 2, "close")), Violated, r"is refused: .*\(the-transition")
    house.taken(
        change("estate", "1", 2, "close", status="registered"),
        change("estate", "2", 2, "annul", status="draft"),
    )
    house.taken(change("estate", "1", 3, "erase", status="registered"))


def test_an_older_record_without_a_status_takes_a_step_from_none(house: Ledgerhouse) -> None:
    house.taken(create("title", "1"))
    step = TRANSITION | {"transitions": {"": ["registered"]}}
    fields = {"title": "t", "authority": LAND, "constraints": [step]}
    house.taken(change(".register", "title", 2, body={"fields": fields}))
    refused(
        house.submit(change("title", "1", 2, status="draft")), Violated, r"is refused: .*\(the-transition"
    )
    house.taken(change("title", "1", 2))
    house.taken(change("title", "1", 3, status="registered"))


# ---- reference -------------------------------------------------------------------------------------


@pytest.fixture
def mortgages(house: Ledgerhouse) -> Ledgerhouse:
    """A ledger whose register `estate` names mortgages, which must be live and in force."""
    house.define("mortgage")
    house.define("estate", constraints=[REFERENCE | {"status": ["in force", "due"]}])
    return house


def test_a_reference_names_a_live_record_in_a_required_status(mortgages: Ledgerhouse) -> None:
    mortgages.taken(
        *[create("mortgage", name, status=name) for name in ("in force", "due", "paid")],
        create("mortgage", "unsaid"),
        create("mortgage", "closed", status="due"),
        change("mortgage", "closed", 2, "close", status="due"),
    )
    mortgages.taken(
        create("estate", "1", mortgage="in force"), create("estate", "2", mortgage=["due", "in force"])
    )
    for name in ("paid", "unsaid", "closed", "nothing", ""):
        refused(
            mortgages.submit(create("estate", "3", mortgage=name)), Violated, r"is refused: .*\(the-reference"
        )
        refused(
            mortgages.submit(create("estate", "3", mortgage=["due", name])),
            Violated,
            r"is refused: .*\(the-reference",
        )


def test_without_a_required_status_any_live_record_will_do(house: Ledgerhouse) -> None:
    house.define("mortgage")
    house.define("estate", constraints=[REFERENCE])
    house.taken(create("mortgage", "1"), create("mortgage", "2", status="paid"))
    house.taken(create("estate", "1", mortgage=["1", "2"]))
    house.taken(change("mortgage", "1", 2, "annul"))
    refused(house.submit(change("estate", "1", 2, mortgage="1")), Violated, r"is refused: .*\(the-reference")


def test_an_erased_record_that_had_ended_is_not_live(house: Ledgerhouse) -> None:
    house.define("mortgage")
    house.define("estate", constraints=[REFERENCE])
    house.taken(create("mortgage", "1"), change("mortgage", "1", 2, "close"))
    house.taken(change("mortgage", "1", 3, "erase"))
    refused(house.submit(create("estate", "1", mortgage="1")), Violated, r"is refused: .*\(the-reference")


def test_a_reference_is_judged_after_the_whole_transaction(mortgages: Ledgerhouse) -> None:
    mortgages.taken(create("estate", "1", mortgage="m"), create("mortgage", "m", status="in force"))
    refused(
        mortgages.submit(
            create("estate", "2", mortgage="m"), change("mortgage", "m", 2, "close", status="in force")
        ),
        Violated,
        r"estate '2' is refused: .*\(the-reference",
    )
    mortgages.taken(
        create("estate", "2", mortgage="m"),
        change("estate", "2", 2),
        change("mortgage", "m", 2, "close", status="due"),
    )


def test_a_record_that_ends_need_not_name_live_ones(mortgages: Ledgerhouse) -> None:
    mortgages.taken(create("estate", "1", mortgage="m"), create("mortgage", "m", status="in force"))
    mortgages.taken(change("mortgage", "m", 2, "close", status="paid"))
    refused(
        mortgages.submit(change("estate", "1", 2, mortgage="m")), Violated, r"is refused: .*\(the-reference"
    )
    mortgages.taken(change("estate", "1", 2, "close", mortgage="m"))


# ---- Declarations ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("constraint", "saying"),
    [
        (
            rule("total", fields=["share"]),
            "constraint kind 'total' is not known; there are authorised-by, blocked-by, eff",
        ),
        (rule("unique"), "constraint 'the-unique' of kind unique needs 'fields'"),
        (rule("immutable", fields=[]), "needs 'fields'"),
        (rule("reference", fields=["a"]), "needs 'register'"),
        (rule("reference", register="a"), "needs 'fields'"),
        (rule("transition", transitions={"a": ["b"]}), "needs 'initial'"),
        (rule("authorised-by"), "needs 'policy'"),
        (rule("authorised-by", policy="court"), "'court' is no signer"),
        (rule("authorised-by", policy=agency(COURT), operations=["ammend"]), "names the operation 'ammend'"),
        (rule("unique", fields=["a"]) | {"name": ""}, "needs a name"),
        (rule("unique", fields=["a"]) | {"name": "a\n"}, "needs a name"),
        (rule("unique", fields="a"), "is not in form: Expected `array`"),
        (rule("unique", fields=["a"], fiels=["b"]), "is not in form: Object contains unknown field `fiels`"),
        ({"kind": "unique", "fields": ["a"]}, "is not in form: Object missing required field `name`"),
    ],
    ids=str,
)
def test_a_constraint_is_of_a_known_kind_and_whole(
    house: Ledgerhouse, constraint: dict[str, Any], saying: str
) -> None:
    fields = {"title": "t", "authority": LAND, "constraints": [constraint]}
    refused(house.submit(create(".register", "estate", body={"fields": fields})), Malformed, saying)


def test_two_constraints_have_two_names(house: Ledgerhouse) -> None:
    fields = {"title": "t", "authority": LAND, "constraints": [UNIQUE, IMMUTABLE | {"name": "the-unique"}]}
    refused(
        house.submit(create(".register", "estate", body={"fields": fields})),
        Malformed,
        "gives two constraints the same name",
    )


def test_a_constraint_that_comes_later_judges_what_comes_after_it(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", deed="a"))
    fields = {"title": "t", "authority": LAND, "constraints": [IMMUTABLE]}
    house.taken(change(".register", "title", 2, body={"fields": fields}), change("title", "1", 2, deed="b"))
    assert house.submit(change("title", "1", 3, deed="c")).standing is Standing.REFUSED


def test_uniqueness_compares_text_in_its_normal_form(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[rule("unique", fields=["owner"])])
    house.taken(create("estate", "1", owner="Ren\u00e9"))
    refused(
        house.submit(create("estate", "2", owner="Rene\u0301")),
        Violated,
        "has the same owner as another live record",
    )
    listed = ["Ren\u00e9", "x"]
    house.taken(create("estate", "3", owner=listed))
    refused(house.submit(create("estate", "4", owner=["Rene\u0301", "x"])), Violated, "has the same owner")


@pytest.mark.parametrize("content", ["item", "document"])
def test_erasing_brings_no_new_content(house: Ledgerhouse, content: str) -> None:
    house.define("estate")
    house.taken(create("estate", "1", deed="a"), change("estate", "1", 2, "close", deed="a"))
    erasure = change("estate", "1", 3, "erase", deed="a", **{content: ITEM})
    refused(house.submit(erasure), Violated, "names no content that was not there")
