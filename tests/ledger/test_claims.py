"""Claims and references in the clear: given, kept, released, swapped; at most one live record holds a claim."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed, Violated
from counterfoil.ledger.content import MAX_CLAIMS
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Claim, Reference
from counterfoil.proof.index import record_key
from tests.ledger_fixture import LAND, Ledgerhouse, change, claim, create, key, refused

MARRIED, TWIN = claim("married", "pseudonym 1"), claim("married", "pseudonym 2")


# ---- Claims ----------------------------------------------------------------------------------------


def test_a_claim_is_held_by_the_record_that_states_it(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", claims=(MARRIED, TWIN)))
    assert house.holds(MARRIED) == house.holds(TWIN) == ("title", "1")


def test_what_a_live_record_holds_no_other_may_claim(house: Ledgerhouse) -> None:
    house.define("marriage", scopes=["civil"])
    house.taken(create("title", "1", claims=(MARRIED,)))
    before = house.snapshot()
    for register in ("title", "marriage"):
        refused(
            house.submit(create(register, "2", claims=(TWIN, MARRIED))),
            Violated,
            f"^{register} '2' is refused: it claims what another live record holds$",
        )
    assert house.snapshot() == before


def test_a_register_claims_in_no_scope_that_its_definition_does_not_list(house: Ledgerhouse) -> None:
    house.define("gossip")
    before = house.snapshot()
    for scope in ("civil", "unique:title", "unique:gossip"):
        refused(
            house.submit(create("gossip", "1", claims=(claim("dead", "pseudonym 1", scope),))),
            Violated,
            f"^gossip '1' claims 'dead' in the scope '{scope}', which its register's definition does not provide for$",
        )
    assert house.snapshot() == before


def test_scope_name_and_digest_make_a_claim(house: Ledgerhouse) -> None:
    house.taken(
        create("title", "1", claims=(claim("married", "x"),)),
        create("title", "2", claims=(claim("dead", "x"),)),
        create("title", "3", claims=(claim("married", "y"),)),
        create("title", "4", claims=(claim("married", "x", scope="church"),)),
    )


def test_names_that_run_together_are_not_one_name(house: Ledgerhouse) -> None:
    value = digest(b"x")
    house.define("word", scopes=["ab", "a", 'a","b'])
    house.taken(
        create("word", "1", claims=(Claim("ab", "c", value),)),
        create("word", "2", claims=(Claim("a", "bc", value),)),
        create("word", "3", claims=(Claim('a","b', "c", value),)),
    )


def test_what_a_version_does_not_repeat_is_released(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", claims=(MARRIED, TWIN)))
    house.taken(change("title", "1", 2, claims=(TWIN,)))
    assert (house.holds(MARRIED), house.holds(TWIN)) == (None, ("title", "1"))
    house.taken(create("title", "2", claims=(MARRIED,)))
    house.taken(change("title", "1", 3))
    assert house.holds(TWIN) is None


def test_the_same_claim_stated_twice_is_one(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", claims=(MARRIED, MARRIED)))
    house.taken(change("title", "1", 2))
    assert house.holds(MARRIED) is None


@pytest.mark.parametrize("ending", ["close", "annul"])
@pytest.mark.parametrize("stated", [(), (MARRIED,)], ids=["left out", "repeated"])
def test_a_record_that_ends_releases_all(house: Ledgerhouse, ending: str, stated: tuple[Claim, ...]) -> None:
    house.taken(create("title", "1", claims=(MARRIED,)))
    house.taken(change("title", "1", 2, ending, claims=stated))
    assert house.holds(MARRIED) is None
    house.taken(create("title", "2", claims=(MARRIED,)))
    house.taken(change("title", "1", 3, "erase", claims=stated))
    assert house.holds(MARRIED) == ("title", "2")


def test_an_erasure_keeps_the_claims_of_a_live_record(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", claims=(MARRIED,), item=digest(b"fields")))
    house.taken(change("title", "1", 2, "erase", claims=(MARRIED,)))
    assert house.holds(MARRIED) == ("title", "1")


def test_claims_are_judged_after_the_whole_transaction(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", claims=(MARRIED,)), create("title", "2", claims=(TWIN,)))
    house.taken(change("title", "1", 2, claims=(TWIN,)), change("title", "2", 2, claims=(MARRIED,)))
    assert (house.holds(MARRIED), house.holds(TWIN)) == (("title", "2"), ("title", "1"))
    house.taken(create("title", "3", claims=(TWIN,)), change("title", "1", 3))
    assert house.holds(TWIN) == ("title", "3")
    refused(
        house.submit(
            create("title", "4", claims=(claim("x", "1"),)), create("title", "5", claims=(claim("x", "1"),))
        ),
        Violated,
        "title '5' is refused: it claims what another live record holds",
    )


def test_a_claim_may_pass_from_hand_to_hand_within_a_block(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", claims=(MARRIED,)))
    outcomes = house.send(
        house.transaction(change("title", "1", 2)),
        house.transaction(create("title", "2", claims=(MARRIED,))),
        house.transaction(create("title", "3", claims=(MARRIED,))),
        house.transaction(change("title", "2", 2)),
        house.transaction(change("title", "1", 3, claims=(MARRIED,))),
    )
    assert [each.standing.value for each in outcomes] == ["taken", "taken", "refused", "taken", "taken"]
    assert house.holds(MARRIED) == ("title", "1")


def test_claims_in_an_append_register_are_those_of_its_latest_entry(house: Ledgerhouse) -> None:
    house.define("access", append=True, scopes=["civil"])
    house.taken(change("access", "p", None, claims=(MARRIED,)), change("access", "p", None, claims=(TWIN,)))
    assert (house.holds(MARRIED), house.holds(TWIN)) == (None, ("access", "p"))
    house.taken(change("access", "p", None))
    assert house.holds(TWIN) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        Claim("", "n", digest(b"")),
        Claim("s", "", digest(b"")),
        Claim("s", "n" * 256, digest(b"")),
        Claim("s\n", "n", digest(b"")),
        Claim("s", "e\u0301", digest(b"")),
        Claim("s", "n", "x"),
        Claim("s", "n", ""),
    ],
    ids=repr,
)
def test_a_claim_has_names_and_a_digest(house: Ledgerhouse, spoilt: Claim) -> None:
    refused(house.submit(create("title", "1", claims=(spoilt,))), Malformed, "is no name|is not a hash")


def test_the_number_of_claims_and_references_ends_somewhere(house: Ledgerhouse) -> None:
    claims = tuple(claim("n", str(number)) for number in range(MAX_CLAIMS + 1))
    references = tuple(Reference("r", "title", str(number)) for number in range(MAX_CLAIMS + 1))
    house.taken(create("title", "1", claims=claims[:-1], references=references[:-1]))
    for too_many in ({"claims": claims}, {"references": references}):
        content: dict[str, Any] = dict(too_many)
        refused(
            house.submit(create("title", "2", **content)), Malformed, "at most 64 claims and 64 references"
        )


# ---- References ------------------------------------------------------------------------------------


def pointing(house: Ledgerhouse) -> set[tuple[str, str, str]]:
    """The references that stand: (source, role, target), as far as they are between titles."""
    names = {record_key("title", name): name for name in "123"}
    rows = house.store.database.query("SELECT target, role, source FROM reference")
    return {(names[bytes(source)], role, names[bytes(target)]) for target, role, source in rows}


def to(record: str, role: str = "of") -> Reference:
    return Reference(role, "title", record)


def test_references_stand_as_long_as_they_are_repeated(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", references=(to("2"), to("3"), to("3", "with"))))
    assert pointing(house) == {("1", "of", "2"), ("1", "of", "3"), ("1", "with", "3")}
    house.taken(
        change("title", "1", 2, references=(to("3"), to("2", "with"))),
        create("title", "2", references=(to("1"),)),
    )
    assert pointing(house) == {("1", "of", "3"), ("1", "with", "2"), ("2", "of", "1")}
    house.taken(change("title", "1", 3))
    assert pointing(house) == {("2", "of", "1")}


@pytest.mark.parametrize("stated", [(), (to("2"),)], ids=["left out", "repeated"])
def test_a_record_that_ends_points_nowhere(house: Ledgerhouse, stated: tuple[Reference, ...]) -> None:
    house.taken(create("title", "1", references=(to("2"),)))
    house.taken(change("title", "1", 2, "close", references=stated))
    assert pointing(house) == set()
    house.taken(change("title", "1", 3, "erase", references=stated))
    assert pointing(house) == set()


def test_a_reference_may_go_and_come_back_within_a_block(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", references=(to("2"),)))
    outcomes = house.send(
        house.transaction(change("title", "1", 2)),
        house.transaction(change("title", "1", 3, references=(to("2"), to("3")))),
        house.transaction(change("title", "1", 4, references=(to("2"),))),
    )
    assert [each.standing.value for each in outcomes] == ["taken"] * 3
    assert pointing(house) == {("1", "of", "2")}


def test_a_refusal_between_them_disturbs_no_reference(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", references=(to("2"),)))
    outcomes = house.send(
        house.transaction(change("title", "1", 2, references=(to("3"),))),
        house.transaction(change("title", "1", 3, references=(to("2"),)), change("title", "2", 9)),
        house.transaction(change("title", "1", 3, references=(to("3"), to("2")))),
        house.transaction(
            change("title", "1", 4, references=(to("2"),)), create("title", "3"), by=[LAND, key("x")]
        ),
    )
    assert [each.standing.value for each in outcomes] == ["taken", "refused", "taken", "taken"]
    assert pointing(house) == {("1", "of", "2")}


@pytest.mark.parametrize(
    "spoilt", [Reference("", "r", "1"), Reference("a", "", "1"), Reference("a", "r", "\n")], ids=repr
)
def test_a_reference_has_names(house: Ledgerhouse, spoilt: Reference) -> None:
    refused(
        house.submit(create("title", "1", references=(spoilt,))),
        Malformed,
        "in a claim or reference is no name",
    )
