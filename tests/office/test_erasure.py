"""An erasure takes a ground and two officers; after it nothing of the subject is stored, and every proof holds."""

from __future__ import annotations

import shutil
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson
import pytest

from counterfoil.errors import Busy, Conflict, NotFound, Refused, Unavailable, Violated
from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.keyring.keyring import Keyring
from counterfoil.keyring.protector import FileProtector
from counterfoil.node import Node
from counterfoil.office.office import Office
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.canonical import Json, unlabelled
from counterfoil.proof.disclosure import commitment, disclosure_digest, read_disclosure
from counterfoil.proof.instant import instant_text
from counterfoil.proof.trust import Trust
from counterfoil.proof.verify import verify
from counterfoil.recovery.backup import back_up
from counterfoil.recovery.keyring import restore_keyring
from counterfoil.recovery.restore import restore
from counterfoil.recovery.resume import resume
from counterfoil.registry.beginning import genesis_size
from counterfoil.registry.desk.desk import Desk
from counterfoil.registry.personal.change import AS_FOUND, Change
from counterfoil.registry.personal.disclosing import Ask
from counterfoil.registry.personal.erasing import Erased, Erasure
from counterfoil.registry.personal.searching import Query, Term
from counterfoil.registry.prove import prove_record
from counterfoil.store.items import ERASED, contents
from counterfoil.store.store import Store
from tests.ledger_fixture import DAY
from tests.office.changes import marriage, name, person
from tests.office.house import CLERK, SECOND, House, copies
from tests.office.traces import Traces, stored_in

GONE = "P-000011"
"""Born so long ago that the retention period is over, as the marriage's is."""
OTHER = "P-000012"
HOUSE: dict[str, Json] = {"lines": ["7 Quillon Row"], "country": "EST"}
BOOK = "13/1926/7"
WANTED = Erasure("person", "no-longer-needed", "GDPR art. 17(1)(d)", key=GONE)
SPOUSE = Erasure("marriage", "no-longer-needed", "GDPR art. 17(1)(d)", subject="spouse-a", key=BOOK)


def registered(house: House) -> House:
    """Two people and their marriage, taken over from an old book; then the first one's name was put right."""
    house.taken(person(GONE, "1890-05-01", "Tammsaare", "Aleksandrine", address=HOUSE))
    house.taken(person(OTHER, "1889-11-30", "Wachsmuth", "Balthasar", sex="male"))
    found = marriage(
        BOOK,
        GONE,
        OTHER,
        "1926-11-10",
        names_a=name("Tammsaare", "Aleksandrine"),
        names_b=name("Wachsmuth", "Balthasar"),
    )
    found = msgspec.structs.replace(
        found, status=AS_FOUND, circumstances={"recorded": "1926-11-10", "place": "Book 7", "number": "7"}
    )
    house.decided(found)
    spelt = name("Tammsaarre", "Aleksandrina")
    house.decided(Change("person", "correct", {"names": spelt}, key=GONE, merge=True))
    return house


@pytest.fixture(scope="module")
def made(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with them, to be copied."""
    folder = copies(template, tmp_path_factory.mktemp("erasure"))()
    registered(House(folder)).close()
    return folder


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Iterator[House]:
    opened = House(copies(made, tmp_path)())
    yield opened
    opened.close()


def start(house: House) -> None:
    """Open it again once it was closed, or killed."""
    house.node = Node.open(house.folder, clock=house.clock)
    house.office = Office(house.node)


def asked(house: House, erasure: Erasure = WANTED) -> str:
    """The case of an erasure that a clerk asks for."""
    filed = house.office.ask_erasure(erasure, CLERK)
    assert filed.waiting is not None
    return filed.waiting.case


def erased(house: House, erasure: Erasure = WANTED) -> Erased:
    """What two officers have erased."""
    done = house.office.decide(asked(house, erasure), SECOND, approved=True, reason="the period is over")
    assert isinstance(done, Erased)
    return done


class Bytes(NamedTuple):
    """What must be nowhere: values and salts as they stand in disclosures, item keys, wrapped and not, ciphertext."""

    values: Traces
    keys: dict[int, bytes]
    sealed: list[bytes]


def bytes_of(house: House, erasure: Erasure) -> Bytes:
    """Everything that there is of a subject in every version of a record."""
    registrar, keyring = house.office.registrar, house.node.keyring
    with registrar.reading() as store:
        record = registrar.drafter(store).record_of(registrar.plan(erasure.register), str(erasure.key))
        items = registrar.items(store)
        plan = registrar.plan(erasure.register)
        slot = next(each.number for each in plan.slots if erasure.subject in (None, each.name))
        values: set[bytes] = set()
        keys: dict[int, bytes] = {}
        sealed: list[bytes] = []
        for entry in house.node.history(erasure.register, record):
            opened = items.open(entry)
            for field, text in opened.disclosures.items():
                if plan.slot_of(field) == slot:
                    values |= {text.encode(), read_salt(text)}
            parts = [part for part in store.item(entry.number) if part.slot == slot]
            keys |= {part.key: keyring.key(part.key) for part in parts}
            sealed += [part.sealed[:64] for part in parts]
        rows = keyring._database.rows("SELECT id, wrapped FROM key")
    return Bytes(Traces(values), keys, sealed + [wrapped for number, wrapped in rows if number in keys])


def read_salt(text: str) -> bytes:
    """The salt of a disclosure, as it stands there."""
    salt: str = orjson.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))[0]
    return salt.encode()


def traces_of(folder: Path, gone: Bytes) -> list[str]:
    """Where anything of it is stored still, but for the hashes of salted fields, by which the others are proved."""
    places = stored_in(folder)
    sought = Traces([*gone.keys.values(), *gone.sealed])
    found = [each for each in gone.values.found(places) if each.form != "sha256"]
    return [f"{each.where}: {each.form}" for each in (*found, *sought.found(places))]


def proofs(house: House) -> dict[int, bytes]:
    """A proof of each version of each record that is about somebody, by entry number."""
    with house.node.reading() as store:
        size = genesis_size(store)
        found = {}
        for data in store.entries():
            if b'"item"' in data:
                entry = msgspec.json.decode(data)
                bundle = prove_record(
                    store, entry["register"], entry["record"], versions=entry["version"], genesis_size=size
                )
                found[entry["number"]] = bundle.encode()
    return found


def test_it_takes_a_second_officer_and_is_refused_to_one_who_asked(house: House) -> None:
    case = asked(house)
    with pytest.raises(Refused, match="a case of their own"):
        house.office.decide(case, CLERK, approved=True, reason="I want it so")
    shown = house.shown("person", GONE, "civil-registration")
    assert shown.fields["address"] == HOUSE
    assert house.latest("person", GONE).operation == "correct"


@pytest.mark.parametrize("register", ["disclosure", "notice"])
def test_nothing_is_erased_where_a_register_only_appends(house: House, register: str) -> None:
    house.shown("person", GONE, "civil-registration")
    erasure = Erasure(register, "no-longer-needed", "GDPR art. 17(1)(a)", key=GONE)
    with pytest.raises(Refused, match=f"nothing is erased in {register}: that register only appends"):
        house.office.ask_erasure(erasure, CLERK)
    assert house.office.cases() == []


def test_nothing_is_erased_in_the_retention_period_or_under_a_hold(house: House) -> None:
    house.taken(person("P-000013", "1980-05-01", "Tamm", "Mari"))
    with pytest.raises(Violated) as kept:
        asked(house, Erasure("person", "no-longer-needed", "GDPR art. 17", key="P-000013"))
    assert (kept.value.constraint, kept.value.field) == ("retention", "date-of-birth")
    hold = Change(
        "legal-hold",
        fields={
            "number": "H-1",
            "person": GONE,
            "court": "EE/GOV/COURT",
            "order": "3-2-1",
            "ordered-on": "2026-11-20",
        },
        attachments=house.attached("order"),
    )
    case = asked(house)
    house.decided(hold)
    with pytest.raises(Violated) as held:
        asked(house)
    assert held.value.constraint == "legal-hold"
    with pytest.raises(Violated) as meanwhile:
        house.office.decide(case, SECOND, approved=True, reason="it was asked before the hold")
    assert meanwhile.value.constraint == "legal-hold"
    assert house.shown("person", GONE, "civil-registration").version == 2
    # It stays approved, and cannot be carried out at the next start either.
    finished = house.office.finish_erasures()
    assert (finished.erased, list(finished.left)) == ((), [case])


def test_nothing_of_the_subject_is_stored_any_more(house: House) -> None:
    gone = bytes_of(house, WANTED)
    assert traces_of(house.folder, gone) != []
    assert len(gone.keys) == 2
    done = erased(house)
    assert (done.register, done.subject, done.keys, done.complete) == ("person", "person", 2, None)
    assert traces_of(house.folder, gone) == []
    house.close()
    assert traces_of(house.folder, gone) == []
    start(house)


def test_its_blind_index_rows_are_gone_and_those_of_others_are_not(house: House) -> None:
    def found(text: str) -> list[str]:
        query = Query("person", (Term("names", text, "name"),))
        return [each.record for each in house.office.search(query).matches]

    record = house.record("person", GONE)
    assert found("Tammsaarre") == [record]
    with house.node.reading() as store:
        numbers = {row[0] for row in store.database.query("SELECT number FROM item")}
    erased(house)
    assert (found("Tammsaarre"), found("Tammsaare")) == ([], [])
    assert found("Wachsmuth") == [house.record("person", OTHER)]
    store = house.node.store
    tokens = {row[0] for row in store.database.query("SELECT number FROM item WHERE length(tokens) = 0")}
    assert tokens & numbers >= {
        each.number for each in house.node.history("person", record) if each.operation != "erase"
    }


def test_every_other_proof_still_verifies(house: House) -> None:
    house.node.settle()
    trust = Trust.parse((house.folder / "trust.json").read_bytes())
    before = proofs(house)
    erased(house)
    house.node.settle()
    for number, proof in {**before, **{-1 - n: each for n, each in proofs(house).items()}}.items():
        report = verify(Bundle.parse(proof), trust)
        assert report.verdict == "valid", (number, report)


def test_the_other_subjects_fields_of_the_record_open_and_prove(house: House) -> None:
    done = erased(house, SPOUSE)
    assert (done.register, done.subject, done.keys) == ("marriage", "spouse-a", 1)
    shown = house.shown("marriage", BOOK, "civil-registration")
    assert shown.erased
    assert shown.fields["names-b"] == name("Wachsmuth", "Balthasar")
    assert not {"spouse-a", "names-a"} & shown.fields.keys()
    assert shown.presentation is not None
    digests = [*map(disclosure_digest, shown.presentation.shown), *shown.presentation.hidden]
    assert commitment(digests) == unlabelled(str(house.latest("marriage", BOOK).item))
    assert {read_disclosure(each)[0] for each in shown.presentation.shown} >= {"spouse-b", "date"}


def test_what_is_about_both_goes_with_the_last(house: House) -> None:
    both = bytes_of(house, SPOUSE)
    erased(house, SPOUSE)
    second = msgspec.structs.replace(SPOUSE, subject="spouse-b")
    assert erased(house, second).keys == 2
    shown = house.shown("marriage", BOOK, "civil-registration")
    assert (shown.fields, shown.presentation) == ({}, None)
    assert traces_of(house.folder, both) == []
    with pytest.raises(Conflict, match="nothing about spouse-b is left"):
        asked(house, second)
    with house.node.reading() as store:
        parts = store.item(house.latest("marriage", BOOK).number - 2)
    assert {part.key for part in parts} <= {ERASED}


def test_the_day_is_named_when_the_last_older_backup_of_the_keyring_is_gone(
    house: House, tmp_path: Path
) -> None:
    keyring = house.node.keyring
    keyring.make_recovery(3, 2)
    keyring.backup(tmp_path / "first", 10)
    keyring.backup(tmp_path / "second", 30)
    last = keyring.backups()[1]
    complete = erased(house).complete
    assert complete == instant_text(last.keep_until)[:10]
    keyring.forget_backup(last.number)
    second = msgspec.structs.replace(WANTED, key=OTHER)
    assert erased(house, second).complete == instant_text(keyring.backups()[0].keep_until)[:10]


def test_an_older_backup_of_the_keyring_does_not_bring_it_back(house: House, tmp_path: Path) -> None:
    shares = house.node.keyring.make_recovery(3, 2)
    house.node.keyring.backup(tmp_path / "older", 30)
    gone = bytes_of(house, WANTED)
    erased(house)
    erased(house, SPOUSE)
    house.close()
    (house.folder / "keyring.db").unlink()
    protector = FileProtector(house.folder / "keys" / "keyring.key")
    restored = restore_keyring(Home(house.folder), tmp_path / "older", shares[:2], protector)
    assert restored.erased == 3
    assert traces_of(house.folder, gone) == []
    assert audit_home(Home(house.folder)).findings == ()
    start(house)
    assert house.shown("person", GONE, "civil-registration").fields == {}
    shown = house.shown("marriage", BOOK, "civil-registration")
    assert shown.fields["names-b"] == name("Wachsmuth", "Balthasar")
    assert house.shown("person", OTHER, "civil-registration").fields["number"] == OTHER


def test_an_older_backup_of_the_store_does_not_bring_it_back(house: House, tmp_path: Path) -> None:
    back_up(Home(house.folder), tmp_path / "older", keys=tmp_path / "agency.keys")
    erased(house)
    house.close()
    other = Home(tmp_path / "restored")
    assert restore(tmp_path / "older", other, keys=tmp_path / "agency.keys").items
    for file in ("keyring.db", "keys/keyring.key"):
        shutil.copyfile(house.folder / file, other.folder / file)
        (other.folder / file).chmod(0o600)
    resume(other, clock=house.clock)
    with Node.open(other.folder, clock=house.clock) as node, Office(node) as office:
        (shown,) = office.disclose([Ask("person", "civil-registration", key=GONE)], CLERK)
    assert (shown.fields, shown.erased) == ({}, True)
    start(house)


def test_a_restored_home_without_its_keyring_says_what_to_do(house: House, tmp_path: Path) -> None:
    back_up(Home(house.folder), tmp_path / "backup", keys=tmp_path / "agency.keys")
    assert not any((tmp_path / "backup").glob("keyring*"))
    assert not any((tmp_path / "backup").glob("desk*"))
    other = Home(tmp_path / "restored")
    restore(tmp_path / "backup", other, keys=tmp_path / "agency.keys")
    resume(other, clock=house.clock)
    assert "what items hold whose keys are not here (4)" in audit_home(other).unchecked
    with Node.open(other.folder, clock=house.clock) as node, pytest.raises(NotFound) as missing:
        Office(node).registrar.pseudonyms.record("person", GONE, node.definition("person").fields.key_form)
    assert str(missing.value) == (
        f"there is no keyring in {other.folder}, and the log names items whose keys it has; bring it back from its "
        "newest backup: counterfoil keyring restore"
    )
    assert not other.keyring.exists()


def test_a_change_that_waits_and_was_overtaken_goes_too(house: House) -> None:
    spelt = {"names": name("Quexelund", "Aleksandrina")}
    unfinished = house.unchecked(
        Change("person", "amend", spelt, key=GONE, merge=True), not_before=house.later(9)
    )
    house.node.submit_all([unfinished])
    (waits,) = house.node.store.waiting()
    commitment_ = unlabelled(str(waits.transaction.proposals[0].item))
    (part,) = house.node.store.waiting_item(commitment_)
    key = house.node.keyring.key(part.key)
    assert erased(house).keys == 3
    assert Traces([key, part.sealed]).found(stored_in(house.folder)) == []
    house.clock.now += 10 * DAY
    house.node.settle()
    house.taken(person("P-000015", "1980-05-01", "Tamm", "Mari"))
    assert house.latest("person", GONE).operation == "erase"


class Killed(BaseException):
    """The process ends here."""


def killing(patch: pytest.MonkeyPatch, owner: type, method: str) -> None:
    """Let the process end where a method is called."""

    def killed(*_: object, **__: object) -> None:
        raise Killed

    patch.setattr(owner, method, killed)


STEPS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "before the entry": lambda patch: killing(patch, Node, "submit_all"),
    "after the entry": lambda patch: killing(patch, Store, "erase_parts"),
    "after the parts": lambda patch: killing(patch, Keyring, "destroy"),
    "after the keys": lambda patch: killing(patch, Store, "scrub"),
    "after everything": lambda patch: killing(patch, Desk, "finish"),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("erasure", [WANTED, SPOUSE], ids=["whole", "one of two"])
def test_killed_at_each_step_it_is_finished_at_the_next_start(
    house: House, erasure: Erasure, step: str
) -> None:
    gone = bytes_of(house, erasure)
    case = asked(house, erasure)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        STEPS[step](patch)
        house.office.decide(case, SECOND, approved=True, reason="the period is over")
    size = house.node.store.head.size
    house.close()
    audited = audit_home(Home(house.folder))
    assert audited.findings == ()
    left = [each for each in audited.unchecked if "an erasure that was interrupted" in each]
    assert len(left) == (step in {"after the entry", "after the parts"})
    start(house)
    assert traces_of(house.folder, gone) == []
    assert house.office.desk.get(case).case.standing == "done"
    assert house.latest(erasure.register, str(erasure.key)).operation == "erase"
    assert house.node.store.head.size <= size + 2
    assert audit_home(Home(house.folder)).findings == ()
    again = house.office.finish_erasures()
    assert (again.erased, again.left) == ((), {})


def test_what_was_written_after_the_erasure_stays(house: House) -> None:
    case = asked(house)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        STEPS["after the entry"](patch)
        house.office.decide(case, SECOND, approved=True, reason="the period is over")
    back = {**person(GONE, "1890-05-01", "Tammsaare", "Aleksandrine").fields}
    house.decided(Change("person", "correct", back, key=GONE))
    (done,) = house.office.finish_erasures().erased
    assert done.keys == 2
    shown = house.shown("person", GONE, "civil-registration")
    assert shown.fields["names"] == name("Tammsaare", "Aleksandrine")
    assert not shown.erased


def test_who_reads_meanwhile_is_waited_for_and_nothing_is_lost(house: House) -> None:
    gone = bytes_of(house, WANTED)
    with house.node.snapshot() as reader:
        list(reader.entries())
        with pytest.raises(Busy, match="somebody reads an older view"):
            erased(house)
    assert traces_of(house.folder, gone) != []
    (done,) = house.office.finish_erasures().erased
    assert done.keys == 0
    assert traces_of(house.folder, gone) == []


def test_a_keyring_is_not_restored_before_the_store_and_its_items(house: House, tmp_path: Path) -> None:
    shares = house.node.keyring.make_recovery(2, 2)
    house.node.keyring.backup(tmp_path / "keyring.backup", 30)
    erased(house)
    with house.node.store.turn, house.node.store.database.transaction():
        for (number,) in list(house.node.store.database.query("SELECT number FROM item")):
            house.node.store.database.execute(
                "UPDATE item SET parts = ?, tokens = ?, checksum = ? WHERE number = ?",
                (*contents(number, (), ()), number),
            )
    house.close()
    home = Home(shutil.copytree(house.folder, tmp_path / "bare"))
    start(house)
    home.keyring.unlink()
    protector = FileProtector(home.keys / "keyring.key")
    with pytest.raises(Unavailable, match="bring the items back first"):
        restore_keyring(home, tmp_path / "keyring.backup", shares, protector)
    assert not home.keyring.exists()
    with pytest.raises(NotFound, match="restore it first"):
        restore_keyring(Home(tmp_path), tmp_path / "keyring.backup", shares, protector)
