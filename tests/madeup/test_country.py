"""The made-up country: as many people as asked for, the same each time, and nothing that a register would refuse."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from hashlib import sha256
from itertools import islice

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.examples import registers_folder
from counterfoil.ledger.dates import parse_date
from counterfoil.ledger.definition import parse_definition
from counterfoil.madeup import names
from counterfoil.madeup.country import COMMUNITY, people
from counterfoil.madeup.districts import DISTRICTS
from counterfoil.office.line import Line, encode_line, parse_line
from counterfoil.registers import shipped
from counterfoil.registry.rsf.reading import read_rsf

LAST_DAY = parse_date("2025-03-31").first


@pytest.fixture(scope="module")
def country() -> list[Line]:
    """A whole community."""
    return list(people(COMMUNITY, 1))


def made(lines: list[Line]) -> list[str]:
    """The numbers of the people whom lines make."""
    births = [
        str(each.fields["child"])
        for each in lines
        if (each.register, each.operation, each.status) == ("birth", "create", "registered")
    ]
    return births + [str(each.fields["number"]) for each in lines if each.register == "person"]


@pytest.mark.parametrize("count", [1, 2, 20, 777, COMMUNITY + 5])
def test_it_has_as_many_people_as_asked_for_each_with_a_number_of_their_own(count: int) -> None:
    numbers = made(list(people(count, 3)))
    assert len(numbers) == len(set(numbers)) == count


def test_the_same_seed_gives_the_same_bytes_on_every_python() -> None:
    written = b"".join(map(encode_line, people(500, 7)))
    assert sha256(written).hexdigest() == "68799c6259b13d173f48628c07c754f178605bd7879e3706b18dc41844aaaf2c"


def test_another_seed_gives_other_people() -> None:
    first, second = (next(people(1, seed)).fields["names"] for seed in (1, 2))
    assert first != second


def test_no_number_can_be_a_real_one(country: list[Line]) -> None:
    # ISO 3166-1 gives ZZ to nobody.
    assert all(re.fullmatch(r"ZZ-P[0-9]{7}", number) for number in made(country))


def test_every_line_that_creates_conforms_to_its_register(country: list[Line]) -> None:
    definitions = {
        name: parse_definition(name, shipped(name, "ZZ/GOV/ALL"))
        for name in {each.register for each in country}
    }
    for line in country:
        if line.operation == "create":
            schema = definitions[line.register].full_schema
            assert schema is not None
            assert schema.accepts(line.fields), (line, schema.faults_said(line.fields))


def test_every_line_can_be_read_again(country: list[Line]) -> None:
    assert [parse_line(msgspec.json.decode(encode_line(line))) for line in country] == country


def test_all_kinds_of_things_happen(country: list[Line]) -> None:
    happened = Counter((each.register, each.operation, each.status) for each in country)
    assert set(happened) == {
        ("person", "create", "alive"),
        ("person", "create", "as-found"),
        ("birth", "create", "registered"),
        ("birth", "create", "declared"),
        ("birth", "amend", "registered"),
        ("marriage", "create", "married"),
        ("marriage", "close", "divorced"),
        ("death", "create", "registered"),
        ("company", "create", "active"),
        ("company", "amend", None),
        ("business-licence", "create", "granted"),
        ("land-title", "create", "registered"),
        ("land-charge", "create", "in-force"),
        ("criminal-record", "create", "active"),
    }


def test_people_are_as_various_as_people_are(country: list[Line]) -> None:
    births = [each.fields for each in country if (each.register, each.operation) == ("birth", "create")]
    arrivals = [each.fields for each in country if each.register == "person"]
    written = [name for each in [*births, *arrivals] for name in each["names"]]
    assert {name["script"] for name in written} == {"Latn", *names.SECOND_SCRIPTS}
    assert {len(str(each.get("date-of-birth", ""))) for each in arrivals} == {0, 4, 5, 7, 10}
    assert any(each.get("birth-type") == "twin" for each in births)
    assert any("father-unknown" in each for each in births)
    namesakes = Counter((name["family"], name["given"]) for name in written)
    assert max(namesakes.values()) > 1
    again = [
        each
        for each in country
        if each.register == "marriage" and each.fields.get("previous-status-a") == "widowed"
    ]
    assert again


def test_nobody_is_married_twice_at_once_or_marries_dead_or_too_young(country: list[Line]) -> None:
    born = {
        str(each.fields["child"]): str(each.fields["date"])
        for each in country
        if (each.register, each.operation) == ("birth", "create")
    }
    born |= {
        str(each.fields["number"]): str(each.fields.get("date-of-birth"))
        for each in country
        if each.register == "person"
    }
    spouse: dict[str, str] = {}
    dead: set[str] = set()
    for line in country:
        if line.register == "death":
            gone = str(line.fields["deceased"])
            assert gone not in dead
            assert parse_date(born[gone]).first <= parse_date(str(line.fields["date"])).first
            dead.add(gone)
            spouse.pop(spouse.pop(gone, ""), None)
        elif line.status == "married":
            pair = str(line.fields["spouse-a"]), str(line.fields["spouse-b"])
            for one, other in (pair, pair[::-1]):
                assert one not in spouse
                assert one not in dead
                assert parse_date(str(line.fields["date"])).first >= parse_date(born[one]).last + 18 * 365 + 4
                spouse[one] = other


def test_nothing_comes_after_what_a_second_officer_decides(country: list[Line]) -> None:
    waiting: set[str] = set()
    spouses: dict[str, tuple[str, str]] = {}
    for line in country:
        fields = line.fields
        if line.status == "married":
            spouses[str(fields["entry-number"])] = str(fields["spouse-a"]), str(fields["spouse-b"])
            assert waiting.isdisjoint(spouses[str(fields["entry-number"])])
        elif line.status == "divorced":
            waiting |= set(spouses[str(line.key)])
        elif line.register == "death":
            assert fields["deceased"] not in waiting
        elif line.status == "as-found" or str(fields.get("date-of-birth", "")).endswith("~"):
            waiting.add(str(fields["number"]))


def test_every_date_has_passed(country: list[Line]) -> None:
    def texts(value: object) -> list[str]:
        if isinstance(value, dict):
            return [text for name, each in value.items() if name != "spent-after" for text in texts(each)]
        if isinstance(value, list):
            return [text for each in value for text in texts(each)]
        return [value] if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value) else []

    days = [parse_date(text).first for line in country for text in texts([line.fields, line.circumstances])]
    assert max(days) <= LAST_DAY


def test_entry_numbers_count_each_book_from_one(country: list[Line]) -> None:
    books: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line in country:
        if line.operation == "create" and (entry := line.fields.get("entry-number")) is not None:
            book, _, number = str(entry).rpartition("/")
            books[line.register, book].append(int(number))
    assert all(counted == list(range(1, len(counted) + 1)) for counted in books.values())


def test_land_is_owned_whole_and_shares_are_all_held(country: list[Line]) -> None:
    for line in country:
        if line.register == "land-title":
            shares = [each["share"] for each in line.fields["ownership"]]
            assert shares in (["1"], ["1/2", "1/2"])
            assert line.control == "agency:{authority}"
        elif (line.register, line.operation) == ("company", "create"):
            (issued,) = [each["issued"] for each in line.fields["share-classes"]]
            assert sum(each["number"] for each in line.fields["holdings"]) == issued <= 10_000


def test_the_districts_are_those_of_the_sample_register() -> None:
    file = read_rsf((registers_folder() / "registration-district.rsf").read_bytes())
    latest = {}
    for entry in file.entries:
        if "registration-district" in entry.item and entry.key.isdigit():
            latest[entry.key] = entry.item
    current = {code: item["name"] for code, item in latest.items() if "end-date" not in item}
    assert dict(DISTRICTS) == current


def test_communities_have_nothing_to_do_with_each_other() -> None:
    lines = list(people(COMMUNITY + 300, 2))
    first = lines[: len(list(people(COMMUNITY, 2)))]
    assert [encode_line(each) for each in first] == [encode_line(each) for each in people(COMMUNITY, 2)]
    numbers = set(made(first))
    later = b"".join(map(encode_line, lines[len(first) :])).decode()
    assert numbers.isdisjoint(re.findall(r"ZZ-P[0-9]{7}", later))


def test_lines_come_one_by_one() -> None:
    assert len(list(islice(people(10_000_000, 1), 10))) == 10


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(0, 2**31))
def test_whoever_is_named_is_there_before(count: int, seed: int) -> None:
    known: set[str] = set()
    for line in people(count, seed):
        text = encode_line(line).decode()
        new = line.fields.get("child" if line.register == "birth" else "number")
        known |= {str(new)} if line.register in {"birth", "person"} and new else set()
        assert set(re.findall(r"ZZ-P[0-9]{7}", text)) <= known


def test_a_name_in_another_script_has_no_latin_letter() -> None:
    for script in names.SECOND_SCRIPTS:
        for given_ in (*names.GIVEN["female"], *names.GIVEN["male"]):
            written = names.name(script, "Quistwyx", given_)
            assert not re.search("[A-Za-z]", written["family"] + written["given"])
