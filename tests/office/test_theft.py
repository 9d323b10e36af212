"""What a thief finds who takes an installation's files, its backups, its logs and what lies in its temporary folder.

A thousand made-up persons are registered with their births, marriages, deaths, companies and titles; some changes wait
on the desk, documents are attached, items are looked at, by the office and over HTTP. Then every stored byte is
searched for every value about them.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import apsw
import httpx
import msgspec
import pytest
import zstandard

from counterfoil.home import Home
from counterfoil.identity.access import Access
from counterfoil.identity.officers import Appointment
from counterfoil.madeup.country import people
from counterfoil.node import Node
from counterfoil.office.line import KEEPER, Line
from counterfoil.office.office import Office
from counterfoil.proof.canonical import Json
from counterfoil.recovery.backup import back_up
from counterfoil.registers import names, shipped
from counterfoil.registry.personal.change import Change
from counterfoil.registry.personal.disclosing import Ask
from counterfoil.registry.personal.erasing import Erasure
from counterfoil.registry.personal.plan import Plan
from counterfoil.registry.personal.searching import Query, Term
from tests.office.changes import AGENCY, COURT, person
from tests.office.house import CLERK, OPERATOR, House, copies
from tests.office.traces import Trace, Traces, forms, leaves, searchable, stored_in
from tests.web.process import serving

PEOPLE = 1000
LIKENESS = ("names", "sex", "date-of-birth", "mother", "father")
LETTER = b"A letter about Wendelgard Ostrosky, who asks that nobody read it."


class Loot(NamedTuple):
    """Every stored byte by place, and what is looked for in it."""

    places: dict[str, bytes]
    traces: Traces


@pytest.fixture(scope="module")
def loot(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Loot:
    folder = tmp_path_factory.mktemp("stolen")
    (folder / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("TMPDIR", "SQLITE_TMPDIR"):
            patch.setenv(name, str(folder / "tmp"))
        home = copies(template, folder)()
        lines = list(people(PEOPLE, 1))
        house = House(home)
        plans = {name: house.office.registrar.plan(name) for name in names()}
        registered = file_all(house, lines)
        look(house, lines)
        # While it is in use, its write-ahead logs lie there too.
        shutil.copytree(home, folder / "running")
        keyring = house.node.keyring
        keyring.make_recovery(3, 2)
        keyring.backup(folder / "keyring.backup", 30)
        back_up(Home(home), folder / "backup", keys=folder / "agency.keys")
        house.close()
        serve(home, folder / "server.log", registered)
    values = hidden_values(lines, plans) - {b""}
    return Loot(stored_in(folder), Traces(values))


def file_all(house: House, lines: list[Line]) -> list[Line]:
    """File every line as an officer does; gives those of persons that are registered and not laid on the desk."""
    house.taken(person("ZZ-P0999999", "1931-07-19", "Ostrosky", "Wendelgard"))
    registered, waiting = [], 0
    for line in lines:
        papers = [(each.text.encode(), each.media_type, each.kind) for each in line.attachments]
        if line.register == "criminal-record":
            papers.append((LETTER, "text/plain", "letter"))
        attached = tuple(
            msgspec.to_builtins(house.office.attach([text], media, kind)) for text, media, kind in papers
        )
        change = Change(
            line.register,
            line.operation,
            dict(line.fields),
            key=line.key,
            status=line.status,
            circumstances=circumstances(house, line),
            control=line.control.replace(KEEPER, AGENCY) if isinstance(line.control, str) else line.control,
            attachments=attached,
            merge=line.operation != "create",
        )
        filed = house.file(change, by=OPERATOR)
        waiting += filed.waiting is not None
        registered += [line] if filed.receipt is not None and line.register == "person" else []
    assert waiting > 2
    assert len(registered) > 300
    return registered


def circumstances(house: House, line: Line) -> dict[str, Json]:
    """What is said of how it came about; a child that looks like one we have is its twin."""
    said: dict[str, Json] = {**line.circumstances, "why": "as it was declared by Sigtrygg Halvdanssen"}
    if line.register == "birth" and line.operation == "create":
        born = {**line.fields, "date-of-birth": line.fields["date"]}
        registrar = house.office.registrar
        with registrar.reading() as store:
            identifier = registrar.identifier(store, registrar.plan("person"))
            alike = identifier.candidates({name: born[name] for name in LIKENESS if name in born})
        said |= {"not-same": [each.record for each in alike]} if alike else {}
    return said


def look(house: House, lines: list[Line]) -> None:
    """Disclose, search, and ask for an erasure, which is refused or waits."""
    for line in [each for each in lines if each.register == "person"][:20]:
        house.shown("person", str(line.fields["number"]), "civil-registration")
    family = house.office.search(Query("person", (Term("names", "Ostrosky", "name"),)))
    assert len(family.matches) == 1
    old = person("ZZ-P0999998", "1890-02-03", "Zwirnstein", "Ottokarine")
    house.taken(old)
    house.office.ask_erasure(Erasure("person", "no-longer-needed", "GDPR art. 17", key="ZZ-P0999998"), CLERK)


def serve(home: Path, log: Path, registered: list[Line]) -> None:
    """Ask over HTTP for what may be had and for what may not."""
    scopes = ("write:*", "disclose:*", "search:*")
    token = Access(Home(home).access).add_token("ann", scopes, None, Appointment())
    with (
        serving(home, "--log", str(log)) as served,
        httpx.Client(base_url=served.url, headers={"authorization": f"Bearer {token}"}, timeout=20) as client,
    ):
        for line in registered[:10]:
            asked = {"purpose": "identification", "key": line.fields["number"]}
            told = client.post("/v1/registers/person/disclosures", json=asked)
            assert told.status_code == 200, told.text
            assert told.json()["fields"]["number"] == line.fields["number"]
        late = person("ZZ-P0999997", "1977-03-30", "Quelleborn", "Hadwiga")
        filed = client.post("/v1/changes", json={"changes": [msgspec.to_builtins(late)]})
        assert filed.status_code == 201, filed.text
        again = client.post("/v1/changes", json={"changes": [msgspec.to_builtins(late)]})
        assert again.status_code >= 400
        assert client.post("/v1/changes", content=json.dumps({"Quelleborn": 1})).status_code >= 400
        for page in ("/", "/registers/person", "/v1/registers/birth", "/v1/health"):
            assert client.get(page).status_code == 200
    assert log.stat().st_size


def hidden_values(lines: list[Line], plans: dict[str, Plan]) -> set[bytes]:
    """What to search for of all that is said of anybody, but for what stands in a public register too."""
    public = [json.dumps([shipped(each, AGENCY, COURT) for each in names()], ensure_ascii=False)]
    hidden: set[bytes] = {LETTER, b"Ostrosky", b"Wendelgard", b"1931-07-19", b"ZZ-P0999999", b"Zwirnstein"}
    hidden |= {b"Ottokarine", b"1890-02-03", b"ZZ-P0999998", b"Quelleborn", b"1977-03-30", b"ZZ-P0999997"}
    hidden.add(b"Sigtrygg Halvdanssen")
    for line in lines:
        plan = plans[line.register]
        shown, secret = plan.hide(line.fields)
        public.append(json.dumps(shown, ensure_ascii=False, separators=(",", ":")))
        for name, value in secret.items():
            hidden |= {each for leaf in leaves(value, name) for each in searchable(*leaf)}
        hidden |= {paper.text.encode() for paper in line.attachments}
    known = "\n".join(public).encode()
    return {each for each in hidden if each not in known}


def test_no_stored_byte_tells_anything_of_anybody(loot: Loot) -> None:
    assert len(loot.traces.values) > 6 * PEOPLE
    kinds = {Path(name.partition(",")[0]).name for name in loot.places}
    assert kinds >= {
        *("store.db", "store.db-wal", "keyring.db", "keyring.db-wal", "desk.db", "desk.db-wal"),
        *("server.log", "keyring.backup", "agency.keys", "access.json", "trust.json"),
    }
    assert sum(map(len, loot.places.values())) > 30_000_000
    assert loot.traces.found(loot.places) == []


@pytest.mark.parametrize("place", ["store.db", "desk.db-wal", "server.log", "keyring.backup"])
def test_one_value_in_any_form_and_any_file_is_found(loot: Loot, place: str) -> None:
    name, data = next(each for each in loot.places.items() if each[0].endswith(place))
    value = loot.traces.values[len(place) * 97]
    expected = list(forms(value))
    middle = len(data) // 2
    planted = data[:middle] + b"\n".join(form for form, _ in expected) + data[middle:]
    found = [each for each in loot.traces.found({name: planted}) if each.value == value]
    assert Counter(found) == Counter(Trace(value, kind, name) for _, kind in expected)


def test_a_value_is_found_where_it_is_compressed_or_in_pieces(tmp_path: Path) -> None:
    value = b"Ostrosky, Wendelgard"
    with closing(apsw.Connection(str(tmp_path / "some.db"))) as database:
        database.execute("CREATE TABLE bundle (content BLOB)")
        cells = (zstandard.compress(b"entry " * 50 + value + b" entry" * 50), bytes(4085) + value * 300)
        database.executemany("INSERT INTO bundle VALUES (?)", [(each,) for each in cells])
    (tmp_path / "note").write_bytes(sha256(value).digest())
    found = Traces([value]).found(stored_in(tmp_path))
    assert set(found) >= {Trace(value, "plain", "some.db, row by row"), Trace(value, "sha256", "note")}


def test_the_office_itself_still_reads_all_of_it(
    loot: Loot, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = next(iter(tmp_path_factory.getbasetemp().glob("stolen*/home-*")))
    with Node.open(home) as node, Office(node) as office:
        asks = [Ask("person", "civil-registration", key=key) for key in ("ZZ-P0000001", "ZZ-P0999997")]
        shown = office.disclose(asks, CLERK, count=2)
    families = [each.fields["names"][0]["family"] for each in shown]
    assert families[1] == "Quelleborn"
    assert families[0].encode() in loot.traces.values or len(families[0]) < 8
