"""The list of witnesses in a file: what may be in it, and that no change of it is lost."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from counterfoil.errors import Conflict, Damaged, Malformed, NotFound, Unavailable
from counterfoil.gateway.witnesses import AskedWitness, Witnesses
from counterfoil.proof.note import VerifierKey
from tests.gateway.small_log import SmallLog
from tests.gateway.witness_served import cosigning_keys

URL = "https://witness.example"


@pytest.fixture
def witnesses(tmp_path: Path) -> Witnesses:
    return Witnesses(tmp_path / "witnesses.json")


def test_one_is_added_recorded_and_removed(witnesses: Witnesses) -> None:
    assert witnesses.list() == ()
    first = witnesses.add(f"{URL}/", cosigning_keys("w1"))
    assert first == AskedWitness("w1", URL, tuple(each.text for each in cosigning_keys("w1")), 0, None, None)
    second = witnesses.add(URL, cosigning_keys("w2")[:1])
    witnesses.record("w1", size=7, cosigned=1_800_000_000, error="it is away")
    recorded = AskedWitness("w1", URL, first.keys, 7, 1_800_000_000, "it is away")
    assert witnesses.list() == (recorded, second)
    witnesses.remove("w1")
    assert witnesses.list() == (second,)
    assert second.verifier_keys == cosigning_keys("w2")[:1]


def test_the_file_is_its_owners_alone(witnesses: Witnesses, tmp_path: Path) -> None:
    witnesses.add(URL, cosigning_keys("w1"))
    assert stat.S_IMODE((tmp_path / "witnesses.json").stat().st_mode) == 0o600


def test_what_was_removed_meanwhile_does_not_come_back(witnesses: Witnesses) -> None:
    witnesses.add(URL, cosigning_keys("w1"))
    witnesses.remove("w1")
    witnesses.record("w1", size=7, cosigned=1, error=None)
    assert witnesses.list() == ()


def test_a_name_is_there_once(witnesses: Witnesses) -> None:
    witnesses.add(URL, cosigning_keys("w1"))
    with pytest.raises(Conflict, match="there is a witness w1 already"):
        witnesses.add("https://elsewhere.example", cosigning_keys("w1"))
    with pytest.raises(NotFound, match="there is no witness 'w2'; those that are asked: w1"):
        witnesses.remove("w2")


def test_the_same_one_again_changes_nothing(witnesses: Witnesses) -> None:
    """So that a command that was ended half-way is brought to its end by the same call."""
    first = witnesses.add(URL, cosigning_keys("w1"))
    witnesses.record("w1", size=7, cosigned=1, error=None)
    assert witnesses.add(f"{URL}/", cosigning_keys("w1")[::-1]).name == first.name
    assert [each.size for each in witnesses.list()] == [7]
    with pytest.raises(Conflict, match="there is a witness w1 already"):
        witnesses.add(URL, cosigning_keys("w1")[:1])


def test_what_is_to_come_first_is_done_before_the_list_is_written(witnesses: Witnesses) -> None:
    seen: list[int] = []

    def look() -> bool:
        seen.append(len(witnesses.list()))
        return False

    witnesses.add(URL, cosigning_keys("w1"), first=look)
    with pytest.raises(Conflict):
        witnesses.add("https://elsewhere.example", cosigning_keys("w1"), first=look)
    witnesses.remove("w1", first=look)
    assert seen == [0, 1]


def test_where_it_fails_nothing_is_changed(witnesses: Witnesses) -> None:
    def fail() -> bool:
        raise Unavailable("the disk is full")

    with pytest.raises(Unavailable):
        witnesses.add(URL, cosigning_keys("w1"), first=fail)
    assert witnesses.list() == ()
    witnesses.add(URL, cosigning_keys("w1"))
    with pytest.raises(Unavailable):
        witnesses.remove("w1", first=fail)
    assert [each.name for each in witnesses.list()] == ["w1"]


def test_the_file_is_read_again_only_where_it_has_changed(
    witnesses: Witnesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Witnesses(tmp_path / "witnesses.json")
    other.add(URL, cosigning_keys("w1"))
    assert [each.name for each in witnesses.list()] == ["w1"]
    with monkeypatch.context() as patched:
        patched.setattr(witnesses, "_read", lambda: pytest.fail("it was read again"))
        assert [each.name for each in witnesses.list()] == ["w1"]
    other.add(URL, cosigning_keys("w2"))
    assert [each.name for each in witnesses.list()] == ["w1", "w2"]
    (tmp_path / "witnesses.json").unlink()
    assert witnesses.list() == ()


def test_no_more_than_a_checkpoint_has_room_for(witnesses: Witnesses) -> None:
    for number in range(40):
        witnesses.add(URL, cosigning_keys(f"w{number}")[:1])
    with pytest.raises(Conflict, match="there are 40 witnesses"):
        witnesses.add(URL, cosigning_keys("another"))


@pytest.mark.parametrize(
    ("url", "keys", "message"),
    [
        ("witness.example", cosigning_keys("w1"), "is no address"),
        ("https://me:secret@witness.example", cosigning_keys("w1"), "has a user's name in it"),
        (URL, (), "a witness has one name, and the keys given have 0"),
        (
            URL,
            (*cosigning_keys("w1"), *cosigning_keys("w2")),
            "a witness has one name, and the keys given have 2: w1, w2",
        ),
        (URL, cosigning_keys("w1")[:1] * 2, "is given twice"),
        (URL, SmallLog().keys[:1], "is a log's, of type 0x01"),
    ],
)
def test_what_is_no_witness(
    witnesses: Witnesses, url: str, keys: tuple[VerifierKey, ...], message: str
) -> None:
    with pytest.raises(Malformed, match=message):
        witnesses.add(url, keys)
    assert witnesses.list() == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"witnesses": [{"name": "w1"}]}',
        b'{"witnesses": [], "more": 1}',
        b'{"witnesses": [{"name": "w1", "url": "https://w", "keys": []}]}',
        b'{"witnesses": [{"name": "w1", "url": "file:///etc", "keys": ["x"]}]}',
        b"\xff",
        b" " * ((1 << 20) + 1),
    ],
)
def test_a_file_in_another_form_is_damaged(witnesses: Witnesses, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "witnesses.json").write_bytes(data)
    with pytest.raises(Damaged, match=r"witnesses\.json is not in form"):
        witnesses.list()


def test_changes_at_once_are_all_made(tmp_path: Path) -> None:
    """Each by an object of its own, as processes have."""
    path = tmp_path / "witnesses.json"
    names = [f"w{number}" for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: Witnesses(path).add(URL, cosigning_keys(name)[:1]), names))
        list(pool.map(lambda name: Witnesses(path).record(name, size=9, cosigned=1, error=None), names))
    assert sorted(each.name for each in Witnesses(path).list() if each.size == 9) == sorted(names)
