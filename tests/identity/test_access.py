"""The file of access: what is given holds to its end, what is revoked does not, and damage lets nobody in."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from counterfoil.errors import Conflict, CounterfoilError, Damaged, Malformed, NotFound, Unavailable
from counterfoil.identity.access import LOOK_SECONDS, Access
from counterfoil.identity.caller import Caller
from counterfoil.identity.officers import Appointment, Officer, Retired
from counterfoil.proof.signing import PublicKey, SigningKey
from tests.identity.asking import KEY, NOW

OTHER = SigningKey("ed25519", bytes(32))


class Clock:
    """A clock that is set by hand."""

    def __init__(self, now: float = NOW):
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "access.json"


def test_without_a_file_nobody_has_access(path: Path) -> None:
    access = Access(path)
    assert access.grants == ()
    assert access.by_token("cft_" + "A" * 43, NOW) is None
    assert access.key("land-office", NOW) is None
    assert not path.exists()


def test_a_token_is_of_32_random_bytes_and_finds_its_caller(path: Path) -> None:
    access = Access(path)
    token = access.add_token("clerk", ["write:tree", "documents", "write:tree"])
    assert re.fullmatch(r"cft_[A-Za-z0-9_-]{43}", token)
    caller = access.by_token(token, NOW)
    assert caller is not None
    assert caller == Caller("clerk", "token", frozenset({"write:tree", "documents"}))
    assert access.add_token("other", ["read"]) != token


def test_the_file_holds_a_token_s_digest_and_not_the_token(path: Path) -> None:
    clock = Clock()
    access = Access(path, clock=clock)
    token = access.add_token("clerk", ["write:tree"], "2030-01-01T00:00:00Z")
    access.add_key("land-office", ["write:*"], KEY.public.text)
    common = {"created": "2027-01-15T08:00:00Z", "officer": None}
    clerk = {"name": "clerk", "scopes": ["write:tree"], "key": None, "until": "2030-01-01T00:00:00Z"}
    office = {"name": "land-office", "scopes": ["write:*"], "token": None, "until": None}
    assert json.loads(path.read_bytes()) == {
        "format": "access/v2",
        "grants": [
            clerk | common | {"token": "sha256:" + sha256(token.encode()).hexdigest()},
            office | common | {"key": KEY.public.text},
        ],
        "retired": [],
    }
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["access.json"]


def test_a_token_is_in_no_text_of_anything(path: Path) -> None:
    access = Access(path)
    token = access.add_token("clerk", ["write:tree"])
    said = [repr(access.grants), str(access.grants[0]), repr(access.by_token(token, NOW)), repr(vars(access))]
    with pytest.raises(CounterfoilError) as refused:
        access.add_key("leak", ["read"], token)
    said.append(str(refused.value))
    path.write_text(path.read_text().replace("sha256:", token))
    with pytest.raises(CounterfoilError) as damaged:
        _ = Access(path).grants
    assert token[4:] not in "".join(said)
    assert token not in str(damaged.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda token: token[:-1],
        lambda token: token + "A",
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: token.upper(),
        lambda token: token[4:],
        lambda token: "",
        lambda token: token[:-1] + "é",
        lambda token: f" {token}",
    ],
)
def test_any_other_token_is_nobody_s(path: Path, change: Callable[[str], str]) -> None:
    access = Access(path)
    token = access.add_token("clerk", ["write:tree"])
    assert access.by_token(change(token), NOW) is None


def test_a_digest_from_the_file_is_no_token(path: Path) -> None:
    access = Access(path)
    access.add_token("clerk", ["write:tree"])
    digest = access.grants[0].token or ""
    assert access.by_token(digest, NOW) is None
    assert access.by_token(digest.removeprefix("sha256:")[:47], NOW) is None


def test_a_key_is_found_by_the_name_it_was_given(path: Path) -> None:
    access = Access(path)
    access.add_key("land-office", ["write:*", "endorse"], KEY.public.text)
    found = access.key("land-office", NOW)
    assert found is not None
    key, caller = found
    assert key == KEY.public
    assert caller == Caller("land-office", "key", frozenset({"write:*", "endorse"}))
    assert access.key("Land-Office", NOW) is None
    assert access.key(KEY.public.text, NOW) is None


def test_a_token_s_name_is_no_keyid(path: Path) -> None:
    access = Access(path)
    access.add_token("clerk", ["write:tree"])
    assert access.key("clerk", NOW) is None


def test_access_ends_after_the_second_it_is_given_until(path: Path) -> None:
    access = Access(path, clock=Clock())
    token = access.add_token("clerk", ["write:tree"], "2027-01-15T08:10:00Z")
    access.add_key("land-office", ["write:*"], KEY.public.text, "2027-01-15T08:10:00Z")
    end = NOW + 600
    assert access.by_token(token, end)
    assert access.key("land-office", end)
    assert access.by_token(token, end + 1) is None
    assert access.key("land-office", end + 1) is None
    assert len(access.grants) == 2


def test_what_is_revoked_holds_no_more(path: Path) -> None:
    access = Access(path)
    token = access.add_token("clerk", ["write:tree"])
    access.add_key("land-office", ["write:*"], KEY.public.text)
    access.revoke("clerk")
    access.revoke("land-office")
    assert access.by_token(token, NOW) is None
    assert access.key("land-office", NOW) is None
    assert access.grants == ()
    with pytest.raises(NotFound, match="'clerk' has no access"):
        access.revoke("clerk")


def test_a_name_is_given_once(path: Path) -> None:
    access = Access(path)
    token = access.add_token("clerk", ["write:tree"])
    with pytest.raises(Conflict, match="clerk has access already"):
        access.add_token("clerk", ["write:*"])
    with pytest.raises(Conflict):
        access.add_key("clerk", ["write:*"], KEY.public.text)
    caller = access.by_token(token, NOW)
    assert caller is not None
    assert caller.scopes == {"write:tree"}


@pytest.mark.parametrize("name", ["", "a b", "-a", "é", "a" * 65, "a\n", 'a"', "operator", "anonymous"])
def test_a_name_that_would_mislead_is_refused(path: Path, name: str) -> None:
    with pytest.raises(Malformed, match="cannot be a name here"):
        Access(path).add_token(name, ["read"])
    assert not path.exists()


@pytest.mark.parametrize(
    ("scopes", "until", "said"),
    [
        ([], None, "0 scopes; give it 1 to 100"),
        (["read"] * 2 + [f"write:a{number}" for number in range(100)], None, "101 scopes"),
        (["read", "root"], None, "'root' is no scope; use "),
        (["read"], "2030-01-01", "is not a time"),
        (["read"], "2027-01-15T07:59:59Z", "has ended already"),
    ],
)
def test_what_cannot_be_given_is_refused(path: Path, scopes: list[str], until: str | None, said: str) -> None:
    access = Access(path, clock=Clock())
    with pytest.raises(Malformed, match=said):
        access.add_token("clerk", scopes, until)
    with pytest.raises(Malformed, match=said):
        access.add_key("clerk", scopes, KEY.public.text, until)
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    ["", "ed25519:", KEY.seed.hex(), f"ed25519:{KEY.seed.hex()}", PublicKey("ml-dsa-44", bytes(1312)).text],
)
def test_a_key_that_is_no_public_one_of_ed25519_is_refused_and_not_repeated(path: Path, text: str) -> None:
    with pytest.raises(Malformed, match="no public key for signing requests") as refused:
        Access(path).add_key("land-office", ["read"], text)
    assert KEY.seed.hex()[:16] not in str(refused.value)


# Officers


def test_an_officer_is_known_by_the_grant(path: Path) -> None:
    access = Access(path)
    token = access.add_token("ann", ["disclose:birth"], officer=Appointment(("registrar",), "p" * 43))
    access.add_key("ben", ["decide:*"], KEY.public.text, officer=Appointment())
    caller, signer = access.by_token(token, NOW), access.key("ben", NOW)
    assert caller is not None
    assert signer is not None
    ann, ben = caller.officer, signer[1].officer
    assert ann is not None
    assert ben is not None
    assert ann == Officer(ann.id, ("registrar",), "p" * 43, "person")
    assert ben == Officer(ben.id, (), None, "person")
    assert ann.id != ben.id
    assert {re.fullmatch(r"[0-9a-f]{16}", each.id) is not None for each in (ann, ben)} == {True}


def test_an_officer_is_the_same_when_the_file_is_read_again(path: Path) -> None:
    given = Access(path)
    given.add_token("ann", ["disclose:birth"], officer=Appointment(("registrar",), "p" * 43))
    assert Access(path).grants == given.grants


def test_an_id_is_never_another_s(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["a" * 16, "a" * 16, "0" * 16, "0" * 15 + "1", "b" * 16, "b" * 16, "a" * 16, "c" * 16])
    monkeypatch.setattr("counterfoil.identity.officers.secrets.token_hex", lambda _bytes: next(drawn))
    access = Access(path, clock=Clock())
    for name in ("ann", "ben"):
        access.add_token(name, ["disclose:birth"], officer=Appointment())
    access.revoke("ann")
    access.add_token("cho", ["disclose:birth"], officer=Appointment())
    ids = [grant.officer.id for grant in access.grants if grant.officer is not None]
    assert ids == ["b" * 16, "c" * 16]
    assert access.retired == (Retired("a" * 16, "ann", "2027-01-15T08:00:00Z"),)


def test_what_was_no_officer_s_retires_nothing(path: Path) -> None:
    access = Access(path)
    access.add_token("clerk", ["write:tree"])
    access.revoke("clerk")
    assert access.retired == ()


def test_one_person_is_not_two_officers_at_a_time(path: Path) -> None:
    access = Access(path)
    access.add_token("ann", ["write:birth"], officer=Appointment(subject="p" * 43))
    with pytest.raises(Conflict, match="ann is this person, as an officer already") as refused:
        access.add_token("ann-2", ["decide:birth"], officer=Appointment(subject="p" * 43))
    assert "p" * 43 not in str(refused.value)
    access.revoke("ann")
    access.add_token("ann-2", ["decide:birth"], officer=Appointment(subject="p" * 43))
    assert [grant.name for grant in access.grants] == ["ann-2"]


@pytest.mark.parametrize(
    ("appointment", "said"),
    [
        (None, "clerk is no officer, and erase:birth is for officers alone"),
        (Appointment(("Registrar",)), "'Registrar' is no role"),
        (Appointment(("registrar\n",)), "is no role"),
        (Appointment(tuple(f"role-{number}" for number in range(21))), "21 roles; give up to 20"),
        (Appointment((), "1975-11-24-0017"), "the officer's subject is no keyed pseudonym"),
    ],
)
def test_who_cannot_be_an_officer_is_none(path: Path, appointment: Appointment | None, said: str) -> None:
    with pytest.raises(Malformed, match=said) as refused:
        Access(path).add_token("clerk", ["erase:birth"], officer=appointment)
    assert "1975" not in str(refused.value)
    assert not path.exists()


@pytest.mark.parametrize("subject", ["p" * 43, "hmac-sha256:" + "p" * 43, "hmac-sha256:" + "0a" * 32])
def test_a_keyed_pseudonym_may_have_its_label(path: Path, subject: str) -> None:
    access = Access(path)
    access.add_token("ann", ["read"], officer=Appointment((), subject))
    officer = access.grants[0].officer
    assert officer is not None
    assert officer.subject == subject


def test_a_file_from_before_there_were_officers_is_read_and_written_anew(path: Path) -> None:
    token = "cft_" + "A" * 43
    clerk = _grant(token="sha256:" + sha256(token.encode()).hexdigest(), key=None, name="clerk")
    path.write_text(json.dumps({"format": "access/v1", "grants": [clerk]}))
    path.chmod(0o600)
    access = Access(path)
    assert access.by_token(token, NOW) == Caller("clerk", "token", frozenset({"read"}))
    access.add_token("ann", ["disclose:birth"], officer=Appointment())
    assert json.loads(path.read_bytes())["format"] == "access/v2"
    assert access.by_token(token, NOW) == Caller("clerk", "token", frozenset({"read"}))


# While a server runs


def test_what_another_process_changes_is_seen_within_a_second(path: Path) -> None:
    clock = Clock()
    serving, command = Access(path, clock=clock), Access(path)
    assert serving.grants == ()
    token = command.add_token("clerk", ["write:tree"])
    assert serving.by_token(token, NOW) is None
    clock.now += LOOK_SECONDS
    assert serving.by_token(token, NOW)
    command.revoke("clerk")
    clock.now += LOOK_SECONDS
    assert serving.by_token(token, NOW) is None


def test_also_when_the_clock_is_set_back(path: Path) -> None:
    clock = Clock()
    serving, command = Access(path, clock=clock), Access(path)
    token = command.add_token("clerk", ["write:tree"])
    assert serving.by_token(token, NOW)
    command.revoke("clerk")
    clock.now -= 86_400
    assert serving.by_token(token, NOW) is None


def test_within_a_second_the_file_is_not_looked_at(path: Path) -> None:
    serving = Access(path, clock=Clock())
    token = serving.add_token("clerk", ["write:tree"])
    assert serving.by_token(token, NOW)
    path.unlink()
    assert serving.by_token(token, NOW)


def test_a_file_that_has_not_changed_is_not_read_again(path: Path) -> None:
    clock = Clock()
    serving = Access(path, clock=clock)
    serving.add_key("land-office", ["read"], KEY.public.text)
    first = serving.grants
    clock.now += 10
    assert serving.grants is first


def test_a_file_that_is_taken_away_takes_all_access_with_it(path: Path) -> None:
    clock = Clock()
    serving = Access(path, clock=clock)
    token = serving.add_token("clerk", ["write:tree"])
    assert serving.by_token(token, NOW)
    path.unlink()
    clock.now += LOOK_SECONDS
    assert serving.by_token(token, NOW) is None


def _give(path: Path, numbers: range) -> None:
    access = Access(path)
    for number in numbers:
        access.add_token(f"clerk-{number}", ["read"])


def test_commands_at_the_same_time_lose_nothing(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_give, args=(path, range(at, at + 8))) for at in (0, 8, 16)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
        assert process.exitcode == 0
    assert {grant.name for grant in Access(path).grants} == {f"clerk-{number}" for number in range(24)}


# A damaged file


def _grant(**changes: object) -> dict[str, object]:
    grant: dict[str, object] = {
        "name": "land-office",
        "scopes": ["read"],
        "token": None,
        "key": KEY.public.text,
    }
    return grant | {"until": None, "created": "2027-01-15T08:00:00Z"} | changes


TOKEN = "sha256:" + "0" * 64
ANN = {"id": "0123456789abcdef", "roles": ["registrar"], "subject": "p" * 43}
RETIRED = {"id": "0123456789abcdef", "name": "ann", "retired": "2027-01-15T08:00:00Z"}
DAMAGES = {
    "nothing": b"",
    "no JSON": b"{",
    "not UTF-8": b'{"format":"access/v1\xff","grants":[]}',
    "another form": b"[]",
    "another format": b'{"format":"access/v3","grants":[]}',
    "retired ids in a format that has none": json.dumps(
        {"format": "access/v1", "grants": [], "retired": [RETIRED]}
    ).encode(),
    "deep": b'{"grants":' + b"[" * 100_000,
    "too long": b" " * (1 << 20) + b'{"format":"access/v1","grants":[]}',
}
GRANTS: dict[str, list[dict[str, object]]] = {
    "a member too many": [_grant(admin=True)],
    "no scope": [_grant(scopes=[])],
    "a scope of no form": [_grant(scopes=["everything"])],
    "a reserved name": [_grant(name="operator")],
    "a name twice": [_grant(), _grant(token=TOKEN, key=None)],
    "a token twice": [_grant(name=name, token=TOKEN, key=None) for name in ("a", "b")],
    "neither token nor key": [_grant(key=None)],
    "token and key": [_grant(token=TOKEN)],
    "a token that is no digest": [_grant(token="cft_secret", key=None)],
    "a key that is none": [_grant(key="ed25519:AAAA")],
    "a day for an end": [_grant(until="2030-01-01")],
    "no time of making": [_grant(created="")],
    "an officer's scope without an officer": [_grant(scopes=["disclose:birth"])],
    "an officer in a format that has none": [_grant(officer=ANN)],
}
OFFICERS: dict[str, list[dict[str, object]]] = {
    "an id of no form": [_grant(officer=ANN | {"id": "0123"})],
    "the operator's id": [_grant(officer=ANN | {"id": "0" * 16})],
    "an operator": [_grant(officer=ANN | {"kind": "operator"})],
    "a rule": [_grant(officer=ANN | {"kind": "rule"})],
    "a kind that there is not": [_grant(officer=ANN | {"kind": "robot"})],
    "a role of no form": [_grant(officer=ANN | {"roles": ["Head Registrar"]})],
    "many roles": [_grant(officer=ANN | {"roles": [f"role-{number}" for number in range(21)]})],
    "a number for a pseudonym": [_grant(officer=ANN | {"subject": "1975-11-24-0017"})],
    "more of an officer": [_grant(officer=ANN | {"name": "Ann"})],
    "an id twice": [_grant(officer=ANN), _grant(name="b", officer=ANN | {"subject": None})],
    "a person twice": [_grant(officer=ANN), _grant(name="b", officer=ANN | {"id": "f" * 16})],
}
DAMAGES |= {
    what: json.dumps({"format": "access/v1", "grants": grants}).encode() for what, grants in GRANTS.items()
}
DAMAGES |= {
    what: json.dumps({"format": "access/v2", "grants": grants}).encode() for what, grants in OFFICERS.items()
}
DAMAGES["an id that has retired"] = json.dumps(
    {"format": "access/v2", "grants": [_grant(officer=ANN)], "retired": [RETIRED]}
).encode()


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_file_lets_nobody_in(path: Path, what: str) -> None:
    clock = Clock()
    serving = Access(path, clock=clock)
    token = serving.add_token("clerk", ["write:tree"])
    serving.add_key("land-office", ["write:*"], KEY.public.text)
    assert serving.by_token(token, NOW)
    path.write_bytes(DAMAGES[what])
    clock.now += LOOK_SECONDS
    asked: list[Callable[[], object]] = [
        lambda: serving.by_token(token, NOW),
        lambda: serving.key("land-office", NOW),
        lambda: serving.grants,
        lambda: serving.by_token(token, NOW),
    ]
    for ask in asked:
        with pytest.raises(Damaged, match="is damaged, so nobody is let in: ") as damaged:
            ask()
        assert "cft_secret" not in str(damaged.value)
        assert "1975-11-24-0017" not in str(damaged.value)


def test_a_damaged_file_is_not_written_over(path: Path) -> None:
    path.write_bytes(b"{")
    path.chmod(0o600)
    for change in (lambda: Access(path).add_token("clerk", ["read"]), lambda: Access(path).revoke("clerk")):
        with pytest.raises(Damaged):
            change()
    assert path.read_bytes() == b"{"


def test_once_it_is_restored_all_is_as_before(path: Path) -> None:
    clock = Clock()
    serving = Access(path, clock=clock)
    token = serving.add_token("clerk", ["write:tree"])
    good = path.read_bytes()
    path.write_bytes(b"{")
    clock.now += LOOK_SECONDS
    with pytest.raises(Damaged):
        serving.by_token(token, NOW)
    path.write_bytes(good)
    clock.now += LOOK_SECONDS
    assert serving.by_token(token, NOW)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o640, 0o604, 0o610])
def test_a_file_that_others_can_get_at_lets_nobody_in_until_that_is_put_right(path: Path, mode: int) -> None:
    clock = Clock()
    serving = Access(path, clock=clock)
    token = serving.add_token("clerk", ["write:tree"])
    path.chmod(mode)
    clock.now += LOOK_SECONDS
    with pytest.raises(Damaged, match="others than its owner can get at it"):
        serving.by_token(token, NOW)
    path.chmod(0o600)
    clock.now += LOOK_SECONDS
    assert serving.by_token(token, NOW)


def test_a_file_that_cannot_be_read_lets_nobody_in(path: Path) -> None:
    path.mkdir()
    with pytest.raises(Unavailable, match="cannot be read, so nobody is let in: Is a directory"):
        Access(path).by_token("cft_" + "A" * 43, NOW)


def test_more_than_would_be_read_is_not_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    access = Access(path)
    access.add_token("clerk", ["read"])
    before = path.read_bytes()
    monkeypatch.setattr("counterfoil.identity.grants.MAX_FILE", len(before) + 50)
    with pytest.raises(Malformed, match="revoke what is not needed"):
        access.add_key("land-office", ["read"], OTHER.public.text)
    assert path.read_bytes() == before
