"""Two submitters whose changes are each legal on the state that both looked at: in one block, the second is refused."""

from __future__ import annotations

import pytest

from counterfoil.engine.submission import Receipt
from counterfoil.errors import Conflict, Violated
from counterfoil.ledger.command import Standing
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.registrar import Terms
from tests.ledger_fixture import DAY
from tests.office.changes import HOLDER, birth, charge, company, death, marriage, person, sale, title
from tests.office.house import CLERK, House, submission

MARI, JAAN, OTT = "P-000001", "P-000002", "P-000009"


@pytest.mark.parametrize(
    ("first", "second", "constraint"),
    [
        (
            marriage("13/2026/1", MARI, JAAN, "2026-11-03"),
            marriage("13/2026/2", MARI, OTT, "2026-11-03"),
            "not-married-or-dead",
        ),
        (
            marriage("13/2026/2", MARI, JAAN, "2026-11-03"),
            death("13/2026/1", JAAN, "2026-11-03"),
            "dies-once",
        ),
    ],
    ids=["two marriages", "marriage, then death"],
)
def test_what_one_claims_the_other_cannot(
    town: House, first: Change, second: Change, constraint: str
) -> None:
    done, refused = town.in_one_block([first], [second])
    assert isinstance(done, Receipt)
    assert done.standing is Standing.TAKEN
    assert isinstance(refused, Violated)
    assert refused.constraint == constraint
    assert town.node.record(second.register, town.record(second.register, key_of(second))) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (death("13/2026/1", JAAN, "2026-11-03"), death("13/2026/2", JAAN, "2026-11-03")),
        (death("13/2026/1", JAAN, "2026-11-03"), marriage("13/2026/2", MARI, JAAN, "2026-11-03")),
        (death("13/2026/1", JAAN, "2026-11-03"), company("C-1", directors=[JAAN])),
        (death("13/2026/1", MARI, "2026-11-02"), birth("13/2026/2", "P-000020", "2026-11-03", mother=MARI)),
        (person("P-000010", "1990", "Saar", "Tiiu"), person("P-000010", "1991", "Saar", "Tiia")),
        (company("C-1", directors=[MARI], name="Mill"), company("C-1", directors=[MARI], name="Hill")),
    ],
    ids=[
        "two deaths",
        "death of a spouse",
        "death of a director",
        "death of a parent",
        "one number",
        "one company",
    ],
)
def test_what_one_relied_on_the_other_has_changed(town: House, first: Change, second: Change) -> None:
    done, refused = town.in_one_block([first], [second])
    assert isinstance(done, Receipt)
    assert done.standing is Standing.TAKEN
    assert isinstance(refused, Conflict)


def test_a_charge_and_a_company_name_are_judged_by_every_node(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}))
    one, other = charge("M-1", "mortgage", "T-1"), charge("M-2", "mortgage", "T-1")
    for pair, constraint in (
        (([one], [other]), "one-charge-of-a-rank"),
        (
            (
                [company("C-1", directors=[MARI], name="Mill")],
                [company("C-2", directors=[MARI], name="Mill")],
            ),
            "one-company-of-a-name",
        ),
    ):
        done, refused = town.in_one_block(*pair)
        assert isinstance(done, Receipt)
        assert isinstance(refused, Violated)
        assert refused.constraint == constraint


# ---- Two sales of one title -------------------------------------------------------------------------


def sales(house: House) -> list[str]:
    """Two transfers of one title, prepared on one state, announced in one block and agreed to by the holder."""
    prepared = [
        house.office.registrar.prepare(
            [sale(house, "T-1", MARI, buyer, "1", {buyer: "1"})],
            CLERK,
            None,
            Terms(not_before=house.later(14)),
        )
        for buyer in (OTT, JAAN)
    ]
    announced = house.node.submit_all([submission(each.submission) for each in prepared])
    hashes = []
    for each in announced:
        assert isinstance(each, Receipt)
        assert each.standing is Standing.PENDING
        house.node.endorse(each.transaction, HOLDER)
        hashes.append(each.transaction)
    return hashes


def test_of_two_transfers_of_one_title_in_one_block_one_takes_effect(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}))
    waiting = sales(town)
    town.clock.now += 14 * DAY
    town.taken(title("T-9", {OTT: "1"}))  # the block in which both become due
    standing = sorted(str(status(town, each)) for each in waiting)
    assert standing == ["completed", "refused"]
    assert town.latest("land-title", "T-1").version == 2


def test_a_mortgage_that_comes_before_the_sale_in_the_block_stops_it(town: House) -> None:
    town.taken(title("T-1", {MARI: "1"}))
    first, second = sales(town)
    town.clock.now += 13 * DAY
    town.taken(charge("M-1", "mortgage", "T-1"))
    town.clock.now += DAY
    town.taken(title("T-9", {OTT: "1"}))
    assert (status(town, first), status(town, second)) == ("refused", "refused")


def status(house: House, transaction: str) -> str | None:
    told = house.node.record(".transaction", transaction)
    assert told is not None
    return told.status


def key_of(change: Change) -> str:
    key = change.fields["entry-number"]
    assert isinstance(key, str)
    return key
