"""Endorsement policies: the register's, a record's own, thresholds and quorums, and which keys count."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed, Unauthorised, Violated
from counterfoil.ledger.ledger import Standing
from counterfoil.proof.entry import Proposal
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import Endorsement, Transaction, endorse
from tests.ledger_fixture import (
    COURT,
    DAY,
    LAND,
    TAX,
    Ledgerhouse,
    agency,
    change,
    create,
    holder,
    key,
    of,
    refused,
)


def standing(house: Ledgerhouse, *proposals: Proposal, by: Any = (LAND,), **how: Any) -> Standing:
    return house.submit(*proposals, by=by, **how).standing


# ---- Who submits -----------------------------------------------------------------------------------


def test_a_transaction_needs_its_submitter_who_must_be_a_member(house: Ledgerhouse) -> None:
    before = house.snapshot()
    for submitter, by in [
        (LAND, []),
        (LAND, [COURT]),
        ("EE/GOV/NOBODY", [LAND]),
        ("", [LAND]),
        ("\u0000", [LAND]),
    ]:
        refused(
            house.submit(create("title", "1"), submitter=submitter, by=by),
            Unauthorised,
            "submits this transaction, but no member of that name endorsed it",
        )
    assert house.snapshot() == before


def test_a_signature_that_does_not_hold_refuses_the_whole(house: Ledgerhouse) -> None:
    good = house.transaction(create("title", "1"), by=[LAND, COURT])
    other = house.transaction(create("title", "2"), by=[COURT])
    foreign = good.endorsed([good.endorsements[0], other.endorsements[0]])
    refused(
        house.send(foreign)[0],
        Unauthorised,
        "an endorsement by 'ed25519:.*' does not hold: this is not the signature",
    )
    assert house.send(good)[0].standing is Standing.TAKEN


@pytest.mark.parametrize(
    "endorsement",
    [
        Endorsement("", ""),
        Endorsement("ed25519:AAAA", "AAAA"),
        Endorsement(key(COURT).public.text, "AAAA"),
        Endorsement(key(COURT).public.text, "\ud800"),
        Endorsement("\ud800", "AAAA"),
        Endorsement("rot13:" + "A" * 43, "A" * 86),
        Endorsement("x" * 100_000, "x" * 100_000),
    ],
    ids=lambda each: repr(each)[:60],
)
def test_what_is_no_endorsement_refuses_the_whole(house: Ledgerhouse, endorsement: Endorsement) -> None:
    good = house.transaction(create("title", "1"))
    refused(
        house.send(good.endorsed([*good.endorsements, endorsement]))[0],
        Unauthorised,
        "^an endorsement by '.*' does not hold",
    )


def test_one_signature_endorses_a_thousand_proposals(house: Ledgerhouse) -> None:
    transaction = house.transaction(*[create("title", str(number)) for number in range(1_000)])
    assert len(transaction.endorsements) == 1
    assert house.send(transaction)[0].count == 1_000


def test_ml_dsa_endorses_as_well(house: Ledgerhouse) -> None:
    quantum = key("quantum", "ml-dsa-44")
    body = {"name": "Land", "endorse": [quantum.public.text]}
    house.taken(change(".agency", LAND, 2, body={"fields": body}))
    house.taken(create("title", "1"), by=[quantum])
    refused(house.submit(create("title", "2")), Unauthorised, "no member of that name endorsed it")


# ---- The register's policy -------------------------------------------------------------------------


def test_without_a_policy_the_authority_endorses(house: Ledgerhouse) -> None:
    house.define("verdict", authority=COURT)
    assert standing(house, create("verdict", "1"), by=[LAND]) is Standing.PENDING
    assert standing(house, create("verdict", "2"), by=[LAND, COURT]) is Standing.TAKEN
    assert standing(house, create("verdict", "3"), by=[COURT], submitter=COURT) is Standing.TAKEN


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ([LAND], Standing.PENDING),
        ([LAND, "clerk"], Standing.PENDING),
        ([LAND, COURT], Standing.TAKEN),
        ([LAND, TAX, COURT], Standing.TAKEN),
        ([LAND, TAX], Standing.PENDING),
        ([LAND, TAX, "clerk"], Standing.TAKEN),
    ],
)
def test_thresholds_and_quorums(house: Ledgerhouse, by: list[str], expected: Standing) -> None:
    house.define(
        "joint", policy=of(2, agency(LAND), of(1, agency(COURT), of(2, agency(TAX), holder("clerk"))))
    )
    assert standing(house, create("joint", "1"), by=by) is expected


def test_a_signature_by_a_key_is_not_that_of_an_agency_and_the_other_way_round(house: Ledgerhouse) -> None:
    house.define("named", policy=of(1, agency("EE/GOV/NOBODY"), holder(COURT)))
    assert standing(house, create("named", "1"), by=[LAND]) is Standing.PENDING
    assert standing(house, create("named", "2"), by=[LAND, COURT]) is Standing.TAKEN


def test_each_register_of_a_transaction_has_its_say(house: Ledgerhouse) -> None:
    house.define("verdict", authority=COURT)
    both = [create("title", "1"), create("verdict", "1")]
    assert standing(house, *both, by=[LAND]) is Standing.PENDING
    assert standing(house, *both, by=[COURT], submitter=COURT) is Standing.PENDING
    assert standing(house, *both, by=[LAND, COURT]) is Standing.TAKEN


def test_a_key_endorses_a_transaction_once(house: Ledgerhouse) -> None:
    transaction = house.transaction(create("title", "1"), by=[LAND, LAND])
    refused(house.send(transaction)[0], Malformed, "a key endorses a transaction once")


# ---- A record's own control ------------------------------------------------------------------------


def test_control_governs_the_next_change_and_is_stated_anew_each_time(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", control=holder("deed 1")))
    assert standing(house, change("title", "1", 2, owner="x")) is Standing.PENDING
    house.taken(change("title", "1", 2, owner="x", control=holder("deed 2")), by=[LAND, "deed 1"])
    assert standing(house, change("title", "1", 3, owner="y"), by=[LAND, "deed 1"]) is Standing.PENDING
    house.taken(change("title", "1", 3, owner="y"), by=[LAND, "deed 2"])
    house.taken(change("title", "1", 4, owner="z"))


def test_control_comes_on_top_of_the_registers_policy(house: Ledgerhouse) -> None:
    house.define("verdict", authority=COURT)
    house.taken(create("verdict", "1", control=holder("deed")), by=[COURT], submitter=COURT)
    assert standing(house, change("verdict", "1", 2), by=[LAND, "deed"]) is Standing.PENDING
    house.taken(change("verdict", "1", 2), by=[COURT, "deed"], submitter=COURT)


def test_control_may_be_a_quorum(house: Ledgerhouse) -> None:
    house.taken(create("title", "1", control=of(1, holder("deed"), of(2, agency(COURT), agency(TAX)))))
    assert standing(house, change("title", "1", 2), by=[LAND, COURT]) is Standing.PENDING
    assert standing(house, change("title", "1", 2), by=[LAND, COURT, TAX]) is Standing.TAKEN


@pytest.mark.parametrize("operation", ["amend", "correct", "close", "annul", "erase"])
def test_control_governs_every_operation(house: Ledgerhouse, operation: str) -> None:
    deed = holder("deed")
    house.taken(create("title", "1", control=deed))
    assert standing(house, change("title", "1", 2, operation, control=deed)) is Standing.PENDING
    assert (
        standing(house, change("title", "1", 2, operation, control=deed), by=[LAND, "deed"]) is Standing.TAKEN
    )


def test_each_version_in_a_transaction_is_governed_by_the_one_before_it(house: Ledgerhouse) -> None:
    steps = [create("title", "1", control=holder("a")), change("title", "1", 2, control=holder("b"))]
    assert standing(house, *steps) is Standing.PENDING
    assert standing(house, *steps, by=[LAND, "b"]) is Standing.PENDING
    assert standing(house, *steps, by=[LAND, "a"]) is Standing.TAKEN
    more = [change("title", "1", 3, control=holder("c")), change("title", "1", 4), change("title", "1", 5)]
    assert standing(house, *more, by=[LAND, "b"]) is Standing.PENDING
    assert standing(house, *more, by=[LAND, "b", "c"]) is Standing.TAKEN


def test_in_an_append_register_control_governs_the_next_entry(house: Ledgerhouse) -> None:
    house.define("access", append=True)
    house.taken(change("access", "p", None, control=holder("deed")))
    assert standing(house, change("access", "p", None)) is Standing.PENDING
    house.taken(change("access", "p", None), by=[LAND, "deed"])
    house.taken(change("access", "p", None))


@pytest.mark.parametrize("control", ["deed", "", {}, of(2, "key:x"), of(0), ["key:x"], 7, True])
def test_control_that_is_no_policy_is_malformed(house: Ledgerhouse, control: Any) -> None:
    refused(house.submit(create("title", "1", control=control)), Malformed, "policy|no signer|no public key")
    refused(
        house.submit(create("title", "1", control=control), change("title", "1", 2)),
        Malformed,
        "policy|signer|public key",
    )


def test_a_policy_nested_without_end_is_malformed(house: Ledgerhouse) -> None:
    policy: Any = holder("deed")
    for _ in range(100):
        policy = of(1, policy)
    refused(
        house.submit(create("title", "1", control=policy)), Malformed, "policy is nested more than 8 deep"
    )
    deeper: Any = policy
    for _ in range(10_000):
        deeper = of(1, deeper)
    whole = house.transaction(create("title", "1"))
    spoilt = Transaction(whole.header, [create("title", "1", control=deeper)], whole.endorsements)
    refused(house.send(spoilt)[0], Malformed, "cannot be written as JSON")


# ---- Recovery --------------------------------------------------------------------------------------


def test_the_quorum_that_a_definition_names_stands_in_for_a_lost_key(house: Ledgerhouse) -> None:
    house.define("estate", recovery=of(2, agency(COURT), agency(TAX)))
    house.taken(create("estate", "1", control=holder("deed")))
    assert standing(house, change("estate", "1", 2), by=[LAND, COURT]) is Standing.PENDING
    assert standing(house, change("estate", "1", 2), by=[COURT, TAX], submitter=COURT) is Standing.PENDING
    house.taken(change("estate", "1", 2, control=holder("new deed")), by=[LAND, COURT, TAX])
    assert standing(house, change("estate", "1", 3), by=[LAND, "deed"]) is Standing.PENDING
    house.taken(change("estate", "1", 3), by=[LAND, "new deed"])


def test_recovery_asks_nothing_where_there_is_no_control(house: Ledgerhouse) -> None:
    house.define("estate", recovery=agency(COURT))
    house.taken(create("estate", "1"))
    house.taken(change("estate", "1", 2))


# ---- `authorised-by` -------------------------------------------------------------------------------


def test_a_constraint_may_ask_for_endorsements_of_its_own(house: Ledgerhouse) -> None:
    rule = {
        "kind": "authorised-by",
        "name": "judge",
        "policy": agency(COURT),
        "operations": ["annul", "correct"],
    }
    house.define("estate", constraints=[rule])
    house.taken(create("estate", "1"), change("estate", "1", 2))
    assert standing(house, change("estate", "1", 3, "correct")) is Standing.PENDING
    house.taken(change("estate", "1", 3, "correct"), by=[LAND, COURT])
    assert standing(house, change("estate", "1", 4), change("estate", "1", 5, "annul")) is Standing.PENDING
    house.taken(change("estate", "1", 4), change("estate", "1", 5, "annul"), by=[LAND, COURT])


def test_without_operations_it_asks_at_each(house: Ledgerhouse) -> None:
    house.define("estate", constraints=[{"kind": "authorised-by", "name": "judge", "policy": agency(COURT)}])
    assert standing(house, create("estate", "1")) is Standing.PENDING
    house.taken(create("estate", "1"), by=[LAND, COURT])


# ---- Which keys count ------------------------------------------------------------------------------


def rotate(house: Ledgerhouse, version: int, *names: str, by: Any = (LAND,)) -> None:
    body = {"name": "Land", "endorse": [key(name).public.text for name in names]}
    house.taken(change(".agency", LAND, version, body={"fields": body}), by=by)


def test_an_agency_has_the_keys_that_its_latest_entry_lists(house: Ledgerhouse) -> None:
    rotate(house, 2, LAND, "spare")
    house.taken(create("title", "1"), by=["spare"])
    rotate(house, 3, "spare")
    refused(house.submit(create("title", "2"), by=[LAND]), Unauthorised, "no member of that name endorsed it")
    house.taken(create("title", "2"), by=["spare"])


def test_keys_count_as_they_were_before_the_transaction(house: Ledgerhouse) -> None:
    body = {"name": "Land", "endorse": [key("spare").public.text]}
    together = [change(".agency", LAND, 2, body={"fields": body}), create("title", "1")]
    refused(house.submit(*together, by=["spare"]), Unauthorised, "no member of that name endorsed it")
    house.taken(*together, by=[LAND])
    house.taken(create("title", "2"), by=["spare"])


def test_keys_that_the_transaction_gives_to_another_agency_do_not_endorse_it(house: Ledgerhouse) -> None:
    house.define("joint", policy=of(2, agency(LAND), agency(COURT)))
    body = {"name": "Court", "endorse": [key("new court").public.text]}
    together = [change(".agency", COURT, 2, body={"fields": body}), create("joint", "1")]
    assert standing(house, *together, by=[LAND, "new court"]) is Standing.PENDING
    house.taken(*together, by=[LAND, COURT])


def test_a_member_that_the_transaction_admits_does_not_endorse_it(house: Ledgerhouse) -> None:
    house.define("joint", policy=of(2, agency(LAND), agency("EE/GOV/NEW")))
    body = {"name": "New", "endorse": [key("EE/GOV/NEW").public.text]}
    together = [create(".agency", "EE/GOV/NEW", body={"fields": body}), create("joint", "1")]
    assert standing(house, *together, by=[LAND, "EE/GOV/NEW"]) is Standing.PENDING
    house.taken(together[0])
    house.taken(together[1], by=[LAND, "EE/GOV/NEW"])


def test_an_agency_that_has_ended_endorses_nothing(house: Ledgerhouse) -> None:
    house.define("joint", policy=of(1, agency(COURT), agency(TAX)))
    house.taken(change(".agency", COURT, 2, "close"))
    assert standing(house, create("joint", "1"), by=[LAND, COURT]) is Standing.PENDING
    refused(
        house.submit(create("joint", "2"), by=[COURT], submitter=COURT),
        Unauthorised,
        "no member of that name",
    )
    assert standing(house, create("joint", "3"), by=[LAND, TAX]) is Standing.TAKEN


def algorithm(name: str, version: int, operation: str = "amend", **fields: str) -> Proposal:
    known = {"use": "signature", "from": "2017-01-01T00:00:00Z", "source": "vote 7"}
    return change(".algorithm", name, version, operation, body={"fields": known | fields})


def test_an_algorithm_is_retired_by_a_record(house: Ledgerhouse) -> None:
    quantum = key("quantum", "ml-dsa-44")
    body = {"name": "Land", "endorse": [key(LAND).public.text, quantum.public.text]}
    house.taken(change(".agency", LAND, 2, body={"fields": body}))
    house.taken(algorithm("ed25519", 2, until="2026-11-24T10:00:00Z"))
    house.pass_time(DAY)
    house.taken(create("title", "1"))
    house.pass_time(1)
    refused(
        house.submit(create("title", "2")), Unauthorised, "with a key of its own whose algorithm counts now"
    )
    house.taken(create("title", "2"), by=[quantum])
    house.taken(create("title", "3"), by=[LAND, quantum])


@pytest.mark.parametrize(
    "record",
    [
        algorithm("ed25519", 2, "close"),
        algorithm("ed25519", 2, use="hash"),
        algorithm("ed25519", 2, **{"from": "2026-11-23T10:00:01Z"}),
    ],
    ids=["closed", "for another use", "not yet"],
)
def test_the_only_algorithm_that_can_govern_is_not_taken_out_of_force(
    house: Ledgerhouse, record: Proposal
) -> None:
    refused(house.submit(record), Violated, "nobody could govern the ledger after this")
    house.taken(create("title", "1"))


def test_keys_of_a_retired_algorithm_do_not_fulfil_control(house: Ledgerhouse) -> None:
    quantum = key("quantum", "ml-dsa-44")
    house.taken(create("title", "1", control=of(1, f"key:{quantum.public.text}", holder("deed"))))
    house.taken(algorithm("ml-dsa-44", 2, until="2026-11-23T10:00:00Z"))
    house.pass_time(1)
    assert standing(house, change("title", "1", 2), by=[LAND, quantum]) is Standing.PENDING
    house.taken(change("title", "1", 2), by=[LAND, "deed"])


def test_a_signature_for_another_purpose_is_no_endorsement(house: Ledgerhouse) -> None:
    transaction = house.transaction(create("title", "1"), by=[])
    signer: SigningKey = key(LAND)
    for domain in (b"withdrawal/v1\n", b""):
        spoilt = transaction.endorsed([endorse(transaction.hash, signer, domain)])
        refused(house.send(spoilt)[0], Unauthorised, "does not hold")
