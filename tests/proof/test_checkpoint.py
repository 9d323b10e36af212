"""Checkpoints: against logs and witnesses by others, and what a line may and may not make of a note."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import FrozenInstanceError, replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.checkpoint import (
    Checkpoint,
    SignedCheckpoint,
    VerifiedLine,
    log_key,
    open_checkpoint,
    sign_as_log,
    sign_checkpoint,
)
from counterfoil.proof.merkle import EMPTY_ROOT, leaf_hashes, root
from counterfoil.proof.note import (
    ED25519_COSIGNATURE,
    ED25519_NOTE,
    ML_DSA_44_COSIGNATURE,
    Note,
    NoteSignature,
    VerifierKey,
    sign_note,
)
from counterfoil.proof.signing import SigningKey
from tests.shared_data import shared

VECTORS = Path(__file__).parent / "vectors"
ORIGIN = "registers.example/ledger"
WITNESS = "witness.example/w1"
TIME = 1_795_000_000
ROOT = sha256(b"root").digest()
CHECKPOINT = Checkpoint(ORIGIN, 1042, ROOT)

CLASSICAL = SigningKey("ed25519", b"classical key of the ledger.....")
POST_QUANTUM = SigningKey("ml-dsa-44", b"post-quantum key of the ledger..")
COSIGNER = SigningKey("ed25519", b"ed25519 key of the witness......")
PQ_COSIGNER = SigningKey("ml-dsa-44", b"ml-dsa-44 key of the witness....")
STRANGER = SigningKey("ed25519", b"a key that nobody has heard of..")

LOG_KEYS = (log_key(ORIGIN, CLASSICAL.public), log_key(ORIGIN, POST_QUANTUM.public))
WITNESS_KEYS = (
    VerifierKey(WITNESS, ED25519_COSIGNATURE, COSIGNER.public),
    VerifierKey(WITNESS, ML_DSA_44_COSIGNATURE, PQ_COSIGNER.public),
)
KEYS = (*LOG_KEYS, *WITNESS_KEYS)


def note_of(*signatures: NoteSignature, text: str = CHECKPOINT.text) -> bytes:
    return Note(text, signatures).encode()


def line(key: SigningKey, name: str, kind: int, checkpoint: Checkpoint = CHECKPOINT) -> NoteSignature:
    return sign_checkpoint(checkpoint, key, name, kind, TIME)


LINES = (
    line(CLASSICAL, ORIGIN, ED25519_NOTE),
    line(POST_QUANTUM, ORIGIN, ML_DSA_44_COSIGNATURE),
    line(COSIGNER, WITNESS, ED25519_COSIGNATURE),
    line(PQ_COSIGNER, WITNESS, ML_DSA_44_COSIGNATURE),
)
STRANGE = line(STRANGER, ORIGIN, ED25519_NOTE)

# ---- Logs by others --------------------------------------------------------------------------------------

TESSERA_KEY = VerifierKey.parse(
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
)


@pytest.mark.parametrize("size", range(16))
def test_every_checkpoint_of_a_tessera_log_verifies(size: int) -> None:
    data = (shared("tlog-data/tessera-log") / f"checkpoint.{size}").read_bytes()
    signed = open_checkpoint(data, [TESSERA_KEY])
    assert (signed.checkpoint.origin, signed.checkpoint.size) == ("example.com/log/testdata", size)
    assert signed.lines == (VerifiedLine(TESSERA_KEY, None),)
    assert signed.ignored == ()
    assert signed.note.encode() == data
    assert signed.note.text == signed.checkpoint.text


def test_the_roots_of_a_tessera_log_are_those_of_its_entries() -> None:
    log = shared("tlog-data/tessera-log")
    bundle = (log / "tile" / "entries" / "000.p" / "15").read_bytes()
    entries = []
    while bundle:
        length = int.from_bytes(bundle[:2], "big")
        entries.append(bundle[2 : 2 + length])
        bundle = bundle[2 + length :]
    hashes = leaf_hashes(entries)
    for size in range(16):
        signed = open_checkpoint((log / f"checkpoint.{size}").read_bytes(), [TESSERA_KEY])
        assert signed.checkpoint.root == root(hashes[:size])


# A checkpoint of a staging Certificate Transparency log, cosigned by four public witnesses.
ARCHE = (
    "arche2025h1.staging.ct.transparency.dev\n"
    "1432088532\n"
    "U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=\n"
    "\n"
    "— arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbl"
    "lzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=\n"
    "— arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75Mdh"
    "L1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=\n"
    "— transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHA"
    "wVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==\n"
    "— witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI"
    "7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==\n"
    "— remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/"
    "zZ0WBxtqB0DrAWfBw==\n"
    "— witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucg"
    "Ki7lI7cUiOvKFYe/TmN9DAg==\n"
).encode()
ARCHE_KEYS = [
    VerifierKey.parse(text)
    for text in (
        "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f",
        "transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM",
        "witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO",
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv",
    )
]


def test_a_checkpoint_by_others_verifies_with_its_ed25519_witnesses() -> None:
    signed = open_checkpoint(ARCHE, ARCHE_KEYS)
    assert signed.checkpoint.size == 1_432_088_532
    assert [(line.key.name, line.time) for line in signed.lines] == [
        ("arche2025h1.staging.ct.transparency.dev", None),
        ("transparency.dev/DEV:witness-little-garden", 1_779_573_024),
        ("witness1.smartit.nu/witness1", 1_779_573_024),
        ("remora.n621.de", 1_779_573_024),
        ("witness.stagemole.eu", 1_779_573_024),
    ]
    # The first line is of type 0x05, which is not used here; it has the log's name and an id of its own.
    assert [line.label for line in signed.ignored] == ["arche2025h1.staging.ct.transparency.dev+cd333cb1"]


# A checkpoint of another such log, cosigned by one public witness with Ed25519 and with ML-DSA-44.
def test_a_checkpoint_by_others_verifies_with_its_ml_dsa_44_witness() -> None:
    keys = [VerifierKey.parse(text) for text in (VECTORS / "cosigner-keys.txt").read_text("ascii").split()]
    data = (VECTORS / "cosigned-checkpoint.txt").read_bytes()
    signed = open_checkpoint(data, keys)
    assert signed.checkpoint.origin == "coachandhorses2026h1.staging.certificate.transparency.goog"
    assert signed.checkpoint.size == 185_550_722
    assert [(line.key.type, line.time) for line in signed.lines] == [
        (0x04, 1_785_704_691),
        (0x06, 1_785_704_691),
    ]
    assert {line.key.name for line in signed.lines} == {"witness.navigli.sunlight.geomys.org"}
    assert len(signed.ignored) == 1
    for old, new in [(b"185550722", b"185550723"), (b"YXAM", b"YXAN"), (b"2026h1.stag", b"2026h2.stag")]:
        for key in keys:
            with pytest.raises(Unverified, match=key.key_id.hex()):
                open_checkpoint(data.replace(old, new, 1), [key])


# The example of C2SP tlog-cosignature, whose keys are not published: it is read, and nothing verifies.
BEHIND_THE_SOFA = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9"
    "nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZq"
    "hf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
).encode()


def test_where_no_key_is_known_the_checkpoint_is_read_and_nothing_is_verified() -> None:
    for keys in [(), KEYS]:
        signed = open_checkpoint(BEHIND_THE_SOFA, keys)
        assert signed.checkpoint.text == BEHIND_THE_SOFA.decode().partition("\n\n")[0] + "\n"
        assert signed.checkpoint.size == 20_852_163
        assert signed.lines == ()
        assert signed.ignored == signed.note.signatures
        assert len(signed.ignored) == 2
        assert int.from_bytes(signed.ignored[1].signature[:8], "big") == 1_679_315_147


# ---- The text --------------------------------------------------------------------------------------------


def test_the_text_of_a_checkpoint_is_origin_size_and_root() -> None:
    assert CHECKPOINT.text == f"{ORIGIN}\n1042\n{b64encode(ROOT).decode()}\n"
    assert Checkpoint("log", 0, EMPTY_ROOT).text == "log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


origins = st.text(st.characters(min_codepoint=32, codec="utf-8"), min_size=1, max_size=40)


@given(origins, st.integers(0, 2**63), st.binary(min_size=32, max_size=32))
def test_any_checkpoint_reads_back_from_its_text(origin: str, size: int, hash_: bytes) -> None:
    checkpoint = Checkpoint(origin, size, hash_)
    assert Checkpoint.parse(checkpoint.text) == checkpoint
    assert Checkpoint.parse(f"{checkpoint.text}extension\n") == checkpoint


@pytest.mark.parametrize(
    ("origin", "size", "hash_", "reason"),
    [
        ("", 1, ROOT, "none empty"),
        ("a\nb", 1, ROOT, "size is decimal"),
        ("a\t", 1, ROOT, "may not hold"),
        ("\ud800", 1, ROOT, "may not hold"),
        (f"a\n1\n{b64encode(ROOT).decode()}", 1, ROOT, "cannot be a log's origin; it is one line of text"),
        ("a", -1, ROOT, "size is decimal"),
        ("a", 2**63 + 1, ROOT, "to 2\\^63"),
        ("a", 1, ROOT[:-1], "32 bytes; it has 31"),
        ("a", 1, ROOT + b"\0", "32 bytes; it has 33"),
    ],
)
def test_what_has_no_such_text_is_no_checkpoint(origin: str, size: int, hash_: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        Checkpoint(origin, size, hash_)


def test_a_checkpoint_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        CHECKPOINT.size = 5  # type: ignore[misc]  # that it cannot be assigned is the test


# ---- The log's own lines ---------------------------------------------------------------------------------


def test_a_log_signs_under_its_origin_with_both_algorithms_side_by_side() -> None:
    data = sign_as_log(CHECKPOINT, [CLASSICAL, POST_QUANTUM], TIME)
    signed = open_checkpoint(data, LOG_KEYS)
    assert signed.checkpoint == CHECKPOINT
    assert signed.lines == (VerifiedLine(LOG_KEYS[0], None), VerifiedLine(LOG_KEYS[1], TIME))
    assert [(key.name, key.type) for key in LOG_KEYS] == [(ORIGIN, 0x01), (ORIGIN, 0x06)]
    assert 3_300 < len(data) < 3_700


def test_a_log_that_signs_with_ed25519_alone_always_writes_the_same_bytes() -> None:
    data = sign_as_log(CHECKPOINT, [CLASSICAL], TIME)
    assert data == sign_as_log(CHECKPOINT, [CLASSICAL], TIME + 1)
    assert data == note_of(LINES[0])


def test_several_agencies_sign_one_text_under_one_name_and_are_told_apart_by_key_id() -> None:
    agencies = [SigningKey("ed25519", bytes([number]) * 32) for number in range(16)]
    keys = [log_key(ORIGIN, agency.public) for agency in agencies]
    data = sign_as_log(CHECKPOINT, agencies, TIME)
    assert [line.key for line in open_checkpoint(data, keys).lines] == keys
    assert [line.key for line in open_checkpoint(data, keys[5:7]).lines] == keys[5:7]
    assert len(open_checkpoint(data, keys[5:7]).ignored) == 14


def test_a_log_needs_an_origin_that_can_name_a_key_and_a_key_to_sign_with() -> None:
    with pytest.raises(Malformed, match="is no key name"):
        sign_as_log(Checkpoint("origin with spaces", 1, ROOT), [CLASSICAL], TIME)
    with pytest.raises(Malformed, match="is no key name"):
        log_key("origin+plus", CLASSICAL.public)
    with pytest.raises(Malformed, match="1 to 100 signatures; this one has 0"):
        sign_as_log(CHECKPOINT, [], TIME)


def test_a_witness_may_cosign_the_checkpoint_of_a_log_whose_origin_has_spaces() -> None:
    checkpoint = Checkpoint("a log - 42", 7, ROOT)
    data = note_of(
        line(COSIGNER, WITNESS, ED25519_COSIGNATURE, checkpoint),
        line(PQ_COSIGNER, WITNESS, ML_DSA_44_COSIGNATURE, checkpoint),
        text=checkpoint.text,
    )
    assert len(open_checkpoint(data, WITNESS_KEYS).lines) == 2


# ---- Which lines count -----------------------------------------------------------------------------------


def test_every_known_line_is_verified_and_listed_in_its_order() -> None:
    signed = open_checkpoint(note_of(*LINES, STRANGE), KEYS)
    assert signed == SignedCheckpoint(
        CHECKPOINT,
        Note(CHECKPOINT.text, (*LINES, STRANGE)),
        (
            VerifiedLine(KEYS[0], None),
            VerifiedLine(KEYS[1], TIME),
            VerifiedLine(KEYS[2], TIME),
            VerifiedLine(KEYS[3], TIME),
        ),
        (STRANGE,),
    )
    reversed_ = open_checkpoint(note_of(*reversed(LINES)), KEYS)
    assert [line.key for line in reversed_.lines] == list(reversed(KEYS))


def test_a_line_that_shares_only_name_or_only_id_with_a_known_key_is_ignored() -> None:
    same_name = replace(LINES[0], key_id=bytes(4))
    same_id = replace(LINES[0], name="example.com/other")
    signed = open_checkpoint(note_of(same_name, LINES[0], same_id), LOG_KEYS)
    assert [line.key for line in signed.lines] == [LOG_KEYS[0]]
    assert signed.ignored == (same_name, same_id)


@pytest.mark.parametrize("number", range(4))
def test_one_bad_line_of_a_known_key_makes_the_whole_note_invalid(number: int) -> None:
    lines = list(LINES)
    good = lines[number].signature
    lines[number] = replace(lines[number], signature=good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(Unverified) as refusal:
        open_checkpoint(note_of(*lines), KEYS)
    assert KEYS[number].label in str(refusal.value)
    others = [key for key in KEYS if key is not KEYS[number]]
    assert len(open_checkpoint(note_of(*lines), others).lines) == 3


def test_a_bad_line_beside_a_good_one_of_the_same_key_is_still_a_bad_line() -> None:
    bad = replace(LINES[0], signature=bytes(64))
    for lines in [(LINES[0], bad), (bad, LINES[0])]:
        with pytest.raises(Unverified, match="does not hold"):
            open_checkpoint(note_of(*lines), KEYS)


def test_a_line_given_twice_is_listed_twice() -> None:
    signed = open_checkpoint(note_of(LINES[0], LINES[0]), KEYS)
    assert signed.lines == (VerifiedLine(KEYS[0], None),) * 2


def test_keys_that_share_name_and_id_are_refused_and_a_key_given_twice_is_not() -> None:
    twin = log_key(ORIGIN, STRANGER.public)
    twin.__dict__["key_id"] = KEYS[0].key_id  # as if someone had searched for a key with this id
    with pytest.raises(Malformed, match="share name and key id"):
        open_checkpoint(note_of(LINES[0]), [KEYS[0], twin])
    assert len(open_checkpoint(note_of(LINES[0]), [KEYS[0], KEYS[0]]).lines) == 1


def test_lines_of_another_checkpoint_do_not_hold_here() -> None:
    for other in [replace(CHECKPOINT, size=1043), replace(CHECKPOINT, root=EMPTY_ROOT)]:
        for number, key in enumerate([CLASSICAL, POST_QUANTUM, COSIGNER, PQ_COSIGNER]):
            moved = line(key, KEYS[number].name, KEYS[number].type, other)
            with pytest.raises(Unverified, match="does not hold"):
                open_checkpoint(note_of(moved), KEYS)


def test_a_cosignature_by_ml_dsa_44_holds_for_its_own_name_only() -> None:
    # Ed25519 does not sign the cosigner's name; ML-DSA-44 does.
    other = VerifierKey("witness.example/w2", ML_DSA_44_COSIGNATURE, PQ_COSIGNER.public)
    moved = NoteSignature(other.name, other.key_id, LINES[3].signature)
    with pytest.raises(Unverified, match=other.key_id.hex()):
        open_checkpoint(note_of(moved), [other])


def test_a_note_that_is_no_checkpoint_is_refused_though_its_signature_holds() -> None:
    signature = sign_note("This is an example message.\n", CLASSICAL, ORIGIN, ED25519_NOTE, 0)
    with pytest.raises(Malformed, match="a checkpoint is three or more lines"):
        open_checkpoint(Note("This is an example message.\n", (signature,)).encode(), KEYS)


# ---- Extension lines -------------------------------------------------------------------------------------

EXTENDED = f"{CHECKPOINT.text}an extension\nanother\n"


@pytest.mark.parametrize(
    ("key", "name", "kind"), [(CLASSICAL, ORIGIN, ED25519_NOTE), (COSIGNER, WITNESS, ED25519_COSIGNATURE)]
)
def test_extension_lines_are_passed_over_and_signed_by_ed25519(key: SigningKey, name: str, kind: int) -> None:
    signature = sign_note(EXTENDED, key, name, kind, TIME)
    signed = open_checkpoint(note_of(signature, text=EXTENDED), KEYS)
    assert signed.checkpoint == CHECKPOINT
    assert signed.note.text == EXTENDED
    assert len(signed.lines) == 1
    with pytest.raises(Unverified, match="does not hold"):
        open_checkpoint(note_of(signature, text=EXTENDED.replace("another", "anathema")), KEYS)
    with pytest.raises(Unverified, match="does not hold"):
        open_checkpoint(note_of(signature), KEYS)


def test_an_ml_dsa_44_line_over_extension_lines_is_refused() -> None:
    with pytest.raises(Unverified, match="does not sign the extension lines"):
        open_checkpoint(note_of(LINES[1], text=EXTENDED), KEYS)
    assert open_checkpoint(note_of(LINES[1], text=EXTENDED), [KEYS[0]]).ignored == (LINES[1],)


# ---- Changed bytes ---------------------------------------------------------------------------------------


def check_claims(changed: bytes, original: SignedCheckpoint, keys: tuple[VerifierKey, ...]) -> None:
    """A changed note is refused, or what it still claims under a known key was claimed before."""
    try:
        signed = open_checkpoint(changed, keys)
    except (Malformed, Unverified):
        return
    assert set(signed.lines) <= set(original.lines)
    assert signed.checkpoint == original.checkpoint or not signed.lines


def test_no_changed_bit_of_a_note_changes_what_it_claims() -> None:
    keys = (KEYS[0], KEYS[2])
    data = note_of(LINES[0], LINES[2], STRANGE)
    original = open_checkpoint(data, keys)
    assert len(original.lines) == 2
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        check_claims(bytes(changed), original, keys)


def test_every_changed_byte_of_a_signed_text_is_refused() -> None:
    data = note_of(*LINES[:1])
    end = data.index(b"\n\n") + 2
    for at in range(end):
        for value in (data[at] ^ 1, data[at] ^ 0x20, 0x0A, 0x30):
            if value != data[at]:
                with pytest.raises((Malformed, Unverified)):
                    open_checkpoint(data[:at] + bytes([value]) + data[at + 1 :], KEYS)


@settings(max_examples=300)
@given(st.data())
def test_no_edit_of_a_note_changes_what_it_claims(data: st.DataObject) -> None:
    whole = bytearray(note_of(*LINES, STRANGE))
    original = open_checkpoint(bytes(whole), KEYS)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1) | st.integers(0, 100))
        whole[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3) | st.just(b"\n"))
    check_claims(bytes(whole), original, KEYS)


@given(st.permutations([*LINES, STRANGE]), st.integers(1, 5))
def test_lines_may_be_left_out_and_change_places(lines: list[NoteSignature], count: int) -> None:
    signed = open_checkpoint(note_of(*lines[:count]), KEYS)
    assert [line.key.key_id for line in signed.lines] == [
        line.key_id for line in lines[:count] if line is not STRANGE
    ]
    assert signed.checkpoint == CHECKPOINT


@given(st.binary(max_size=300))
def test_bytes_from_anyone_are_refused_or_claim_nothing(data: bytes) -> None:
    try:
        signed = open_checkpoint(data, KEYS)
    except Malformed:
        return
    assert signed.lines == ()
