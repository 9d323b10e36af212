"""`counterfoil access`: giving access to the API, listing who has it, and revoking it."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from counterfoil.home import Home
from counterfoil.identity.access import Access
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
    assert command("access", "--json").result == {"access": []}
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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
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
