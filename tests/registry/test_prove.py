"""Proofs made from a real installation, and verified with nothing but its trust file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from counterfoil.errors import Damaged, NotFound, Unavailable
from counterfoil.node import Node
from counterfoil.proof.bundle import Bundle, to_tlog_proof
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.entry import Proposal, decode_entry
from counterfoil.proof.merkle import leaf_hash, verify_inclusion
from counterfoil.proof.note import decode_base64, parse_note
from counterfoil.proof.report import Report
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.registry.prove import prove_absent, prove_entry, prove_inclusion, prove_record

HOME_AGENCY = "EE/GOV/LAND"
COURT = "EE/GOV/COURT"
COURT_KEY = SigningKey("ed25519", bytes(range(32)))
NEW_COURT_KEY = SigningKey("ed25519", bytes(range(1, 33)))
START = 1_795_000_000
GENESIS = 6


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Office:
    """An open installation with the register `land`, and few words for what is done in it."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.node = Node.open(folder, clock=self.clock, origin="ledger.example/land", agency=HOME_AGENCY)
        self.define("land")

    def define(self, register: str, **more: Any) -> None:
        definition = {"title": register, "authority": HOME_AGENCY} | more
        self.node.submit([Proposal(".register", register, "create", 1, body={"fields": definition})])

    def land(self, record: str, version: int, holder: str = "Mari", **more: Any) -> Proposal:
        operation = "create" if version == 1 else "amend"
        return Proposal("land", record, operation, version, body={"fields": {"holder": holder}}, **more)

    def agency(self, name: str, version: int, key: SigningKey) -> None:
        fields = {"name": name, "endorse": [key.public.text]}
        operation = "create" if version == 1 else "amend"
        self.node.submit([Proposal(".agency", name, operation, version, body={"fields": fields})])

    def settle(self) -> None:
        """A second passes, and the log is settled."""
        self.node.settle()
        self.clock.now += 1

    @property
    def trust(self) -> Trust:
        return Trust.parse(self.node.home.trust.read_bytes())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    opened = Office(tmp_path / "home")
    yield opened
    opened.node.close()


def proven(office: Office, bundle: Bundle) -> Report:
    """The report on a bundle in which everything must be shown, with the installation's own trust file."""
    report = verify(bundle.encode(), office.trust)
    assert (report.verdict, report.level) == ("valid", "sealed here")
    assert [step for step in report.steps if step.passed is not True] == []
    return report


def numbers(bundle: Bundle) -> list[int]:
    """The numbers of a bundle's entries."""
    return [decode_entry(text.encode()).number for text in bundle.entries]


# One record


def test_the_latest_version_of_a_record(office: Office) -> None:
    for version in range(1, 4):
        office.node.submit([office.land("a", version), office.land("b", version)])
        office.settle()
    bundle = prove_record(office.node.store, "land", "a", genesis_size=GENESIS)
    # Parameters, the agency, the definition; the version before and the latest; the index.
    assert numbers(bundle) == [0, 4, 6, 10, 13, 15]
    assert proven(office, bundle).claims[:3] == (
        "land a versions 2, 3 stand in the log as entries 10, 13, from 2026-11-18T11:06:41Z to 2026-11-18T11:06:42Z; "
        "each names the one before it by its hash, so none is missing between them",
        "land a version 3 is the latest as of entry 15 (2026-11-18T11:06:42Z)",
        "land entry 13: endorsed by EE/GOV/LAND (a key of version 1, entry 4), as .register land version 1 (entry 6) "
        "asks",
    )


def test_all_versions_of_a_record(office: Office) -> None:
    for version in range(1, 6):
        office.node.submit([office.land("a", version)])
    office.settle()
    bundle = prove_record(office.node.store, "land", "a", versions="all", genesis_size=GENESIS)
    report = proven(office, bundle)
    assert report.claims[0].startswith("land a versions 1 to 5 stand in the log as entries")
    assert "land a version 5 is the latest as of entry" in report.claims[1]


def test_one_version_of_a_record_says_nothing_of_the_latest(office: Office) -> None:
    for version in range(1, 4):
        office.node.submit([office.land("a", version)])
    office.settle()
    bundle = prove_record(office.node.store, "land", "a", versions=2, genesis_size=GENESIS)
    report = proven(office, bundle)
    assert report.claims[0].startswith("land a versions 1, 2 stand in the log")
    assert [claim for claim in report.claims if claim.startswith("land a") and "latest" in claim] == []


def test_a_record_that_is_not_there_is_not_proved(office: Office) -> None:
    office.node.submit([office.land("a", 1)])
    office.settle()
    for register, record in (("land", "zz"), ("sea", "a"), (".index", "root")):
        with pytest.raises(NotFound, match=f"there is no record '{record}' in the register '{register}'"):
            prove_record(office.node.store, register, record)
    for version in (0, -1, 2):
        with pytest.raises(NotFound, match=f"has the versions 1 to 1, and no version {version}"):
            prove_record(office.node.store, "land", "a", versions=version)


def test_records_of_the_ledgers_own_registers(office: Office) -> None:
    office.settle()
    for register, record in (
        (".register", "land"),
        (".agency", HOME_AGENCY),
        (".parameter", "ledger"),
        (".algorithm", "ed25519"),
    ):
        report = proven(office, prove_record(office.node.store, register, record, genesis_size=GENESIS))
        assert (
            f"{register} {record} version 1 is the latest as of entry 7 (2026-11-18T11:06:40Z)"
            in report.claims
        )


def test_the_last_version_of_a_record_that_has_ended(office: Office) -> None:
    office.node.submit([office.land("a", 1)])
    office.node.submit([Proposal("land", "a", "close", 2)])
    office.settle()
    report = proven(office, prove_record(office.node.store, "land", "a", genesis_size=GENESIS))
    assert report.claims[1].endswith(", and the record has ended (close)")


def test_many_versions_in_one_transaction_are_judged_together(office: Office) -> None:
    office.node.submit([office.land("a", version) for version in range(1, 11)])
    office.settle()
    bundle = prove_record(office.node.store, "land", "a", genesis_size=GENESIS)
    assert numbers(bundle) == [0, 4, 6, *range(7, 18)]
    proven(office, bundle)


def test_a_register_in_which_the_ledger_gives_the_version(office: Office) -> None:
    office.define("visits", append=True)
    visit = Proposal("visits", "a", "amend", body={"fields": {"by": "somebody"}})
    office.node.submit([visit, office.land("a", 1), visit])
    office.node.submit([visit])
    office.settle()
    bundle = prove_record(office.node.store, "visits", "a", versions="all", genesis_size=GENESIS)
    assert bundle.append == ("visits",)
    assert "; their versions were given by the ledger" in proven(office, bundle).claims[2]
    # A transaction over both kinds of registers proves either.
    title = prove_record(office.node.store, "land", "a", genesis_size=GENESIS)
    assert title.append == ()
    proven(office, title)


def test_a_log_of_several_tiles(office: Office) -> None:
    for batch in range(3):
        office.node.submit([office.land(f"{batch}-{number}", 1) for number in range(300)])
    office.node.submit([office.land("1-7", 2)])
    office.settle()
    assert office.node.store.head.size == 909
    report = proven(
        office, prove_record(office.node.store, "land", "1-7", versions="all", genesis_size=GENESIS)
    )
    assert report.claims[0].startswith("land 1-7 versions 1, 2 stand in the log as entries 314, 907")
    proven(office, prove_absent(office.node.store, "land", "1-300", genesis_size=GENESIS))


# No such record


def test_that_there_is_no_such_record(office: Office) -> None:
    office.node.submit([office.land("a", 1)])
    office.settle()
    report = proven(office, prove_absent(office.node.store, "land", "b", genesis_size=GENESIS))
    assert (
        report.claims[0] == "there is no record b in the register land as of entry 8 (2026-11-18T11:06:40Z)"
    )
    registers = proven(office, prove_absent(office.node.store, ".register", "sea", genesis_size=GENESIS))
    assert (
        "there is no record sea in the register .register as of entry 8 (2026-11-18T11:06:40Z)"
        in registers.claims
    )
    waiting = f"sha256:{'00' * 32}"
    verified = proven(office, prove_absent(office.node.store, ".transaction", waiting, genesis_size=GENESIS))
    assert f"there is no record {waiting} in the register .transaction" in verified.claims[0]


def test_what_is_there_cannot_be_proved_absent(office: Office) -> None:
    office.node.submit([office.land("a", 1)])
    office.settle()
    with pytest.raises(NotFound, match="there is a record 'a' in land, so its absence cannot be proved"):
        prove_absent(office.node.store, "land", "a")
    with pytest.raises(
        NotFound, match=r"there is no register 'sea'; that is a record absent from \.register"
    ):
        prove_absent(office.node.store, "sea", "a")
    with pytest.raises(NotFound, match=r"the index holds no \.index entries"):
        prove_absent(office.node.store, ".index", "root")


def test_where_records_are_named_by_pseudonyms_nothing_is_proved_of_another_name(office: Office) -> None:
    office.define("births", **{"record-id": "hmac-sha256", "key": "number"})
    office.settle()
    for prove in (prove_absent, prove_record):
        with pytest.raises(
            NotFound, match=r"^births names its records by pseudonyms, and this is none"
        ) as refused:
            prove(office.node.store, "births", "ZZ-M001")
        assert "ZZ-M001" not in str(refused.value)
    nobody = "A" * 43
    report = proven(office, prove_absent(office.node.store, "births", nobody, genesis_size=GENESIS))
    assert report.claims[0].startswith(
        f"there is no record named {nobody} in the register births as of entry "
    )


def test_a_natural_name_is_proved_absent_in_the_form_in_which_keys_are_compared(office: Office) -> None:
    office.define("plates", **{"key": "plate", "key-form": {"case": "fold"}})
    car = Proposal("plates", "er-1872", "create", 1, body={"fields": {"plate": "ER-1872"}})
    office.node.submit([car])
    office.settle()
    with pytest.raises(
        NotFound, match="there is a record 'er-1872' in plates, so its absence cannot be proved"
    ):
        prove_absent(office.node.store, "plates", "ER-1872")
    with pytest.raises(NotFound, match="the record of this key in the register 'plates' is named 'er-1872'"):
        prove_record(office.node.store, "plates", "ER-1872")


# Any entry


def test_every_entry_of_a_log_can_be_proved(office: Office) -> None:
    office.agency(COURT, 1, COURT_KEY)
    office.define("deeds", policy={"require": 2, "of": [f"agency:{HOME_AGENCY}", f"agency:{COURT}"]})
    deed = Proposal("deeds", "a", "create", 1, body={"fields": {"text": "…"}})
    office.node.submit([deed], keys=[COURT_KEY])
    waiting = office.node.submit(
        [office.land("a", 1), Proposal("deeds", "b", "create", 1, body={"fields": {}})]
    )
    assert waiting.standing.value == "pending"
    office.settle()
    assert office.node.endorse(waiting.transaction, COURT_KEY).standing.value == "taken"
    office.settle()
    registers = set()
    for number in range(office.node.store.head.size):
        bundle = prove_entry(office.node.store, number, genesis_size=GENESIS)
        assert number in numbers(bundle)
        proven(office, bundle)
        registers.add(office.node.entry(number).register)
    assert registers == {
        ".agency",
        ".algorithm",
        ".index",
        ".parameter",
        ".register",
        ".transaction",
        "deeds",
        "land",
    }
    report = proven(office, prove_record(office.node.store, "deeds", "b", genesis_size=GENESIS))
    assert (
        "endorsed by EE/GOV/LAND (a key of version 1, entry 4) and EE/GOV/COURT (a key of version 1, entry "
        in (report.claims[2])
    )


def test_an_entry_that_is_not_there(office: Office) -> None:
    for number in (-1, office.node.store.head.size):
        with pytest.raises(NotFound, match=f"there is no entry {number}"):
            prove_entry(office.node.store, number)


def test_an_entry_alone_is_a_proof_for_tools_by_others(office: Office) -> None:
    office.node.submit([office.land("a", 1)])
    office.settle()
    bundle = prove_inclusion(office.node.store, 7)
    head, _, note = to_tlog_proof(bundle).decode().partition("\n\n")
    hashes = [decode_base64(line, "a hash") for line in head.split("\n")[2:]]
    checkpoint = Checkpoint.parse(parse_note(note.encode()).text)
    leaf = leaf_hash(office.node.store.entry(7))
    verify_inclusion({7: leaf}, checkpoint.size, hashes, checkpoint.root)
    # It shows that the entry stands there, and not who endorsed it.
    report = verify(prove_inclusion(office.node.store, 7, genesis_size=GENESIS), office.trust)
    assert report.verdict == "valid"
    assert [step.name for step in report.unchecked] == ["completeness"]
    assert report.claims == ("land a version 1 stands in the log as entry 7 since 2026-11-18T11:06:40Z",)


# Rules that changed since


def test_rules_and_keys_are_shown_to_have_been_in_force(office: Office) -> None:
    office.agency(COURT, 1, COURT_KEY)
    office.define("deeds", policy=f"agency:{COURT}")
    early = office.node.submit([Proposal("deeds", "a", "create", 1, body={"fields": {}})], keys=[COURT_KEY])
    office.agency(COURT, 2, NEW_COURT_KEY)
    amended = {
        "title": "deeds",
        "authority": HOME_AGENCY,
        "policy": {"require": 1, "of": [f"agency:{COURT}"]},
    }
    office.node.submit([Proposal(".register", "deeds", "amend", 2, body={"fields": amended})])
    late = office.node.submit(
        [Proposal("deeds", "b", "create", 1, body={"fields": {}})], keys=[NEW_COURT_KEY]
    )
    office.settle()
    before = proven(office, prove_entry(office.node.store, early.first, genesis_size=GENESIS))
    assert before.claims[1].startswith(
        f"deeds entry {early.first}: endorsed by EE/GOV/LAND (a key of version 1, ent"
    )
    assert "(a key of version 1, entry 7)" in before.claims[1]
    assert "as .register deeds version 1 (entry 8) asks" in before.claims[1]
    after = proven(office, prove_entry(office.node.store, late.first, genesis_size=GENESIS))
    assert "(a key of version 2, entry 10)" in after.claims[1]
    assert "as .register deeds version 2 (entry 11) asks" in after.claims[1]


def test_what_the_version_before_asked_for_is_shown(office: Office) -> None:
    holder = SigningKey("ed25519", bytes(32))
    office.node.submit([office.land("a", 1, control=f"key:{holder.public.text}")])
    office.node.submit([office.land("a", 2, "Jaan")], keys=[holder])
    office.settle()
    report = proven(office, prove_record(office.node.store, "land", "a", genesis_size=GENESIS))
    assert f" and {holder.public.text}, as .register land version 1" in report.claims[2]


# An index that is behind, a store that moved on


def test_before_the_index_is_written_nothing_is_proved_to_be_current(office: Office) -> None:
    office.settle()
    office.node.submit([office.land("a", 1)])
    office.node.submit([office.land("b", 1)])
    store = office.node.store
    with pytest.raises(
        Unavailable, match="the next write a second later settles it, and so does closing the node"
    ):
        prove_record(store, "land", "b")
    # What is proved to stand in the log needs no index; who endorsed it is shown, and by which rules, not since when.
    report = verify(prove_record(store, "land", "b", versions=1, genesis_size=GENESIS), office.trust)
    assert report.verdict == "valid"
    assert [step.name for step in report.unchecked] == ["rules in force"]
    office.node.settle()
    proven(office, prove_record(store, "land", "b", genesis_size=GENESIS))


def test_a_reader_proves_what_it_has_read(office: Office) -> None:
    office.node.submit([office.land("a", 1)])
    office.settle()
    written = prove_record(office.node.store, "land", "a", genesis_size=GENESIS)
    reader = Node.open(office.node.home.folder, read_only=True)
    assert prove_record(reader.store, "land", "a", genesis_size=GENESIS) == written
    reader.close()


def test_a_reader_of_a_store_that_moved_on_says_so_or_proves_what_it_has_read(office: Office) -> None:
    office.node.submit([office.land("a", 1), office.land("b", 1)])
    reader = Node.open(office.node.home.folder, read_only=True)
    unsettled = reader.store.head.size
    for number in range(300):
        office.node.submit([office.land(f"plot {number}", 1)])
    office.node.submit([office.land("a", 2)])
    office.settle()
    report = verify(prove_record(reader.store, "land", "a", versions=1, genesis_size=GENESIS), office.trust)
    assert report.verdict == "valid"
    assert f"states {unsettled} entries" in report.steps[1].detail
    reader.close()


def test_what_the_index_knew_is_proved_though_the_log_has_gone_on(office: Office) -> None:
    office.settle()
    office.node.submit([office.land("a", 1)])
    indexed = office.node.store.head.size - 1
    office.node.submit([office.land("b", 1)])
    report = proven(office, prove_record(office.node.store, "land", "a", genesis_size=GENESIS))
    assert any(f"is the latest as of entry {indexed}" in claim for claim in report.claims), report.claims
    proven(office, prove_absent(office.node.store, "land", "zz", genesis_size=GENESIS))
    with pytest.raises(NotFound, match="there is a record 'b'"):
        prove_absent(office.node.store, "land", "b")


def test_a_reader_does_not_mix_what_was_written_since_into_a_proof(tmp_path: Path) -> None:
    office = Office(tmp_path / "home")
    office.node.submit([office.land("a", 1), office.land("b", 1)])
    office.node.close()
    reader = Node.open(tmp_path / "home", read_only=True)
    with Node.open(tmp_path / "home", clock=office.clock) as node:
        node.submit([office.land("b", 2)])
    for record in ("a", "b"):
        bundle = prove_record(reader.store, "land", record, genesis_size=GENESIS)
        assert [
            decode_entry(text.encode()).version for text in bundle.entries if f'"record":"{record}"' in text
        ] == [1]
        proven(office, bundle)
    reader.close()


NOT_SEALED = r"entry \d is not what was sealed, so it is not shown; run counterfoil audit"


def test_a_proof_that_does_not_hold_is_not_handed_out(tmp_path: Path) -> None:
    office = Office(tmp_path / "home")
    office.node.submit([office.land("a", 1, "Mari")])
    office.settle()
    office.node.close()
    with closing(sqlite3.connect(office.node.home.store)) as database:
        stored = database.execute("SELECT first, entries FROM tail").fetchall()
        changed = [(entries.replace(b"Mari", b"Juku"), first) for first, entries in stored]
        database.executemany("UPDATE tail SET entries = ? WHERE first = ?", changed)
        database.commit()
    with Node.open(office.node.home.folder, read_only=True) as reader:
        with pytest.raises(Damaged, match=NOT_SEALED):
            prove_record(reader.store, "land", "a")
        for prove in (prove_entry, prove_inclusion):
            with pytest.raises(Damaged, match=NOT_SEALED):
                prove(reader.store, 6)


def test_the_trust_file_of_another_installation_is_not_met(office: Office, tmp_path: Path) -> None:
    office.settle()
    bundle = prove_record(office.node.store, ".register", "land", genesis_size=GENESIS)
    with Node.open(tmp_path / "other", clock=office.clock, origin="ledger.example/land") as other:
        foreign = Trust.parse(other.home.trust.read_bytes())
    assert verify(bundle, foreign).verdict == "not valid"
    assert verify(bundle, None).verdict == "consistent, signer unknown"
    strict = replace(office.trust, require_algorithms=("ed25519", "ml-dsa-44"))
    assert verify(bundle, strict).verdict == "valid"
    ended = replace(office.trust, algorithms={"ed25519": "2026-11-18T11:06:39Z", "ml-dsa-44": None})
    # The checkpoint has its other signature; the endorsements are a second too late.
    assert [step.name for step in verify(bundle, ended).failed] == ["policies"]


# Whatever happened


HISTORIES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 3), st.booleans(), st.integers(0, 2)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HISTORIES)
def test_whatever_was_written_can_be_proved(tmp_path_factory: pytest.TempPathFactory, history: Any) -> None:
    office = Office(tmp_path_factory.mktemp("office") / "home")
    versions = dict.fromkeys("abc", 0)
    for record, count, together, seconds in history:
        proposals = [office.land(record, versions[record] + number) for number in range(1, count + 1)]
        versions[record] += count
        for group in [proposals] if together else [[proposal] for proposal in proposals]:
            office.node.submit(group)
        office.clock.now += seconds
    office.node.settle()
    store = office.node.store
    for record, count in versions.items():
        if count:
            report = proven(office, prove_record(store, "land", record, versions="all", genesis_size=GENESIS))
            assert f"land {record} version {count} is the latest as of entry" in report.claims[1]
            proven(office, prove_record(store, "land", record, genesis_size=GENESIS))
            proven(
                office, prove_record(store, "land", record, versions=(count + 1) // 2, genesis_size=GENESIS)
            )
        else:
            proven(office, prove_absent(store, "land", record, genesis_size=GENESIS))
    office.node.close()


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Trust, tuple[str, ...]]:
    """The bytes of a bundle from a real installation, its trust file, and what the bundle shows."""
    office = Office(tmp_path_factory.mktemp("office") / "home")
    for version in (1, 2):
        office.node.submit([office.land(record, version) for record in "abcdefghijklmnopqrstuvwxyz"])
    office.settle()
    data = prove_record(office.node.store, "land", "k", genesis_size=GENESIS).encode()
    trust = office.trust
    office.node.close()
    return data, trust, verify(data, trust).claims


@given(at=st.integers(0, 1 << 20), flip=st.integers(1, 255), trusted=st.booleans())
def test_no_byte_of_a_real_proof_can_be_changed_to_claim_something_else(
    shown: tuple[bytes, Trust, tuple[str, ...]], at: int, flip: int, trusted: bool
) -> None:
    data, trust, claims = shown
    changed = bytearray(data)
    changed[at % len(data)] ^= flip
    report = verify(bytes(changed), trust if trusted else None)
    assert report.verdict == "not valid" or report.claims == claims
