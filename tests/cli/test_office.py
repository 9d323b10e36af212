"""The office by commands: filing, disclosing, searching, the desk, erasing; and nothing personal in an argument."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from counterfoil.cli.app import run
from counterfoil.node import Node
from counterfoil.office.office import Office
from tests.cli.calling import Ended
from tests.cli.conftest import Command
from tests.web.process import serving

NUMBER, OLD = "P-000001", "P-000002"
MARI: dict[str, Any] = {
    "number": NUMBER,
    "names": [{"script": "Latn", "use": "birth", "family": "Tamm", "given": "Mari"}],
    "sex": "female",
    "date-of-birth": "1980-05-01",
    "parents-unknown": "not-stated",
}
PEEP = {**MARI, "number": OLD, "sex": "male", "date-of-birth": "1890-05-01"}
PEEP["names"] = [{"script": "Latn", "use": "birth", "family": "Kuusk", "given": "Peep"}]

With = Callable[..., Ended]


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with the shipped registers, two persons, and the tokens of two officers beside."""
    place = tmp_path_factory.mktemp("country")
    home = ("--home", str(place / "home"))
    changes = place / "persons.json"
    changes.write_text(json.dumps([{"register": "person", "fields": each} for each in (MARI, PEEP)]))
    assert run(["register", "shipped", *home]) == 0
    assert run(["file", str(changes), *home]) == 0
    return place / "home"


@pytest.fixture
def town(country: Path, home: Path) -> Path:
    """A copy of it, where commands look for one."""
    shutil.copytree(country, home)
    return home


@pytest.fixture
def given(command: Command, monkeypatch: pytest.MonkeyPatch) -> With:
    """Calls the command with something on standard input."""

    def call(stdin: object, *arguments: object) -> Ended:
        data = stdin if isinstance(stdin, str) else json.dumps(stdin)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data.encode())))
        return command(*arguments)

    return call


@pytest.fixture
def officer(command: Command, tmp_path: Path) -> Callable[..., Path]:
    """Makes an officer with these scopes; gives the file with the token."""

    def make(name: str, *scopes: str, officer: bool = True) -> Path:
        options = [each for scope in scopes for each in ("--scope", scope)]
        made = command("access", "add", name, *options, *(["--officer"] if officer else []), "--json").result
        path = tmp_path / f"{name}.token"
        path.touch(0o600)
        path.write_text(made["token"])
        return path

    return make


FAMILIES = {
    3: "Saar",
    4: "Lill",
    5: "Oja",
    6: "Rebane",
    7: "Karu",
    8: "Põder",
    9: "Vaher",
    11: "Sild",
    12: "Kotkas",
}


def person(number: int, **instead: Any) -> dict[str, Any]:
    """A change that registers one more person, who is nobody else."""
    fields = MARI | {"number": f"P-{number:06}", "date-of-birth": f"19{40 + 3 * number}-02-{number:02}"}
    fields["names"] = [{**MARI["names"][0], "family": FAMILIES[number], "given": "Liis"}]
    return {
        "register": "person",
        "fields": fields | {each.replace("_", "-"): it for each, it in instead.items()},
    }


def shown(given: With, number: str = NUMBER, *options: object) -> dict[str, Any]:
    """What the operator sees of a person."""
    told = given(
        number, "disclose", "person", "--key-file", "-", "--purpose", "civil-registration", "--json", *options
    )
    assert told.code == 0, told
    return told.result


def case_of(ended: Ended) -> str:
    assert ended.code == 0, ended
    case: str = ended.result["case"]
    return case


# Names and keys


@pytest.mark.parametrize("words", [["prove", "--absent"], ["prove"], ["record"], ["history"]])
def test_a_key_in_the_place_of_a_pseudonym_names_nothing(
    town: Path, command: Command, words: list[str]
) -> None:
    told = command(words[0], "person", NUMBER, *words[1:])
    assert told.code == 3
    assert told.err.startswith(
        "counterfoil: person names its records by pseudonyms, and this is none; look one up"
    )
    assert NUMBER not in told.err


def test_a_record_is_proved_by_its_key_from_a_file(
    given: With, town: Path, command: Command, tmp_path: Path
) -> None:
    proof, trust = tmp_path / "mari.json", ("--trust", town / "trust.json", "--json")
    assert given(f"{NUMBER}\n", "prove", "person", "--key-file", "-", "--out", proof).code == 0
    claims = command("verify", proof, *trust).result["claims"]
    latest = [each for each in claims if each.startswith("person ") and " version 1 is the latest " in each]
    assert len(latest) == 1
    assert NUMBER not in proof.read_text()
    assert given(NUMBER, "prove", "person", "--key-file", "-", "--absent").code == 3
    assert given("P-999999", "prove", "person", "--key-file", "-", "--absent", "--out", proof).code == 0
    claims = command("verify", proof, *trust).result["claims"]
    assert claims[0].startswith("there is no record named ")
    assert command("prove", "person", NUMBER, "--key-file", proof).code == 2


def test_an_export_has_what_is_public_and_no_column_for_the_rest(town: Path, command: Command) -> None:
    table = command("export", "person", "--format", "csv")
    header, *lines = table.text.splitlines()
    assert header.split(",") == [".record", ".version", ".operation", ".status", ".time", ".entry"]
    assert len(lines) == 2
    refused = command("export", "person")
    assert (refused.code, "fields that are not public, for which RSF has no form" in refused.err) == (3, True)


# Filing


def test_what_is_filed_is_in_the_log_under_a_pseudonym(given: With, town: Path, command: Command) -> None:
    filed = given(person(3), "file", "-", "--json")
    assert filed.code == 0, filed
    (record,) = filed.result["records"]
    assert (filed.code, record["register"], len(record["record"])) == (0, "person", 43)
    assert {each: filed.result[each] for each in ("standing", "count")} == {"standing": "taken", "count": 1}
    entry = command("record", "person", record["record"], "--json").result
    assert entry["number"] == filed.result["number"]
    assert not {"P-000003", "Saar", "1949-02-03"} & set(json.dumps(entry).replace('"', " ").split())
    assert command("record", "person", record["record"]).text.count("Saar") == 0


def test_changes_of_one_file_take_effect_together_or_not_at_all(given: With, town: Path) -> None:
    wrong = person(5, date_of_birth="2999-01-01")
    ended = given([person(4), wrong], "file", "-", "--json")
    assert (ended.code, ended.error["kind"], ended.error["constraint"]) == (1, "violated", "born-already")
    assert given("P-000004", "disclose", "person", "--key-file", "-", "--purpose", "subject-access").code == 3


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ("{", "- is no JSON in the form that registers take; look at it with a JSON checker"),
        ("[]", "- must be a change, or a list of 1 to 1,000 changes, as JSON objects"),
        ('["Tamm"]', "- must be a change, or a list of 1 to 1,000 changes, as JSON objects"),
        (
            '{"register":"person","fields":{},"Tamm":1}',
            "change 1 is not in form: it has a member that is not known; counterfoil file --help says what it has",
        ),
        (
            '{"register":"person","fields":["Tamm"]}',
            "change 1 is not in form: Expected `object`, got `array` - at `$.fields`; "
            "counterfoil file --help says what it has",
        ),
    ],
)
def test_what_is_no_change_is_refused_and_not_repeated(
    given: With, town: Path, stated: str, said: str
) -> None:
    ended = given(stated, "file", "-")
    assert (ended.code, ended.err) == (1, f"counterfoil: {said}\n")


def test_a_request_that_is_repeated_is_not_done_again(given: With, town: Path) -> None:
    first = given(person(6), "file", "-", "--idempotency-key", "k1", "--json").result
    again = given(person(6), "file", "-", "--idempotency-key", "k1", "--json").result
    assert (first["standing"], again["standing"]) == ("taken", "repeated")
    other = given(person(7), "file", "-", "--idempotency-key", "k1", "--json")
    assert (other.code, other.error["kind"]) == (1, "reused")


def test_a_document_is_attached_encrypted(given: With, town: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "order.txt").write_bytes(b"annulled by order 7")
    annulment = {
        "register": "person",
        "operation": "annul",
        "status": "void",
        "key": NUMBER,
        "circumstances": {"why": "entered twice"},
        "attachments": [{"kind": "order", "file": "order.txt", "media-type": "text/plain"}],
    }
    (tmp_path / "annul.json").write_text(json.dumps(annulment))
    case = case_of(command("file", "annul.json", "--json"))
    asked = command("desk", "show", case, "--json").result["asked"]["changes"][0]
    assert asked["attachments"] == [
        {
            "kind": "order",
            "media-type": "text/plain",
            "size": 19,
            "hash": asked["attachments"][0]["hash"],
        }
    ]
    assert not any(b"annulled by order" in path.read_bytes() for path in town.rglob("*") if path.is_file())


# The record commands


def test_a_personal_record_is_changed_by_fields_from_standard_input(
    given: With, town: Path, command: Command
) -> None:
    amended = given(
        {"number": NUMBER, "nationality": ["EST"]},
        "record",
        "amend",
        "person",
        "-",
        "--fields",
        "-",
        "--merge",
    )
    assert amended.code == 0, amended
    now = shown(given)
    assert (now["version"], now["fields"]) == (2, MARI | {"nationality": ["EST"]})
    named = given(
        {"nationality": None}, "record", "amend", "person", now["record"], "--fields", "-", "--merge"
    )
    assert named.code == 0, named
    assert shown(given)["fields"] == MARI


def test_what_ends_is_told_once_more_as_it_was(given: With, town: Path) -> None:
    case_of(given({"number": NUMBER}, "record", "close", "person", "-", "--fields", "-", "--json"))


def test_its_proof_says_that_it_is_the_latest_and_nothing_of_what_it_holds(
    given: With, town: Path, command: Command, tmp_path: Path
) -> None:
    made = given(
        person(8)["fields"],
        "record",
        "create",
        "person",
        "-",
        "--fields",
        "-",
        "--receipt",
        "p.json",
    )
    assert made.code == 0, made
    verified = command("verify", "p.json", "--trust", town / "trust.json", "--json").result
    assert verified["verdict"] == "valid"
    assert FAMILIES[8] not in (tmp_path / "p.json").read_text()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            (NUMBER, "--fields", "-"),
            "the keys of person are personal: give - in place of KEY and the key among the --fields",
        ),
        (
            ("-", "--field", "sex=male"),
            "person is a personal register: state its fields in a file or on standard input",
        ),
        (
            ("-", "--fields", "-", "--without", "sex"),
            "person is a personal register: state its fields in a file",
        ),
        (("-", "--fields", "-", "--why", "x"), "person is a personal register, and --why would be no secret"),
        (
            ("-", "--fields", "-", "--document", "x"),
            "person is a personal register, and a document beside the log",
        ),
    ],
)
def test_nothing_personal_is_taken_from_an_argument(
    given: With, town: Path, options: tuple[str, ...], said: str
) -> None:
    ended = given(MARI, "record", "amend", "person", *options)
    assert (ended.code, said in ended.err) == (2, True), ended.err


def test_merging_is_for_personal_registers(command: Command, land: Path) -> None:
    ended = command("record", "amend", "land-title", "1", "--field", "owner=Eve", "--merge")
    assert (ended.code, "state what changes by --field" in ended.err) == (2, True)


# Disclosing and searching


def test_a_disclosure_is_in_the_log_before_anything_is_shown(
    given: With, town: Path, command: Command
) -> None:
    told = given(NUMBER, "disclose", "person", "--key-file", "-", "--purpose", "residence", "--json")
    assert told.result["fields"] == {"number": NUMBER, "names": MARI["names"]}
    first, count = told.result["disclosed"]["first"], told.result["disclosed"]["count"]
    disclosures = command("history", "disclosure", told.result["record"], "--json")
    assert count == 1
    entries = command("export", "disclosure", "--format", "jsonl").text
    assert entries.count("\n") == 1
    assert command("audit", "--json").code == 0
    assert first > told.result["number"]
    assert disclosures.code == 3  # it is kept under another pseudonym than the person's own


def test_for_people_it_is_lines(given: With, town: Path) -> None:
    options = ("--purpose", "identification", "--field", "number", "--field", "date-of-birth")
    lines = given(NUMBER, "disclose", "person", "--key-file", "-", *options).text.splitlines()
    assert lines[1:3] == [f"  number         {NUMBER}", "  date-of-birth  1980-05-01"]
    assert lines[3].startswith("  written into the disclosures of 1 person, from entry ")


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--purpose", "curiosity"), 1, "'curiosity' is no purpose for which items of person may be read"),
        (
            ("--purpose", "residence", "--field", "sex"),
            1,
            "the purpose 'residence' does not allow the field 'sex'",
        ),
        (
            ("--purpose", "residence", "--version", "7"),
            3,
            "the record has the versions 1 to 1, and no version 7",
        ),
        (("--purpose", "residence", "--record", "x"), 2, "name the record by --key-file or by --record"),
    ],
)
def test_what_is_not_shown_is_told_in_one_sentence(
    given: With, town: Path, options: tuple[str, ...], code: int, said: str
) -> None:
    ended = given(NUMBER, "disclose", "person", "--key-file", "-", *options)
    assert (ended.code, ended.out, said in ended.err, NUMBER in ended.err) == (code, b"", True, False)


def test_several_are_shown_where_their_number_is_meant(given: With, town: Path) -> None:
    call = ("disclose", "person", "--key-file", "-", "--purpose", "residence", "--json")
    refused = given(f"{NUMBER}\n{OLD}\n", *call)
    assert (refused.code, refused.error["message"]) == (
        1,
        "this would show 2 records; name that number, so that it is meant",
    )
    both = given(f"{NUMBER}\n{OLD}\n", *call, "--count", 2)
    assert [each["fields"]["number"] for each in both.documents] == [NUMBER, OLD]


def test_a_proof_of_what_was_shown_verifies_offline(
    given: With, town: Path, command: Command, tmp_path: Path
) -> None:
    shown(given, NUMBER, "--field", "sex", "--proof", "sex.json")
    report = command("verify", "sex.json", "--trust", town / "trust.json")
    assert report.code == 0
    assert 'has the field sex: "female"' in report.text
    assert "Tamm" not in (tmp_path / "sex.json").read_text()


def test_records_are_found_by_what_they_hold_and_nothing_of_it_is_shown(given: With, town: Path) -> None:
    record = shown(given)["record"]
    assert given("Tamm", "search", "person", "names", "name", "--json").result == {
        "matches": [
            {"register": "person", "record": record, "version": 1, "status": "alive", "current": True}
        ],
        "more": False,
    }
    assert (
        given("Tamm", "search", "person", "names", "phonetic").text
        == f"{record}  version 1  alive\n1 record\n"
    )
    assert given("Nobody", "search", "person", "names", "name").text == "0 records\n"
    assert given("female", "search", "person", "sex").code == 1


def test_a_value_file_serves_as_well(command: Command, town: Path, tmp_path: Path) -> None:
    (tmp_path / "year").write_text("1980\n")
    assert (
        len(
            command("search", "person", "date-of-birth", "year", "--value-file", "year", "--json").result[
                "matches"
            ]
        )
        == 1
    )
    (tmp_path / "year").write_text("\n")
    ended = command("search", "person", "date-of-birth", "year", "--value-file", "year")
    assert (ended.code, ended.err) == (
        1,
        "counterfoil: year is empty; what is searched for must stand in it\n",
    )


# Officers


def test_officers_do_what_their_scopes_allow(given: With, town: Path, officer: Callable[..., Path]) -> None:
    token = officer("ann", "disclose:person")
    seen = shown(given, NUMBER, "--token-file", token)
    assert seen["fields"]["number"] == NUMBER
    for call in (
        ("file", "-"),
        ("search", "person", "names", "name"),
        ("erase", "person", "--key-file", "-", "--ground", "no-longer-needed", "--law", "l"),
        ("disclose", "birth", "--key-file", "-", "--purpose", "p"),
    ):
        ended = given(person(9) if call[0] == "file" else NUMBER, *call, "--token-file", token)
        assert (ended.code, "ann may not do this: it needs the scope" in ended.err) == (1, True), call


def test_whoever_is_no_officer_has_nothing_to_do_with_items(
    given: With, town: Path, officer: Callable[..., Path]
) -> None:
    token = officer("program", "write:*", officer=False)
    ended = given(person(9), "file", "-", "--token-file", token)
    assert (ended.code, "program is no officer, and only officers have to do with items" in ended.err) == (
        1,
        True,
    )


def test_a_token_that_is_nobody_s_or_open_to_others_is_refused(
    command: Command, town: Path, tmp_path: Path
) -> None:
    path = tmp_path / "token"
    path.touch(0o600)
    path.write_text("cft_" + "A" * 43)
    ended = command("desk", "list", "--token-file", path)
    assert (ended.code, "is nobody's, or its time has ended" in ended.err) == (1, True)
    path.chmod(0o644)
    ended = command("desk", "list", "--token-file", path)
    assert (ended.code, ended.err.endswith(f"run chmod 600 {path}\n")) == (3, True)


def test_without_an_installation_none_is_made(command: Command, home: Path) -> None:
    for call in (("desk", "list"), ("search", "person", "names"), ("keyring",), ("keyring", "rotate")):
        ended = command(*call)
        assert (ended.code, ended.err) == (
            3,
            f"counterfoil: there is no installation in {home}; make one with: counterfoil init --home {home}\n",
        )
    assert not home.exists()


# The desk


@pytest.fixture
def waiting(given: With, town: Path) -> str:
    """A correction by the operator, which waits for a second officer."""
    corrected = {
        "register": "person",
        "operation": "correct",
        "key": NUMBER,
        "fields": MARI | {"sex": "male"},
    }
    ended = given(corrected, "file", "-", "--json")
    assert ended.result["reasons"] == ["four-eyes"]
    return case_of(ended)


def test_a_case_is_listed_shown_and_decided_by_a_second_officer(
    waiting: str, command: Command, given: With, officer: Callable[..., Path]
) -> None:
    token = ("--token-file", officer("ben", "decide:person"))
    (listed,) = command("desk", "list", *token, "--json").result["cases"]
    assert {name: listed[name] for name in ("case", "kind", "register", "by", "reasons", "standing")} == {
        "case": waiting,
        "kind": "change",
        "register": "person",
        "by": "0" * 16,
        "reasons": ["four-eyes"],
        "standing": "waiting",
    }
    asked = command("desk", "show", waiting, *token, "--json").result["asked"]
    assert asked["changes"][0]["fields"]["sex"] == "male"
    done = command("desk", "decide", waiting, "--approve", "--reason", "seen", *token, "--json").result
    assert (done["decision"], done["filed"]["standing"], done["erased"]) == ("approved", "taken", None)
    assert shown(given)["fields"]["sex"] == "male"
    assert command("desk", "list", *token).text == "No case is on the desk.\n"
    assert command("desk", "show", waiting, *token).text.splitlines()[0].endswith(": done")


def test_a_case_is_shown_in_lines_before_it_is_decided(
    waiting: str, command: Command, officer: Callable[..., Path]
) -> None:
    token = ("--token-file", officer("ben", "decide:person"))
    lines = command("desk", "show", waiting, *token).text.splitlines()
    assert lines[0] == f"change in person, by {'0' * 16}: waiting"
    assert "    four-eyes: its register has a second officer decide such a change" in lines
    assert "    sex  female -> male" in lines
    told = command("desk", "show", waiting, *token, "--json").result
    assert told["changes"][0]["fields"] == [{"field": "sex", "before": "female", "after": "male"}]
    assert told["because"][0]["name"] == "four-eyes"
    ended = command("desk", "attachment", waiting, "--out", "x", *token)
    assert (ended.code, "this case has 0 documents attached" in ended.err) == (3, True)


def test_a_case_is_withdrawn_by_its_own_officer_or_one_who_may_decide(
    waiting: str, command: Command, officer: Callable[..., Path]
) -> None:
    other = ("--token-file", officer("cleo", "write:person"))
    refused = command("desk", "withdraw", waiting, "--reason", "not mine", *other)
    assert (refused.code, "it needs the scope decide:person" in refused.err) == (1, True)
    assert (
        command("desk", "withdraw", waiting, "--reason", "entered twice").text
        == f"case {waiting}: withdrawn\n"
    )
    again = command(
        "desk",
        "decide",
        waiting,
        "--refuse",
        "--reason",
        "x",
        "--token-file",
        officer("ben", "decide:person"),
    )
    assert "this case is withdrawn already" in again.err


def test_nobody_decides_a_case_of_their_own(waiting: str, command: Command) -> None:
    ended = command("desk", "decide", waiting, "--approve", "--reason", "mine")
    assert (ended.code, ended.err) == (
        1,
        "counterfoil: an officer does not decide a case of their own; ask a second officer\n",
    )


def test_a_refusal_is_for_good(
    waiting: str, command: Command, given: With, officer: Callable[..., Path], tmp_path: Path
) -> None:
    token = ("--token-file", officer("ben", "decide:person"))
    (tmp_path / "why").write_text("the deed says otherwise\n")
    refused = command("desk", "decide", waiting, "--refuse", "--reason-file", "why", *token)
    assert (refused.code, refused.text) == (0, f"case {waiting}: refused\n")
    again = command("desk", "decide", waiting, "--approve", "--reason", "after all", *token)
    assert (again.code, again.err) == (
        1,
        "counterfoil: this case is refused already; a case is decided once\n",
    )
    assert shown(given)["fields"]["sex"] == "female"


def test_who_may_not_decide_sees_no_case(
    waiting: str, command: Command, officer: Callable[..., Path]
) -> None:
    token = ("--token-file", officer("ann", "write:person", "decide:birth"))
    assert command("desk", "list", *token, "--json").result["cases"] == []
    for call in (("show", waiting), ("decide", waiting, "--refuse", "--reason", "x"), ("carry-out", waiting)):
        ended = command("desk", *call, *token)
        assert (ended.code, "it needs the scope decide:person" in ended.err) == (1, True)


@pytest.mark.parametrize(
    "options",
    [("--approve",), ("--reason", "x"), ("--approve", "--reason", "x", "--reason-file", "y")],
)
def test_a_decision_says_what_and_why(command: Command, town: Path, options: tuple[str, ...]) -> None:
    assert command("desk", "decide", "0" * 32, *options).code == 2


def approve(home: Path, case: str) -> None:
    """What a process leaves that was killed right after a second officer's decision."""
    with Node.open(home) as node, Office(node) as office:
        office.desk.decide(case, "00000000000000bb", True, "seen")


def test_what_was_approved_and_not_done_is_carried_out_later(
    waiting: str, town: Path, command: Command, given: With
) -> None:
    approve(town, waiting)
    assert [each["case"] for each in command("desk", "list", "--approved", "--json").result["cases"]] == [
        waiting
    ]
    assert shown(given)["fields"]["sex"] == "female"
    assert command("desk", "carry-out", waiting, "--json").result["filed"]["standing"] == "taken"
    assert shown(given)["fields"]["sex"] == "male"
    assert command("desk", "carry-out", waiting).text == f"case {waiting}: carried out\n"
    assert shown(given)["version"] == 2


def test_what_cannot_be_carried_out_any_more_stays_approved(
    town: Path, command: Command, given: With, officer: Callable[..., Path]
) -> None:
    change = {"register": "person", "operation": "correct", "key": NUMBER, "version": 1, "fields": MARI}
    case = case_of(given(change, "file", "-", "--json"))
    moved = {"number": NUMBER, "nationality": ["EST"]}
    assert given(moved, "record", "amend", "person", "-", "--fields", "-", "--merge").code == 0
    decide = ("--approve", "--reason", "seen", "--token-file", officer("ben", "decide:person"))
    for call in (("decide", case, *decide), ("carry-out", case)):
        ended = command("desk", *call, "--json")
        assert (ended.code, ended.error["kind"]) == (1, "conflict")
    assert len(command("desk", "list", "--approved", "--json").result["cases"]) == 1


def test_an_erasure_that_was_interrupted_is_finished_by_the_next_command(
    town: Path, command: Command, given: With
) -> None:
    asked = given(
        OLD, "erase", "person", "--key-file", "-", "--ground", "no-longer-needed", "--law", "Act 1", "--json"
    )
    approve(town, case_of(asked))
    assert command("doctor", "--json").code == 1
    assert command("desk", "list", "--approved", "--json").result["cases"] == []
    assert shown(given, OLD)["fields"] == {}
    assert command("doctor", "--json").code == 0


def test_reading_beyond_the_budget_is_asked_for(
    town: Path, given: With, command: Command, officer: Callable[..., Path]
) -> None:
    limits = {"format": "budgets/v1", "default": {"hour": 1, "day": 1}}
    (town / "budgets.json").write_text(json.dumps(limits))
    (town / "budgets.json").chmod(0o600)
    ann = ("--token-file", officer("ann", "disclose:person"))
    ben = ("--token-file", officer("ben", "decide:person"))
    shown(given, NUMBER, *ann)
    call = ("disclose", "person", "--key-file", "-", "--purpose", "civil-registration")
    over = given(NUMBER, *call, *ann)
    assert (over.code, "ask a second officer for more (counterfoil desk ask)" in over.err) == (1, True)
    asking = ("desk", "ask", "person", "--purpose", "civil-registration", "--count", 2, "--why", "two more")
    case = case_of(command(*asking, *ann, "--json"))
    assert command("desk", "show", case, *ben, "--json").result["asked"]["count"] == 2
    assert command("desk", "decide", case, "--approve", "--reason", "so be it", *ben).code == 0
    assert given(NUMBER, *call, *ann).code == 0


# Erasing


def test_an_erasure_is_decided_and_then_nothing_is_left(
    town: Path, given: With, command: Command, officer: Callable[..., Path]
) -> None:
    ben = ("--token-file", officer("ben", "decide:person"))
    record = shown(given, OLD)["record"]
    asked = given(
        OLD, "erase", "person", "--key-file", "-", "--ground", "no-longer-needed", "--law", "Act 1", "--json"
    )
    case = case_of(asked)
    assert (
        command("desk", "show", case, *ben, "--json").result["asked"]["erasure"]["ground"]
        == "no-longer-needed"
    )
    done = command("desk", "decide", case, "--approve", "--reason", "due", *ben, "--json")
    assert done.code == 0, done
    erased = done.result["erased"]
    assert (erased["record"], erased["subject"], erased["complete"]) == (record, "person", None)
    now = shown(given, OLD)
    assert (now["erased"], now["fields"]) == (True, {})
    assert command("audit").code == 0


def test_what_must_still_be_kept_is_not_erased(town: Path, given: With) -> None:
    ended = given(
        NUMBER, "erase", "person", "--key-file", "-", "--ground", "no-longer-needed", "--law", "l", "--json"
    )
    assert (ended.code, ended.error["constraint"]) == (1, "retention")


# Where another process serves the installation


@pytest.fixture(scope="module")
def served(country: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the installation that another process serves."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(country, home)
    with serving(home) as running:
        yield home
        code, said = running.end()
        assert (code, NUMBER in said, "Tamm" in said) == (0, False, False)


def test_served_all_goes_through_that_process(served: Path, tmp_path: Path, given: With) -> None:
    def call(*arguments: object, stdin: object = "") -> Ended:
        ended = given(stdin, *arguments, "--home", served, "--json")
        assert ended.code == 0, ended
        return ended

    filed = call("file", "-", stdin=person(11))
    assert filed.result["standing"] == "taken"
    proof = tmp_path / "proof.json"
    seen = call(
        "disclose", "person", "--key-file", "-", "--purpose", "subject-access", "--proof", proof, stdin=NUMBER
    )
    assert seen.result["fields"] == MARI
    assert given("", "verify", proof, "--trust", served / "trust.json", "--json").result["verdict"] == "valid"
    assert len(call("search", "person", "names", "name", stdin="Sild").result["matches"]) == 1
    amended = {"number": NUMBER, "nationality": ["EST"]}
    assert (
        call("record", "amend", "person", "-", "--fields", "-", "--merge", stdin=amended).result["count"] == 1
    )
    asking = ("desk", "ask", "person", "--purpose", "residence", "--count", "5", "--why", "a sample")
    reading = case_of(call(*asking))
    erasure = case_of(
        call("erase", "person", "--key-file", "-", "--ground", "no-longer-needed", "--law", "l", stdin=OLD)
    )
    assert [each["case"] for each in call("desk", "list").result["cases"]] == [reading, erasure]
    ben = call("access", "add", "ben", "--scope", "decide:person", "--officer").result["token"]
    token = tmp_path / "ben.token"
    token.touch(0o600)
    token.write_text(ben)
    decide = ("--reason", "seen", "--token-file", token)
    assert call("desk", "decide", erasure, "--approve", *decide).result["erased"]["keys"] == 1
    assert call("desk", "decide", reading, "--approve", *decide).result["filed"] is None
    assert call("desk", "show", erasure).result["standing"] == "done"
    assert call("desk", "list", "--approved").result["cases"] == []


def test_served_a_refusal_is_the_same_sentence(served: Path, given: With) -> None:
    home = ("--home", served)
    ended = given(person(12, date_of_birth="2999-01-01"), "file", "-", "--json", *home)
    assert (ended.code, ended.error["constraint"]) == (1, "born-already")
    ended = given("", "desk", "show", "0" * 32, *home)
    assert (ended.code, ended.err) == (
        3,
        "counterfoil: there is no such case on the desk; list the cases that wait\n",
    )
    ended = given("", "keyring", "rotate", *home)
    assert (ended.code, "another process writes to" in ended.err) == (3, True)


def test_refusals_that_compare_with_others_are_listed_without_what_they_compared(
    town: Path, given: With
) -> None:
    assert given("", "desk", "refusals").text == "No refusal is noted.\n"
    wedding: dict[str, Any] = {
        "entry-number": "13/2026/9",
        "district": "13",
        "spouse-a": NUMBER,
        "spouse-b": NUMBER,
    }
    wedding |= {"date": "2026-11-10", "type": "civil", "place": {"country": "EST", "place": "Tartu"}}
    changes = town.parent / "wedding.json"
    changes.write_text(json.dumps([{"register": "marriage", "fields": wedding}]))
    refused = given("", "file", str(changes), "--json")
    assert refused.code == 1
    (noted,) = given("", "desk", "refusals", "--json").result["refusals"]
    assert (noted["register"], noted["constraint"]) == ("marriage", refused.result["error"]["constraint"])
    assert NUMBER not in str(noted)
