"""Reading RSF: 14 real registers with their published roots, the reference's wrong files, and each rule by itself."""

from __future__ import annotations

import json
import re
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.registry.rsf import reading
from counterfoil.registry.rsf.format import RsfAssertion, RsfEntry
from counterfoil.registry.rsf.reading import MAX_LINE_BYTES, read_rsf
from tests.registry.rsf_lines import T1, T2, T3, add, entry, hash_of, item_bytes, leaf, root
from tests.shared_data import SHARED, shared

REGISTERS = SHARED / "data" / "registers"
REAL = sorted(path.stem for path in REGISTERS.glob("*.rsf"))
EMPTY_ROOT = "sha-256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

A: dict[str, Any] = {"name": "Aland", "place": "a"}
B: dict[str, Any] = {"name": "Bland", "place": "b"}


def real(register: str) -> bytes:
    return shared(f"data/registers/{register}.rsf").read_bytes()


def published() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shared("data/registers/expected-roots.json").read_bytes())
    return found


def refusal(data: bytes) -> str:
    with pytest.raises(Malformed) as error:
        read_rsf(data)
    return str(error.value)


# ---- Real registers -------------------------------------------------------------------------------


@pytest.mark.parametrize("register", REAL)
def test_a_real_register_reproduces_its_published_root(register: str) -> None:
    expected = next(each for each in published() if each["register"] == register)
    file = read_rsf(real(register))
    assert file.register == register
    assert len(file.user_entries) == expected["user_entries"]
    assert len(file.system_entries) == expected["system_entries"]
    assert file.items == expected["items"]
    assert file.published_root_verified
    first, last = file.assertions
    assert first == RsfAssertion(line=1, root=EMPTY_ROOT, user_entries=0)
    assert last.root == expected["root_hash"]
    assert last.user_entries == expected["root_asserted_at_user_entries"]


def test_all_fourteen_published_roots_have_their_register_here() -> None:
    assert sorted(each["register"] for each in published()) == REAL
    assert len(REAL) == 14


def test_entries_may_follow_the_last_asserted_root() -> None:
    file = read_rsf(real("information-sharing-agreement-0001"))
    assert file.assertions[-1].user_entries == 5
    assert len(file.user_entries) == 40
    assert file.published_root_verified


def test_an_entry_tells_all_that_its_lines_say() -> None:
    file = read_rsf(real("country"))
    assert file.lines == 456
    assert file.ends_in_newline
    name = file.system_entries[0]
    assert (name.kind, name.key, name.number) == ("system", "name", 1)
    assert name.item == {"name": "country"}
    last = file.user_entries[-1]
    assert last == RsfEntry(
        kind="user",
        key="MM",
        timestamp="2019-06-14T14:27:30Z",
        item={
            "citizen-names": "Citizen of Myanmar",
            "country": "MM",
            "name": "Myanmar (Burma)",
            "official-name": "The Republic of the Union of Myanmar",
        },
        item_hash="sha-256:3ec085376ed62e73e1bf777cee193a32cd1115f7f20e20675e04da5214ecfe78",
        number=210,
        item_line=455,
        line=456,
    )
    lines = real("country").split(b"\n")
    assert lines[last.item_line - 1] == b"add-item\t" + item_bytes(last.item)
    assert last.item_hash == hash_of(last.item)


@pytest.mark.parametrize("register", REAL)
def test_every_entry_names_its_own_line_and_that_of_its_item(register: str) -> None:
    lines = real(register).split(b"\n")
    for each in read_rsf(real(register)).entries:
        assert lines[each.line - 1].decode().split("\t")[1:] == [
            each.kind,
            each.key,
            each.timestamp,
            each.item_hash,
        ]
        assert lines[each.item_line - 1] == b"add-item\t" + item_bytes(each.item)


def test_seven_real_registers_repeat_an_identical_item_in_a_valid_amend() -> None:
    repeating = set()
    for register in REAL:
        users = read_rsf(real(register)).user_entries
        system = read_rsf(real(register)).system_entries
        for entries in (users, system):
            if len({each.item_line for each in entries}) < len(entries):
                repeating.add(register)
    assert sorted(repeating) == [
        "allergen",
        "country",
        "government-organisation",
        "jobcentre",
        "local-authority-eng",
        "register",
        "territory",
    ]


def test_an_item_added_twice_serves_an_entry_each() -> None:
    entries = read_rsf(real("field")).entries
    (hash_of_phase,) = {each.item_hash for each in entries if each.key == "field:phase"}
    assert [(each.kind, each.key, each.item_line) for each in entries if each.item_hash == hash_of_phase] == [
        ("system", "field:phase", 10),
        ("user", "phase", 134),
    ]


def test_system_and_user_entries_may_have_the_same_key() -> None:
    file = read_rsf(real("field"))
    named = [each for each in file.entries if each.key == "name"]
    assert [each.kind for each in named] == ["system", "user", "user", "user"]


# ---- The reference implementation's examples ------------------------------------------------------

WRONG = {
    "register-register-invalid-entry-ordering.rsf": (
        Malformed,
        "line 14: the system entry 'register:register' steps back in time, to 2017-06-06T09:54:11Z: "
        "its entry in line 12 is of 2017-11-02T14:45:54Z",
    ),
    "register-register-non-canonical-item.tsv": (
        Malformed,
        "line 1: the item is JSON, but not its canonical form (RFC 8785)",
    ),
    "register-register-orphan-rsf.tsv": (
        Malformed,
        "line 2: no entry refers to this item, "
        "sha-256:d00d4b610e9b5af160a7e5e836eec9e12626cac61823eda1c3ec9a59a78eefaa",
    ),
    "register-register-rsf-invalid-root-hash.tsv": (
        Unverified,
        "line 1: the root after 0 user entries is asserted as "
        "sha-256:b63ab0be61fbadd095eb66f8fce28d4c0d6313d194cefabe288335831cc8e785, but is "
        "sha-256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855; "
        "a file that continues another one must be joined to it first",
    ),
}
RIGHT = {
    "register-register-rsf.tsv": (None, ["ft_openregister_test", "ft_openregister_test2"]),
    "register-register-valid-entry-ordering.rsf": ("register", ["address", "food-authority"]),
    "valid-register-escaped.tsv": (None, ["402019"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_example_is_refused_with_reason_and_line(name: str) -> None:
    kind, message = WRONG[name]
    with pytest.raises(kind) as error:
        read_rsf(shared(f"data/vectors/rsf-negative/{name}").read_bytes())
    assert type(error.value) is kind
    assert str(error.value) == message


@pytest.mark.parametrize("name", RIGHT)
def test_a_right_example_is_read_and_its_root_is_not_said_to_be_verified(name: str) -> None:
    register, keys = RIGHT[name]
    file = read_rsf(shared(f"data/vectors/rsf-negative/{name}").read_bytes())
    assert file.register == register
    assert [each.key for each in file.user_entries] == keys
    assert file.assertions == ()
    assert not file.published_root_verified


def test_every_example_is_judged() -> None:
    names = {path.name for path in shared("data/vectors/rsf-negative").iterdir()}
    assert names == {*WRONG, *RIGHT}


def test_an_escaped_backslash_stays_one_character() -> None:
    file = read_rsf(shared("data/vectors/rsf-negative/valid-register-escaped.tsv").read_bytes())
    assert file.entries[0].item["name"] == "New College\\New College School"


# ---- Roots ----------------------------------------------------------------------------------------


def test_a_leaf_is_compact_json_with_text_not_escaped() -> None:
    file = read_rsf(add(A) + entry("user", 'Å "b"', T1, A))
    assert file.entries[0].leaf() == leaf(1, 'Å "b"', T1, A)
    assert file.entries[0].leaf().decode() == (
        '{"index-entry-number":"1","entry-number":"1","entry-timestamp":"2016-11-02T14:45:54Z",'
        f'"key":"Å \\"b\\"","item-hash":["{hash_of(A)}"]}}'
    )


def test_roots_are_checked_wherever_they_stand_and_cover_user_entries_only() -> None:
    one, two = ("a", T1, A), ("b", T2, B)
    file = read_rsf(
        root()
        + add(A)
        + entry("system", "name", T3, A)
        + root()
        + entry("user", *one)
        + root(one)
        + root(one)
        + add(B)
        + entry("user", *two)
        + root(one, two)
    )
    assert [(each.line, each.user_entries) for each in file.assertions] == [
        (1, 0),
        (4, 0),
        (6, 1),
        (7, 1),
        (10, 2),
    ]
    assert [each.number for each in file.entries] == [1, 1, 2]
    assert file.published_root_verified


def test_a_wrong_root_is_named_with_the_right_one_and_the_entries_it_is_over() -> None:
    one = ("a", T1, A)
    data = add(A) + entry("user", *one) + root(one, one)
    asserted, found = root(one, one).split()[1].decode(), root(one).split()[1].decode()
    with pytest.raises(Unverified) as error:
        read_rsf(data)
    assert str(error.value) == (
        f"line 3: the root after 1 user entries is asserted as {asserted}, but is {found}"
    )


def test_roots_of_more_entries_than_are_hashed_at_once() -> None:
    entries = [(f"k{number}", T1, A) for number in range(2_500)]
    data = add(A) + b"".join(entry("user", *each) for each in entries[:1_500]) + root(*entries[:1_500])
    data += b"".join(entry("user", *each) for each in entries[1_500:]) + root(*entries)
    assert [each.user_entries for each in read_rsf(data).assertions] == [1_500, 2_500]


@pytest.mark.parametrize(
    ("data", "verified"),
    [
        (root(), True),
        (root() + add(A) + entry("system", "name", T1, A), True),
        (root() + add(A) + entry("user", "a", T1, A), False),
        (add(A) + entry("user", "a", T1, A), False),
        (add(A) + entry("user", "a", T1, A) + root(("a", T1, A)), True),
        (add(A) + entry("user", "a", T1, A) + root(("a", T1, A)) + entry("user", "a", T2, A), True),
    ],
    ids=["no entries", "system only", "empty root only", "no root", "root", "root, then an entry"],
)
def test_the_published_root_is_verified_when_one_says_something_about_the_entries(
    data: bytes, verified: bool
) -> None:
    assert read_rsf(data).published_root_verified is verified


# ---- What is wrong in a line ----------------------------------------------------------------------

SHORT = f"append-entry\tuser\ta\t{T1}\tsha-256:12ab\n".encode()
HASH = hash_of(A)
FORM = "it needs 5: append-entry, user or system, key, time, item hash"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (
            b"remove-item\t{}\n",
            "'remove-item' is not a command of RSF; a line begins with "
            "add-item, append-entry or assert-root-hash and a tab",
        ),
        (
            b"\xef\xbb\xbfadd-item\t{}\n",
            "'\\ufeffadd-item' is not a command of RSF; a line begins with "
            "add-item, append-entry or assert-root-hash and a tab",
        ),
        (b"\n", "the line is empty; take it out"),
        (b"add-item\t{}\r\n", "the line ends in CR LF; RSF ends lines in LF alone"),
        (b"\r\n", "the line ends in CR LF; RSF ends lines in LF alone"),
        (b'add-item\t{"a":"\xff"}\n', "the line is not UTF-8: invalid start byte at byte 16"),
        (b'add-item\t{"a":"\xed\xa0\x80"}\n', "the line is not UTF-8: invalid continuation byte at byte 16"),
    ],
)
def test_a_line_is_a_command_in_utf_8(line: bytes, reason: str) -> None:
    assert refusal(add(A) + entry("user", "a", T1, A) + line) == f"line 3: {reason}"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"add-item\n", "add-item has 1 column; it needs 2: add-item, canonical JSON"),
        (b"add-item\t{}\t{}\n", "add-item has 3 columns; it needs 2: add-item, canonical JSON"),
        (b"assert-root-hash\n", "assert-root-hash has 1 column; it needs 2: assert-root-hash, root hash"),
        (b"append-entry\tuser\n", f"append-entry has 2 columns; {FORM}"),
        (
            f"append-entry\tuser\ta\t{T1}\t{HASH}\t{HASH}\n".encode(),
            f"append-entry has 6 columns; {FORM}",
        ),
        (
            f"append-entry\t{T1}\t{HASH}\n".encode(),
            "append-entry is in an older form of 3 columns: append-entry, time, item hash; "
            f"{FORM}. Export the register again in that form",
        ),
        (
            f"append-entry\t{T1}\t{HASH}\ta\n".encode(),
            "append-entry is in an older form of 4 columns: append-entry, time, item hash, key; "
            f"{FORM}. Export the register again in that form",
        ),
    ],
)
def test_a_command_has_its_columns_and_older_forms_are_recognised(line: bytes, reason: str) -> None:
    assert refusal(add(A) + line) == f"line 2: {reason}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{ "a":"b"}', "the item is JSON, but not its canonical form (RFC 8785)"),
        (b'{"b":"1","a":"2"}', "the item is JSON, but not its canonical form (RFC 8785)"),
        (b'{"a":"\\u0041"}', "the item is JSON, but not its canonical form (RFC 8785)"),
        (b'{"a":"b\\/c"}', "the item is JSON, but not its canonical form (RFC 8785)"),
        (b'{"a":"1","a":"2"}', "the item has the name 'a' twice in one object; keep one of them"),
        (b'{"a":{"b":"1","b":"1"}}', "the item has the name 'b' twice in one object; keep one of them"),
        (
            '{"å":"1"}'.encode(),
            "the item has the member name 'å'; member names are ASCII text",
        ),
        (b'{"a":1.5}', "the item holds the number 1.5; write decimals and huge numbers as strings"),
        (b'{"a":9007199254740992}', "the item holds an integer of 2^53 or more; write it as a string"),
        (b'["a"]', "the item is not a JSON object, which an item must be"),
        (b'"a"', "the item is not a JSON object, which an item must be"),
        (b"null", "the item is not a JSON object, which an item must be"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "the item is nested more than 32 deep; flatten it"),
    ],
)
def test_an_item_is_a_canonical_json_object(text: bytes, reason: str) -> None:
    assert refusal(b"add-item\t" + text + b"\n") == f"line 1: {reason}"


@pytest.mark.parametrize("text", [b"", b"{", b'{"a":"b"', b'{"a":"b"}}', b"{'a':'b'}", b"{" * 60_000])
def test_an_item_that_is_not_json_is_refused(text: bytes) -> None:
    assert refusal(b"add-item\t" + text + b"\n").startswith("line 1: the item is not JSON: ")


@pytest.mark.parametrize("item", [{"a": 1, "b": None, "c": True, "d": {"e": ["f", 2]}}, {}])
def test_an_item_may_hold_whatever_a_register_may(item: dict[str, Any]) -> None:
    assert read_rsf(add(item) + entry("user", "a", T1, item)).entries[0].item == item


def one_entry(kind: str = "user", key: str = "a", time: str = T1, item_hash: str = HASH) -> bytes:
    return add(A) + f"append-entry\t{kind}\t{key}\t{time}\t{item_hash}\n".encode()


@pytest.mark.parametrize("kind", ["User", "", "index"])
def test_an_entry_is_a_user_or_a_system_entry(kind: str) -> None:
    assert refusal(one_entry(kind=kind)) == f"line 2: {kind!r} is not a kind of entry; it is user or system"


@pytest.mark.parametrize("key", ["", "a\x00", "a\x7f", "a\x85b", "a\rb", "a" * 256, "a\u2028"])
def test_a_key_is_printable_and_not_too_long(key: str) -> None:
    assert refusal(one_entry(key=key)) == (
        f"line 2: a key has 1 to 255 printable characters; {key[:80]!r} does not"
    )


@pytest.mark.parametrize("key", ["a", "a b", "É/1:2", "a" * 255, "name"])
def test_other_keys_are_taken_as_they_are(key: str) -> None:
    assert read_rsf(one_entry(key=key)).entries[0].key == key


@pytest.mark.parametrize(
    "time",
    [
        "",
        "2016-11-02",
        "2016-11-02T14:45Z",
        "2016-11-02 14:45:54Z",
        "2016-11-02T14:45:54",
        "2016-11-02T14:45:54z",
        "2016-11-02T14:45:54.000Z",
        "2016-11-02T14:45:54+00:00",
        "2016-11-02T24:00:00Z",
        "\u0662\u0660\u0661\u0666-11-02T14:45:54Z",
        "+2016-11-02T14:45:54Z",
        " 2016-11-02T14:45:54Z",
    ],
)
def test_a_time_is_in_utc_to_the_second(time: str) -> None:
    assert refusal(one_entry(time=time)) == (
        f"line 2: {time!r} is not a time of RFC 3339; write it as 2016-11-02T14:45:54Z"
    )


@pytest.mark.parametrize(
    "time",
    ["2017-02-29T00:00:00Z", "2016-13-01T00:00:00Z", "2016-12-31T23:59:60Z", "0000-01-01T00:00:00Z"],
)
def test_a_time_exists(time: str) -> None:
    assert refusal(one_entry(time=time)) == (
        f"line 2: {time!r} is not a time that exists; give a day and a time of the calendar"
    )


def test_a_time_is_not_before_1970() -> None:
    assert read_rsf(one_entry(time="1970-01-01T00:00:00Z")).entries[0].timestamp == "1970-01-01T00:00:00Z"
    assert refusal(one_entry(time="1969-12-31T23:59:59Z")) == (
        "line 2: '1969-12-31T23:59:59Z' lies before 1970, when a ledger's times begin"
    )


@pytest.mark.parametrize(
    "item_hash",
    ["", HASH.upper(), HASH[:-1], HASH + "0", "sha256:" + HASH[8:], HASH[8:], "sha-256:" + "g" * 64],
)
def test_a_hash_has_its_label_and_64_digits(item_hash: str) -> None:
    reason = f"{item_hash[:80]!r} is not a hash; it must be sha-256: and 64 lower-case hexadecimal digits"
    assert refusal(one_entry(item_hash=item_hash)) == f"line 2: {reason}"
    assert refusal(f"assert-root-hash\t{item_hash}\n".encode()) == f"line 1: {reason}"


@pytest.mark.parametrize("separator", [";", ","])
def test_an_entry_has_one_item(separator: str) -> None:
    both = hash_of(A) + separator + hash_of(B)
    assert refusal(add(B) + one_entry(item_hash=both)) == (
        f"line 3: {both!r} names several items; an entry here has one"
    )


# ---- What is wrong between lines ------------------------------------------------------------------


def test_an_entry_refers_to_an_item_above_it() -> None:
    reason = f"the user entry 'b' refers to {hash_of(B)}, which no line above adds: an item is missing or was changed"
    assert refusal(add(A) + entry("user", "b", T1, B)) == f"line 2: {reason}"
    assert refusal(entry("user", "b", T1, B) + add(B)) == f"line 1: {reason}"


def test_an_item_that_no_entry_refers_to_is_an_orphan_and_the_first_is_named() -> None:
    data = add(A) + add({"x": "1"}) + add({"x": "2"}) + entry("user", "a", T1, A)
    assert refusal(data) == f"line 2: no entry refers to this item, {hash_of({'x': '1'})}"


def test_an_item_added_more_often_than_referred_to_is_an_orphan() -> None:
    data = add(A) + add(B) + add(A) + entry("user", "a", T1, A) + entry("user", "b", T1, B)
    assert refusal(data) == (
        f"line 3: no entry refers to this item, {hash_of(A)}; line 1 adds it too, so that one of the two is enough"
    )


def test_entries_take_the_lines_that_add_their_item_in_turn_and_then_the_last() -> None:
    data = add(A) + entry("user", "a", T1, A) * 2 + add(A) + entry("user", "b", T1, A) * 2
    assert [each.item_line for each in read_rsf(data).entries] == [1, 1, 4, 4]


def test_time_steps_back_only_within_a_kind_and_key() -> None:
    right = add(A) + entry("user", "a", T2, A) + entry("user", "b", T1, A) + entry("system", "a", T1, A)
    assert len(read_rsf(right + entry("user", "a", T2, A)).entries) == 4
    assert refusal(right + entry("user", "a", T1, A)) == (
        f"line 5: the user entry 'a' steps back in time, to {T1}: its entry in line 2 is of {T2}"
    )


def test_the_first_wrong_line_is_named() -> None:
    data = add(A) + b"append-entry\tuser\n" + b"nonsense\n" + root(("a", T1, A))
    assert refusal(data).startswith("line 2: append-entry has 2 columns")


# ---- The register's name --------------------------------------------------------------------------


def test_the_register_is_named_by_its_system_entry() -> None:
    data = add(A) + entry("system", "register:place", T1, A) + entry("system", "register:place", T2, A)
    assert read_rsf(data).register == "place"
    assert read_rsf(add(A) + entry("user", "register:place", T1, A)).register is None


def test_a_file_holds_one_register() -> None:
    data = add(A) + entry("system", "register:place", T1, A) + entry("system", "register:site", T2, A)
    assert refusal(data) == (
        "line 3: the system entry 'register:site' defines a second register beside 'place'; a file holds one"
    )


# ---- The file as a whole --------------------------------------------------------------------------


def test_an_empty_file_is_refused() -> None:
    assert refusal(b"") == "line 1: the file is empty; an RSF file has a line at least"


def test_the_last_line_may_lack_its_newline() -> None:
    file = read_rsf(one_entry()[:-1])
    assert not file.ends_in_newline
    assert (file.lines, len(file.entries)) == (2, 1)
    assert read_rsf(one_entry()).ends_in_newline


def test_a_last_line_that_is_cut_off_is_refused_as_such() -> None:
    assert refusal(add(A) + SHORT[:-1]) == (
        "line 2: 'sha-256:12ab' is not a hash; it must be sha-256: and 64 lower-case hexadecimal digits "
        "(the file ends within this line and may be cut off)"
    )
    assert "cut off" not in refusal(add(A) + SHORT)


def test_a_file_cut_off_anywhere_is_refused_or_no_longer_says_its_root_is_verified() -> None:
    data = real("allergen")
    last_line = data.rindex(b"\n", 0, -1) + 1
    starts = {position + 1 for position, byte in enumerate(data) if byte == ord("\n")}
    taken = set()
    for length in sorted(starts | set(range(last_line - 200, len(data)))):
        try:
            file = read_rsf(data[:length])
        except Malformed:
            continue
        taken.add(length)
        assert file.published_root_verified is (length >= len(data) - 1 or not file.entries)
    first_line = data.index(b"\n") + 1
    assert taken == {first_line, last_line - 1, last_line, len(data) - 1, len(data)}


def test_a_line_is_limited() -> None:
    frame = len(add({"a": ""})) - 1
    longest = {"a": "x" * (MAX_LINE_BYTES - frame)}
    assert len(add(longest)) == MAX_LINE_BYTES + 1
    assert len(read_rsf(add(longest) + entry("user", "a", T1, longest)).entries) == 1
    too_long = {"a": "x" * (MAX_LINE_BYTES - frame + 1)}
    reason = "line 2: the line is over 65535 bytes long, the most that is read"
    assert refusal(add(A) + add(too_long) + entry("user", "a", T1, too_long)) == reason
    assert refusal(add(A) + add(too_long)[:-1]) == reason


def test_an_endless_line_is_not_read_whole() -> None:
    stream = BytesIO(b"x" * 1_000_000)
    with pytest.raises(Malformed, match="line 1: the line is over 65535 bytes long"):
        read_rsf(stream)
    assert stream.tell() == MAX_LINE_BYTES + 1


def test_lines_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    data = one_entry() * 2
    monkeypatch.setattr(reading, "MAX_LINES", 3)
    assert refusal(data) == "line 4: the file has over 3 lines, the most that are read"


def test_bytes_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", len(one_entry()))
    assert len(read_rsf(one_entry()).entries) == 1
    limit = len(one_entry())
    assert (
        refusal(one_entry() + root()) == f"line 3: the file is over {limit} bytes long, the most that is read"
    )


def test_an_open_file_is_read_like_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "country.rsf"
    path.write_bytes(real("country"))
    with path.open("rb") as stream:
        assert read_rsf(stream) == read_rsf(real("country"))


def test_progress_is_told_now_and_then_and_at_the_end() -> None:
    data = real("government-organisation")
    told: list[int] = []
    read_rsf(data, told.append)
    assert told == sorted(set(told))
    assert told[-1] == len(data)
    assert reading.PROGRESS_BYTES <= told[0] < reading.PROGRESS_BYTES + 1_000
    assert len(told) == 2


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_no_byte_of_an_item_a_user_entry_or_a_root_can_change(data: st.DataObject) -> None:
    lines = real("allergen").split(b"\n")[:-1]
    sealed = [number for number, line in enumerate(lines) if not line.startswith(b"append-entry\tsystem")]
    number = data.draw(st.sampled_from(sealed))
    line = bytearray(lines[number])
    line[data.draw(st.integers(0, len(line) - 1))] ^= data.draw(st.integers(1, 255))
    lines[number] = bytes(line)
    with pytest.raises((Malformed, Unverified), match=r"^line \d+: "):
        read_rsf(b"\n".join(lines) + b"\n")


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400)
    | st.lists(st.sampled_from([*real("datatype").splitlines(True), b"\n", b"\t"])).map(b"".join)
)
def test_whatever_comes_is_read_or_refused_with_a_line(data: bytes) -> None:
    lines = len(data.split(b"\n"))
    try:
        said = f"line {read_rsf(data).lines}: read"
    except (Malformed, Unverified) as error:
        said = str(error)
    found = re.match(r"line (\d+): .", said)
    assert found is not None
    assert 1 <= int(found[1]) <= lines
