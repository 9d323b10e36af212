"""Signed notes: against notes, keys and cosignatures by others, and the rules of C2SP signed-note."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.note import (
    ED25519_COSIGNATURE,
    ED25519_NOTE,
    MAX_NOTE_BYTES,
    MAX_TIME,
    ML_DSA_44_COSIGNATURE,
    TYPES,
    Note,
    NoteSignature,
    TreeHead,
    VerifierKey,
    cosigned_message,
    decode_base64,
    encode_base64,
    parse_note,
    parse_tree_head,
    sign_note,
    verify_signature,
)
from counterfoil.proof.signing import ALGORITHMS, PublicKey, SigningKey

KEYS = {name: SigningKey(name, bytes(range(32))) for name in ALGORITHMS}
NAME = "example.com/log"
ROOT = sha256(b"").digest()
TEXT = f"{NAME}\n0\n{b64encode(ROOT).decode()}\n"
TIME = 1_795_000_000


def key_of(type_: int, name: str = NAME) -> VerifierKey:
    return VerifierKey(name, type_, KEYS[TYPES[type_]].public)


def signed(type_: int, text: str = TEXT, time: int = TIME) -> tuple[Note, NoteSignature, VerifierKey]:
    signature = sign_note(text, KEYS[TYPES[type_]], NAME, type_, time)
    return Note(text, (signature,)), signature, key_of(type_)


# ---- Notes by others -----------------------------------------------------------------------------------

# The example of the documentation of golang.org/x/mod/sumdb/note.
NEUMANN_SEED = b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
NEUMANN_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
NEUMANN_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
NEUMANN_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJ"
    "nAM=\n"
)
NEUMANN = f"{NEUMANN_TEXT}\n{NEUMANN_LINE}".encode()

# The test vector of C2SP signed-note.
EXAMPLE_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72I"
    "neyaQM=\n"
).encode()

# The example of C2SP signed-note, Format: its text has an empty line and a letter that is not ASCII.
POEM = (
    "Ognuno sta solo sul cuor della terra\n"
    "trafitto da un raggio di sole:\n"
    "\n"
    "ed è subito sera.\n"
    "\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj9"
    "9ihAQwaqP3ZekRwNtIc=\n"
).encode()


@pytest.mark.parametrize(("data", "text"), [(NEUMANN, NEUMANN_KEY), (EXAMPLE, EXAMPLE_KEY)])
def test_a_note_by_others_verifies(data: bytes, text: str) -> None:
    note, key = parse_note(data), VerifierKey.parse(text)
    assert verify_signature(note, note.signatures[0], key) is None
    assert note.encode() == data


def test_signing_the_go_example_gives_its_very_bytes() -> None:
    key = SigningKey("ed25519", NEUMANN_SEED)
    assert VerifierKey("PeterNeumann", ED25519_NOTE, key.public).text == NEUMANN_KEY
    signature = sign_note(NEUMANN_TEXT, key, "PeterNeumann", ED25519_NOTE, TIME)
    assert signature.line == NEUMANN_LINE
    assert Note(NEUMANN_TEXT, (signature,)).encode() == NEUMANN


def test_the_text_of_a_note_ends_at_its_last_empty_line() -> None:
    note = parse_note(POEM)
    assert note.text.splitlines()[1:] == ["trafitto da un raggio di sole:", "", "ed è subito sera."]
    assert note.text.endswith("sera.\n")
    assert [signature.label for signature in note.signatures] == ["quasimodo.example/salvatore+367ba04b"]
    assert len(note.signatures[0].signature) == 64
    assert note.encode() == POEM


# Keys of transparency-dev/formats and of public witnesses: in the first the base64 holds a `+`.
@pytest.mark.parametrize(
    ("text", "name", "type_", "key_id"),
    [
        (NEUMANN_KEY, "PeterNeumann", 0x01, "c74f20a3"),
        (EXAMPLE_KEY, "example.com/foo", 0x01, "530d903a"),
        ("TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", "TEST", 0x01, "7997405c"),
        (
            "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
            "remora.n621.de",
            0x04,
            "da77ade7",
        ),
        (
            "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
            "transparency.dev/DEV:witness-little-garden",
            0x04,
            "d8042a87",
        ),
    ],
)
def test_a_verifier_key_by_others_is_read_and_written_back(
    text: str, name: str, type_: int, key_id: str
) -> None:
    key = VerifierKey.parse(text)
    assert (key.name, key.type, key.key_id.hex()) == (name, type_, key_id)
    assert key.public.algorithm == "ed25519"
    assert key.text == text
    assert key.label == f"{name}+{key_id}"


# ---- Verifier keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", TYPES)
def test_a_key_id_is_made_of_name_type_and_public_key(type_: int) -> None:
    key = key_of(type_)
    material = bytes([type_]) + key.public.raw
    assert key.key_id == sha256(NAME.encode() + b"\n" + material).digest()[:4]
    assert key.text == f"{NAME}+{key.key_id.hex()}+{b64encode(material).decode()}"
    assert VerifierKey.parse(key.text) == key


def test_one_key_under_two_types_or_names_has_two_ids() -> None:
    keys = [key_of(type_, name) for type_ in (0x01, 0x04) for name in ("a", "b")]
    assert len({key.key_id for key in keys}) == 4


def mangled(text: str) -> list[str]:
    name, key_id, material = text.split("+", 2)
    raw = b64decode(material)
    return [
        "",
        "+",
        "++",
        name,
        f"{name}+{key_id}",
        f"{name}+{key_id}+",
        f"+{key_id}+{material}",
        f"{name}++{material}",
        f"{name}+{key_id.upper()}+{material}",
        f"{name}+0{key_id}+{material}",
        f"{name}+{key_id[:-1]}+{material}",
        f"{name}+{int(key_id, 16) ^ 1:08x}+{material}",
        f"{name} +{key_id}+{material}",
        f"{name}x+{key_id}+{material}",
        f"{text}\n",
        f"{text}=",
        f" {text}",
        f"{name}+{key_id}+{material[:-1]}",
        f"{name}+{key_id}+{material.replace('A', '!', 1)}",
        f"{name}+{key_id}+{b64encode(raw[1:]).decode()}",
        f"{name}+{key_id}+{b64encode(raw[:-1]).decode()}",
        f"{name}+{key_id}+{b64encode(raw + bytes(1)).decode()}",
        *(
            f"{name}+{key_id}+{b64encode(bytes([type_]) + raw[1:]).decode()}"
            for type_ in (0, 2, 3, 4, 5, 6, 255)
        ),
    ]


@pytest.mark.parametrize("text", mangled(NEUMANN_KEY))
def test_a_verifier_key_in_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        VerifierKey.parse(text)


def test_a_wrong_key_id_is_refused_with_the_right_one() -> None:
    with pytest.raises(Malformed, match="has a wrong key id; that of this key is c74f20a3"):
        VerifierKey.parse(NEUMANN_KEY.replace("c74f20a3", "00000000"))


@pytest.mark.parametrize(
    ("type_", "algorithm"), [(0x01, "ml-dsa-44"), (0x04, "ml-dsa-44"), (0x06, "ed25519"), (0x02, "ed25519")]
)
def test_a_signature_type_goes_with_its_own_algorithm_only(type_: int, algorithm: str) -> None:
    with pytest.raises(Malformed, match=f"signature type 0x0{type_} does not go with an {algorithm} key"):
        VerifierKey(NAME, type_, KEYS[algorithm].public)


BAD_NAMES = [
    "",
    " ",
    "a b",
    "a+b",
    "a\n",
    "a\tb",
    "\0",
    "a\x85",
    "a\xa0b",
    "a\u1680",
    "\u2003",
    "\u2028",
    "\u3000",
]


@pytest.mark.parametrize("name", [*BAD_NAMES, "\ud800"])
def test_a_key_name_has_no_space_no_control_character_and_no_plus(name: str) -> None:
    with pytest.raises(Malformed, match="is no key name"):
        VerifierKey(name, ED25519_NOTE, KEYS["ed25519"].public)
    with pytest.raises(Malformed, match="is no key name"):
        NoteSignature(name, bytes(4), b"x")


@pytest.mark.parametrize("name", ["a", "é", "名", "a\u200b", "a/b:c,d=e", "—", "a" * 255, "é" * 127])
def test_any_other_name_up_to_255_bytes_is_taken(name: str) -> None:
    key = VerifierKey(name, ED25519_NOTE, KEYS["ed25519"].public)
    assert VerifierKey.parse(key.text) == key
    note = Note("text\n", (sign_note("text\n", KEYS["ed25519"], name, ED25519_NOTE, 0),))
    assert parse_note(note.encode()) == note


@pytest.mark.parametrize("name", ["a" * 256, "é" * 128])
def test_a_longer_name_is_refused(name: str) -> None:
    with pytest.raises(Malformed, match="over 255 bytes"):
        VerifierKey(name, ED25519_NOTE, KEYS["ed25519"].public)


# ---- The bytes of a note -------------------------------------------------------------------------------

LINE = "— a AAAAAAA=\n"
"""The shortest line there is: key id 0 and one byte of signature."""


def test_the_shortest_note() -> None:
    note = parse_note(f"\n\n{LINE}".encode())
    assert note == Note("\n", (NoteSignature("a", bytes(4), b"\0"),))
    assert note.encode() == f"\n\n{LINE}".encode()


def test_a_text_may_hold_empty_lines_and_what_looks_like_signatures() -> None:
    text = f"a\n\n{LINE}\n\n\n"
    assert parse_note(f"{text}\n{LINE}".encode()) == Note(text, (NoteSignature("a", bytes(4), b"\0"),))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "text, an empty line and signature lines"),
        ("text", "text, an empty line and signature lines"),
        ("text\n", "text, an empty line and signature lines"),
        ("text\n\n", "text, an empty line and signature lines"),
        (f"text\n{LINE}", "text, an empty line and signature lines"),
        (f"\n{LINE}", "text, an empty line and signature lines"),
        (f"text\n\n{LINE[:-1]}", "each ended by a newline"),
        (f"text\n\n{LINE}\n", "each ended by a newline"),
        (f"text\n\n{LINE}text\n", "a signature line must be"),
        (f"text\n\n{LINE}\n{LINE[:-1]} \n", "a signature line must be"),
        (f"text\n\n{LINE.replace('—', '-')}", "a signature line must be"),
        (f"text\n\n{LINE.replace('—', '–')}", "a signature line must be"),  # noqa: RUF001  # an en dash is meant
        (f"text\n\n {LINE}", "a signature line must be"),
        (f"text\n\n{LINE.replace('— ', '—')}", "a signature line must be"),
        (f"text\n\n{LINE.replace('— ', '—  ')}", "a signature line must be"),
        (f"text\n\n{LINE.replace(' AAAA', '  AAAA')}", "a signature line must be"),
        ("text\n\n— a\n", "a signature line must be"),
        ("text\n\n— a b AAAAAAA=\n", "a signature line must be"),
        ("text\n\n— a+b AAAAAAA=\n", "no key name"),
        ("text\n\n—  AAAAAAA=\n", "no key name"),
        ("text\n\n— a\u2003b AAAAAAA=\n", "no key name"),
        ("text\n\n— a \n", "at least one byte"),
        ("text\n\n— a AAAA\n", "at least one byte"),
        ("text\n\n— a AAAAAA==\n", "at least one byte"),
        ("text\n\n— a AAAAAAA\n", "canonical"),
        ("text\n\n— a AAAAAAB=\n", "canonical"),
        ("text\n\n— a AAAAAA=\n", "canonical"),
        ("text\n\n— a AAAAAAAA=\n", "canonical"),
        ("text\n\n— a AAAAAAAA====\n", "canonical"),
        ("text\n\n— a AAAA=AAA\n", "canonical"),
        ("text\n\n— a AAAAAA-_\n", "canonical"),
        ("text\n\n— a AAAAAAé=\n", "canonical"),
        (f"te\txt\n\n{LINE}", "may not hold the character '\\\\t'"),
        (f"te\rxt\n\n{LINE}", "may not hold the character '\\\\r'"),
        (f"te\0xt\n\n{LINE}", "may not hold the character '\\\\x00'"),
        (f"text\r\n\r\n{LINE}", "text, an empty line and signature lines"),
        (f"text\n\n— a\t {LINE[4:]}", "no key name"),
        (f"text\n\n{LINE[:-1]}\r\n", "canonical"),
    ],
)
def test_what_is_no_note_is_refused_with_the_reason(data: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_note(data.encode())


@pytest.mark.parametrize("data", [b"\xff", NEUMANN.replace(b"x08g", b"\xc0\xaf"), NEUMANN[:-1] + b"\xe2\x80"])
def test_what_is_not_utf_8_is_refused(data: bytes) -> None:
    with pytest.raises(Malformed, match=r"the note is not UTF-8: .* at byte"):
        parse_note(data)


@pytest.mark.parametrize("count", [1, 16, 100])
def test_up_to_100_lines_are_read(count: int) -> None:
    data = f"text\n\n{LINE * count}".encode()
    assert len(parse_note(data).signatures) == count
    assert parse_note(data).encode() == data


def test_more_than_100_lines_are_refused() -> None:
    with pytest.raises(Malformed, match="more than 100 signature lines"):
        parse_note(f"text\n\n{LINE * 101}".encode())
    with pytest.raises(Malformed, match="1 to 100 signatures; this one has 101"):
        Note("text\n", (NoteSignature("a", bytes(4), b"x"),) * 101)


def test_a_hundred_ml_dsa_44_lines_fit_into_a_note_and_a_note_over_a_mebibyte_is_refused() -> None:
    signature = NoteSignature("a" * 255, bytes(4), bytes(8 + 2420))
    assert len(parse_note(Note(TEXT, (signature,) * 100).encode()).signatures) == 100
    line = NoteSignature("a", bytes(4), b"x")
    filled = "x" * (MAX_NOTE_BYTES - len(line.line.encode()) - 2) + "\n"
    assert len(Note(filled, (line,)).encode()) == MAX_NOTE_BYTES
    assert parse_note(Note(filled, (line,)).encode()).text == filled
    with pytest.raises(Malformed, match="1048576 are the most"):
        Note(f"x{filled}", (line,)).encode()
    with pytest.raises(Malformed, match="1048577 bytes"):
        parse_note(b"x" + Note(filled, (line,)).encode())


@pytest.mark.parametrize("text", ["", "text", "text\n\t\n", "text\r\n", "\x1f\n", "\ud800\n"])
def test_a_note_cannot_be_made_of_a_text_that_it_may_not_have(text: str) -> None:
    with pytest.raises(Malformed, match="text"):
        Note(text, (NoteSignature("a", bytes(4), b"x"),))
    with pytest.raises(Malformed, match="text"):
        sign_note(text, KEYS["ed25519"], NAME, ED25519_NOTE, 0)


def test_a_note_cannot_be_made_without_signatures_nor_a_signature_without_id_and_bytes() -> None:
    with pytest.raises(Malformed, match="1 to 100 signatures; this one has 0"):
        Note("text\n", ())
    for key_id, signature in [(b"", b"x"), (bytes(3), b"x"), (bytes(5), b"x"), (bytes(4), b"")]:
        with pytest.raises(Malformed, match="4-byte key id and at least one byte"):
            NoteSignature("a", key_id, signature)


texts = st.text(st.characters(min_codepoint=32, codec="utf-8") | st.just("\n"), max_size=60).map(
    lambda text: f"{text}\n"
)
names = st.text(
    st.characters(codec="utf-8", exclude_characters="+", exclude_categories=("Cc", "Zs", "Zl", "Zp")),
    min_size=1,
    max_size=20,
)


@given(texts, st.lists(st.tuples(names, st.binary(min_size=5, max_size=80)), min_size=1, max_size=4))
def test_any_note_reads_back_from_its_bytes(text: str, lines: list[tuple[str, bytes]]) -> None:
    note = Note(text, tuple(NoteSignature(name, data[:4], data[4:]) for name, data in lines))
    assert parse_note(note.encode()) == note


@given(st.data())
def test_whatever_is_read_as_a_note_has_just_these_bytes(data: st.DataObject) -> None:
    changed = bytearray(data.draw(st.sampled_from([NEUMANN, EXAMPLE, POEM])))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    try:
        note = parse_note(bytes(changed))
    except Malformed:
        return
    assert note.encode() == changed


# ---- Base64 --------------------------------------------------------------------------------------------


@given(st.binary(max_size=100))
def test_base64_is_padded_and_reads_back(data: bytes) -> None:
    assert encode_base64(data) == b64encode(data).decode()
    assert decode_base64(encode_base64(data), "it") == data


@pytest.mark.parametrize(
    "text", ["A", "AA", "AAA", "AA=", "AB==", "AAB=", "AA==\n", " AA==", "AA==AA==", "-_==", "é"]
)
def test_base64_in_any_other_form_is_refused(text: str) -> None:
    with pytest.raises(Malformed, match="the salt must be padded base64 in its canonical form"):
        decode_base64(text, "the salt")


# ---- Signatures of each type ---------------------------------------------------------------------------


@pytest.mark.parametrize("type_", TYPES)
def test_a_signature_verifies_and_a_cosignature_gives_its_time(type_: int) -> None:
    note, signature, key = signed(type_)
    assert verify_signature(note, signature, key) == (None if type_ == ED25519_NOTE else TIME)
    again = parse_note(note.encode())
    assert verify_signature(again, again.signatures[0], key) == (None if type_ == ED25519_NOTE else TIME)


def test_a_note_signature_is_ed25519_over_the_text() -> None:
    _, signature, key = signed(ED25519_NOTE)
    key.public.verify(signature.signature, TEXT.encode())


def test_an_ed25519_cosignature_is_over_a_header_the_time_and_the_text() -> None:
    _, signature, key = signed(ED25519_COSIGNATURE)
    assert len(signature.signature) == 8 + 64
    assert signature.signature[:8] == TIME.to_bytes(8, "big")
    key.public.verify(signature.signature[8:], f"cosignature/v1\ntime {TIME}\n{TEXT}".encode())


def test_an_ml_dsa_44_cosignature_is_over_names_time_size_and_root() -> None:
    _, signature, key = signed(ML_DSA_44_COSIGNATURE)
    assert len(signature.signature) == 8 + 2420
    assert signature.signature[:8] == TIME.to_bytes(8, "big")
    key.public.verify(signature.signature[8:], cosigned_message(NAME, TIME, NAME, 0, 0, ROOT))


def test_the_cosigned_message_is_laid_out_as_tlog_cosignature_says() -> None:
    assert cosigned_message("w", 1, "log", 8, 0x0102, b"\xab" * 32) == bytes.fromhex(
        "737562747265652f76310a00"  # the label: subtree/v1, newline, zero
        "01 77"
        "0000000000000001"
        "03 6c6f67"
        "0000000000000008"
        "0000000000000102"
    ) + (b"\xab" * 32)


@pytest.mark.parametrize(("cosigner", "origin"), [("", "a"), ("a", ""), ("a" * 256, "a"), ("a", "é" * 128)])
def test_the_names_in_a_cosigned_message_are_1_to_255_bytes(cosigner: str, origin: str) -> None:
    with pytest.raises(Malformed, match="1 to 255 bytes"):
        cosigned_message(cosigner, 0, origin, 0, 1, ROOT)


@pytest.mark.parametrize("type_", TYPES)
def test_a_signature_does_not_hold_for_another_text(type_: int) -> None:
    _, signature, key = signed(type_)
    for text in [TEXT.replace("0", "1"), TEXT.replace("log", "lag"), TEXT.replace("4", "5", 1), f"{TEXT}x\n"]:
        with pytest.raises(
            Unverified, match=f"the signature line of {key.name}\\+{key.key_id.hex()} does not hold"
        ):
            verify_signature(Note(text, (signature,)), signature, key)


@pytest.mark.parametrize("type_", TYPES)
def test_a_signature_of_any_other_length_is_refused(type_: int) -> None:
    note, signature, key = signed(type_)
    raw = signature.signature
    for wrong in [raw[:-1], raw + b"\0", raw[1:], raw[8:] or b"x", raw[:8], raw[:1]]:
        with pytest.raises(Unverified, match=r"does not hold|time above"):
            verify_signature(note, replace(signature, signature=wrong), key)


@pytest.mark.parametrize("type_", [ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE])
def test_the_time_of_a_cosignature_is_signed(type_: int) -> None:
    note, signature, key = signed(type_)
    for time in [0, TIME - 1, TIME + 1, MAX_TIME]:
        changed = replace(signature, signature=time.to_bytes(8, "big") + signature.signature[8:])
        with pytest.raises(Unverified, match="does not hold"):
            verify_signature(note, changed, key)


@pytest.mark.parametrize("type_", [ED25519_COSIGNATURE, ML_DSA_44_COSIGNATURE])
def test_a_time_of_2_63_or_more_is_refused_even_where_it_is_signed(type_: int) -> None:
    key = KEYS[TYPES[type_]]
    verifier = key_of(type_)
    for time, taken in [(MAX_TIME, True), (MAX_TIME + 1, False), (2**64 - 1, False)]:
        message = (
            f"cosignature/v1\ntime {time}\n{TEXT}".encode()
            if type_ == ED25519_COSIGNATURE
            else cosigned_message(NAME, time, NAME, 0, 0, ROOT)
        )
        signature = NoteSignature(NAME, verifier.key_id, time.to_bytes(8, "big") + key.sign(message))
        note = Note(TEXT, (signature,))
        if taken:
            assert verify_signature(note, signature, verifier) == time
        else:
            with pytest.raises(Unverified, match="a time above 2\\^63-1"):
                verify_signature(note, signature, verifier)


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("time", [-1, MAX_TIME + 1])
def test_no_such_time_is_signed(type_: int, time: int) -> None:
    with pytest.raises(Malformed, match="0 to 2\\^63-1 seconds since 1970"):
        sign_note(TEXT, KEYS[TYPES[type_]], NAME, type_, time)


def test_a_line_is_checked_with_the_key_it_names_only() -> None:
    note, signature, key = signed(ED25519_NOTE)
    for other in [key_of(ED25519_COSIGNATURE), key_of(ED25519_NOTE, "example.com/other")]:
        with pytest.raises(Unverified, match=f"is not one of the key {other.name}\\+{other.key_id.hex()}"):
            verify_signature(note, signature, other)
    for changed in [replace(signature, name="x"), replace(signature, key_id=bytes(4))]:
        with pytest.raises(Unverified, match="is not one of the key"):
            verify_signature(note, changed, key)


def test_a_signature_of_one_type_is_none_of_another() -> None:
    note, cosignature, _ = signed(ED25519_COSIGNATURE)
    plain = key_of(ED25519_NOTE)
    for raw in [cosignature.signature, cosignature.signature[8:]]:
        line = NoteSignature(NAME, plain.key_id, raw)
        with pytest.raises(Unverified, match="does not hold"):
            verify_signature(note, line, plain)


def test_ml_dsa_44_neither_signs_nor_verifies_extension_lines_or_what_is_no_checkpoint() -> None:
    _, signature, key = signed(ML_DSA_44_COSIGNATURE)
    for text, reason in [(f"{TEXT}extension\n", "extension lines"), ("some text\n", "three or more lines")]:
        with pytest.raises(Unverified, match=reason):
            verify_signature(Note(text, (signature,)), signature, key)
        with pytest.raises(Malformed, match=reason):
            sign_note(text, KEYS["ml-dsa-44"], NAME, ML_DSA_44_COSIGNATURE, TIME)


@pytest.mark.parametrize("type_", TYPES)
@given(data=st.data())
def test_a_changed_bit_of_a_signature_is_refused(type_: int, data: st.DataObject) -> None:
    note, signature, key = signed(type_)
    raw = bytearray(signature.signature)
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Unverified):
        verify_signature(note, replace(signature, signature=bytes(raw)), key)


@given(texts, st.integers(0, MAX_TIME), st.sampled_from([ED25519_NOTE, ED25519_COSIGNATURE]))
def test_any_text_can_be_signed_at_any_time(text: str, time: int, type_: int) -> None:
    note, signature, key = signed(type_, text, time)
    assert verify_signature(note, signature, key) == (None if type_ == ED25519_NOTE else time)


# ---- What the text of a checkpoint says ----------------------------------------------------------------

ROOT_LINE = b64encode(ROOT).decode()


def test_a_tree_head_is_three_lines_and_what_follows() -> None:
    assert parse_tree_head(TEXT) == TreeHead(NAME, 0, ROOT, ())
    assert parse_tree_head(f"a b\n17\n{ROOT_LINE}\nx\ny \n") == TreeHead("a b", 17, ROOT, ("x", "y "))


@pytest.mark.parametrize("size", [0, 1, 10, 2**53, 2**63])
def test_sizes_up_to_2_63_are_read(size: int) -> None:
    assert parse_tree_head(f"log\n{size}\n{ROOT_LINE}\n").size == size


@pytest.mark.parametrize(
    "size",
    [
        "00",
        "01",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0x1",
        "1_0",
        " 1",
        "1 ",
        "a",
        "\u0661",
        "²",
        str(2**63 + 1),
        "9" * 5000,
    ],
)
def test_any_other_size_is_refused(size: str) -> None:
    with pytest.raises(Malformed, match="size is decimal without leading zeros, to 2\\^63"):
        parse_tree_head(f"log\n{size}\n{ROOT_LINE}\n")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\n", "three or more lines"),
        ("log\n", "three or more lines"),
        ("log\n1\n", "three or more lines"),
        (f"\n1\n{ROOT_LINE}\n", "none empty"),
        (f"log\n\n1\n{ROOT_LINE}\n", "none empty"),
        (f"log\n1\n{ROOT_LINE}\n\n", "none empty"),
        (f"log\n1\n{ROOT_LINE}\n\nx\n", "none empty"),
        (f"log\n1\n{ROOT_LINE}", "end with a newline"),
        (f"log\n1\r\n{ROOT_LINE}\n", "may not hold"),
        (f"log\n1\n{ROOT_LINE[:-1]}\n", "canonical"),
        (f"log\n1\n {ROOT_LINE}\n", "canonical"),
        ("log\n1\nAAAA\n", "32 bytes; it has 3"),
        (f"log\n1\n{b64encode(bytes(33)).decode()}\n", "32 bytes; it has 33"),
        (f"log\n1\n{ROOT.hex()}\n", "32 bytes; it has 48"),
    ],
)
def test_what_is_no_tree_head_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_tree_head(text)


def test_a_public_key_of_the_wrong_length_is_refused_in_a_verifier_key() -> None:
    material = b64encode(b"\x06" + bytes(32)).decode()
    with pytest.raises(Malformed, match="ml-dsa-44 has 1312 bytes; this one has 32"):
        VerifierKey.parse(f"a+00000000+{material}")
    assert PublicKey("ml-dsa-44", bytes(1312)).algorithm == TYPES[0x06]
