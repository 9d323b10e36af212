"""`counterfoil access`: giving access to the API, listing who has it, and revoking it."""

from __future__ import annotations

import hmac
import io
import json
import re
import time
from base64 import urlsafe_b64encode
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from counterfoil.home import Home
from counterfoil.identity.access import Access
from counterfoil.identity.officers import Officer
from counterfoil.keyring.opening import open_keyring
from counterfoil.proof.instant import instant
from counterfoil.proof.signing import SigningKey
from tests.cli.calling import process
from tests.cli.conftest import Command

KEY = SigningKey("ed25519", bytes(range(32)))
TOKEN = re.compile(r"cft_[A-Za-z0-9_-]{43}")


def now() -> int:
    return int(time.time())


@pytest.fixture
def access(land: Path) -> Access:
    """The installation's access as a server reads it, which looks at the file each time it is asked."""
    ticks = iter(range(0, 10**9, 10))
    return Access(Home(land).access, clock=lambda: float(next(ticks)))


def test_a_token_is_shown_once_and_lets_its_holder_in(command: Command, access: Access, land: Path) -> None:
    told = command("access", "add", "clerk", "--scope", "write:land-title", "--scope", "documents", "--json")
    assert told.code == 0
    token = told.result["token"]
    assert TOKEN.fullmatch(token)
    caller = access.by_token(token, now())
    assert caller is not None
    assert (caller.name, sorted(caller.scopes)) == ("clerk", ["documents", "write:land-title"])
    listed = command("access").text + command("access", "--json").text
    assert token not in listed + Home(land).access.read_text()
    assert "sha256:" not in listed
    assert Home(land).access.stat().st_mode & 0o777 == 0o600


def test_for_people_the_token_stands_on_a_line_of_its_own(command: Command, land: Path) -> None:
    told = command("access", "add", "clerk", "--scope", "write:land-title", "--until", "2999-12-31")
    lines = told.text.splitlines()
    assert lines[:2] == [
        "clerk has access: write:land-title, until 2999-12-31T23:59:59Z",
        "the token, which cannot be shown again (Authorization: Bearer ...):",
    ]
    assert TOKEN.fullmatch(lines[2])
    assert (len(lines), told.err) == (3, "")


@pytest.mark.parametrize("how", ["text", "file"])
def test_a_key_is_named_by_its_text_or_its_file(command: Command, access: Access, how: str) -> None:
    Path("office.pub").write_text(f"{KEY.public.text}\n")
    given = KEY.public.text if how == "text" else "office.pub"
    told = command("access", "add", "office", "--scope", "write:*", "--key", given)
    assert told.text.splitlines() == [
        "office has access: write:*, without end",
        "requests are signed with the key, and have the keyid office",
    ]
    found = access.key("office", now())
    assert found is not None
    assert found[0] == KEY.public


def test_a_key_has_no_token(command: Command, land: Path) -> None:
    told = command("access", "add", "office", "--scope", "endorse", "--key", KEY.public.text, "--json").result
    created = told.pop("created")
    assert abs(instant(created) - now()) < 600
    assert told == {
        "name": "office",
        "kind": "key",
        "scopes": ["endorse"],
        "key": KEY.public.text,
        "until": None,
        "ended": False,
        "officer": None,
    }


@pytest.mark.parametrize("what", ["seed", "text", "bytes"])
def test_a_secret_key_given_by_mistake_is_not_repeated(command: Command, land: Path, what: str) -> None:
    wrong = {"seed": KEY.seed.hex().encode(), "text": b"ed25519:" + KEY.seed.hex().encode(), "bytes": b"\xff"}
    Path("secret").write_bytes(wrong[what])
    told = command("access", "add", "office", "--scope", "read", "--key", "secret")
    assert (told.code, told.out) == (1, b"")
    assert told.err == (
        "counterfoil: this is no public key for signing requests; "
        "it must be ed25519: and 43 characters of base64url\n"
    )
    assert not Home(land).access.exists()


def test_the_list_says_who_may_what_and_until_when(command: Command, land: Path) -> None:
    assert command("access").text == "Nobody has access but who has these files.\n"
    assert command("access", "--json").result == {"access": [], "retired": []}
    command("access", "add", "clerk", "--scope", "write:land-title", "--until", "2999-12-31")
    command("access", "add", "office", "--scope", "write:*", "--scope", "endorse", "--key", KEY.public.text)
    assert command("access").text.splitlines() == [
        "clerk   token  write:land-title  until 2999-12-31T23:59:59Z",
        "office  key    write:* endorse   without end",
    ]
    listed = command("access", "--json").result["access"]
    assert [(each["name"], each["kind"], each["ended"]) for each in listed] == [
        ("clerk", "token", False),
        ("office", "key", False),
    ]


def test_what_has_ended_is_listed_as_that(command: Command, land: Path) -> None:
    long_ago = Access(Home(land).access, clock=lambda: 1_000_000_000.0)
    long_ago.add_token("clerk", ["read"], "2001-09-10T00:00:00Z")
    assert command("access").text == "clerk  token  read  ended 2001-09-10T00:00:00Z\n"
    assert command("access", "--json").result["access"][0]["ended"] is True


def test_what_is_revoked_lets_nobody_in(command: Command, access: Access) -> None:
    token = command("access", "add", "clerk", "--scope", "read", "--json").result["token"]
    assert access.by_token(token, now())
    told = command("access", "revoke", "clerk")
    assert (told.code, told.text) == (0, "clerk has no access any more\n")
    assert access.by_token(token, now()) is None
    again = command("access", "revoke", "clerk", "--json")
    assert (again.code, again.error["kind"]) == (3, "not-found")


def test_a_name_is_given_once(command: Command, land: Path) -> None:
    command("access", "add", "clerk", "--scope", "read")
    before = Home(land).access.read_bytes()
    told = command("access", "add", "clerk", "--scope", "write:*", "--json")
    assert (told.code, told.error["kind"]) == (1, "conflict")
    assert "clerk has access already" in told.error["message"]
    assert Home(land).access.read_bytes() == before


def officer(command: Command, *more: str, name: str = "ann") -> dict[str, Any]:
    """Make somebody an officer; what is told of it."""
    return command("access", "add", name, "--scope", "disclose:birth", "--officer", *more, "--json").result


def test_an_officer_has_an_id_that_says_nothing_and_the_roles_it_was_given(
    command: Command, access: Access
) -> None:
    told = officer(command, "--role", "registrar", "--role", "checker")
    number = told["officer"]["id"]
    assert re.fullmatch(r"[0-9a-f]{16}", number)
    assert told["officer"] == {"id": number, "roles": ["registrar", "checker"], "person-known": False}
    caller = access.by_token(told["token"], now())
    assert caller is not None
    assert caller.officer == Officer(number, ("registrar", "checker"), None)


def test_the_list_names_officers(command: Command, land: Path) -> None:
    ann = officer(command, "--role", "registrar", "--role", "checker")["officer"]["id"]
    ben = officer(command, name="ben")["officer"]["id"]
    command("access", "add", "import", "--scope", "write:birth")
    assert command("access").text.splitlines() == [
        f"ann     token  disclose:birth  without end  officer {ann} (registrar, checker)",
        f"ben     token  disclose:birth  without end  officer {ben}",
        "import  token  write:birth     without end",
    ]


def test_for_people_the_line_about_an_officer_says_which(command: Command, land: Path) -> None:
    told = command("access", "add", "ann", "--scope", "write:birth", "--officer", "--role", "registrar")
    said = re.fullmatch(
        r"ann has access: write:birth, without end, as officer ([0-9a-f]{16}) \(registrar\)",
        told.text.splitlines()[0],
    )
    assert said
    assert command("access", "--json").result["access"][0]["officer"]["id"] == said[1]


def test_whose_a_retired_id_was_is_still_told(command: Command, land: Path) -> None:
    ann = officer(command)["officer"]["id"]
    command("access", "revoke", "ann")
    again = officer(command)["officer"]["id"]
    listed = command("access", "--json").result
    assert [each["officer"]["id"] for each in listed["access"]] == [again]
    assert [(once["id"], once["name"]) for once in listed["retired"]] == [(ann, "ann")]
    assert abs(instant(listed["retired"][0]["retired"]) - now()) < 600
    assert again != ann


@pytest.mark.parametrize("how", ["file", "standard input"])
def test_an_officer_s_own_number_is_kept_as_a_pseudonym(
    command: Command, access: Access, land: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    Path("number").write_text("1975-11-24-0017\n")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"1975-11-24-0017\n")))
    told = officer(command, "--person", "number" if how == "file" else "-")
    assert told["officer"]["person-known"] is True
    caller = access.by_token(told["token"], now())
    assert caller is not None
    assert caller.officer is not None
    with closing(open_keyring(land, read_only=True)) as keyring:
        secret = keyring.secret("pseudonym:disclosure")
    named = hmac.digest(secret, b'["record/v1","disclosure","1975-11-24-0017"]', "sha256")
    assert caller.officer.subject == urlsafe_b64encode(named).decode().rstrip("=")
    assert "1975-11-24-0017" not in json.dumps(told) + Home(land).access.read_text()
    assert caller.officer.subject not in json.dumps(told)


def test_one_person_is_one_officer(command: Command, land: Path) -> None:
    Path("number").write_text("17")
    officer(command, "--person", "number")
    told = command(
        *("access", "add", "ann-again", "--scope", "decide:*", "--officer", "--person", "number", "--json")
    )
    assert (told.code, told.error["kind"]) == (1, "conflict")
    assert "ann is this person, as an officer already" in told.error["message"]


def test_a_file_that_is_no_number_is_not_repeated(command: Command, land: Path) -> None:
    Path("number").write_bytes(b"\xff17")
    told = command("access", "add", "ann", "--scope", "read", "--officer", "--person", "number")
    assert (told.code, told.out) == (1, b"")
    assert told.err == (
        "counterfoil: number is not UTF-8 text; it must hold the officer's number and nothing else\n"
    )
    assert not Home(land).access.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clerk", "--scope", "read", "--role", "registrar"], "are an officer's; add --officer"),
        (["clerk", "--scope", "read", "--person", "number"], "are an officer's; add --officer"),
        (["clerk", "--scope", "disclose:birth"], "disclose:birth is for officers alone; add --officer"),
        (["clerk", "--scope", "write:*", "--scope", "decide:*"], "decide:* is for officers alone"),
        (["clerk", "--scope", "erase:.register", "--officer"], "'erase:.register' is no scope"),
        (["clerk"], "say what the access is for with --scope: read"),
        (["clerk", "--scope", "all"], "'all' is no scope; use read"),
        (["clerk", "--scope", "write:.register"], "'write:.register' is no scope"),
        (["--scope", "read"], "Missing argument 'NAME'"),
    ],
)
def test_scopes_that_are_none_are_wrong_usage(
    command: Command, land: Path, arguments: list[str], said: str
) -> None:
    told = command("access", "add", *arguments)
    assert (told.code, told.out) == (2, b"")
    assert said in told.err
    assert "see counterfoil access add --help" in told.err
    assert not Home(land).access.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["a b", "--scope", "read"], 1, "'a b' cannot be a name here"),
        (["operator", "--scope", "read"], 1, "but not anonymous or operator"),
        (["clerk", "--scope", "read", "--until", "2001-01-01"], 1, "has ended already; name a time to come"),
        (["clerk", "--scope", "read", "--until", "tomorrow"], 1, "'tomorrow' is not a time"),
        (["clerk", "--scope", "read", "--until", "2999-02-30"], 1, "is not a time"),
        (["clerk", "--scope", "read", "--key", "none.pub"], 3, "there is no file none.pub"),
        (
            ["ann", "--scope", "read", "--officer", "--role", "Head Registrar"],
            1,
            "'Head Registrar' is no role",
        ),
        (["ann", "--scope", "read", "--officer", "--person", "none"], 3, "there is no file none"),
    ],
)
def test_what_cannot_be_given_is_one_sentence(
    command: Command, land: Path, arguments: list[str], code: int, said: str
) -> None:
    told = command("access", "add", *arguments)
    assert (told.code, told.out, told.err.count("\n")) == (code, b"", 1)
    assert said in told.err
    assert not Home(land).access.exists()


@pytest.mark.parametrize(
    "arguments", [["access"], ["access", "add", "clerk", "--scope", "read"], ["access", "revoke", "clerk"]]
)
def test_without_an_installation_nothing_is_made(command: Command, home: Path, arguments: list[str]) -> None:
    told = command(*arguments)
    assert told.code == 3
    assert told.err == (
        f"counterfoil: there is no installation in {home}; make one with: counterfoil init --home {home}\n"
    )
    assert not home.exists()


def test_a_damaged_file_is_said_and_left(command: Command, land: Path) -> None:
    Home(land).access.write_bytes(b"{")
    for arguments in (
        ["access"],
        ["access", "add", "clerk", "--scope", "read"],
        ["access", "revoke", "clerk"],
    ):
        told = command(*arguments, "--json")
        assert (told.code, told.error["kind"]) == (3, "damaged")
        assert "so nobody is let in" in told.error["message"]
    assert Home(land).access.read_bytes() == b"{"


def test_while_another_process_writes_access_is_given_all_the_same(land: Path) -> None:
    with Home(land).writing():
        told = process("access", "add", "clerk", "--scope", "read", "--home", land, "--json")
    assert (told.code, told.result["name"]) == (0, "clerk")
