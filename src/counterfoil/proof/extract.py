"""Extracts: a certified copy of a record with chosen fields, and the proof bundle that shows each of them.

`docs/extract.md` says what each member is. Here an extract is read, written, named by its hash and certified; whether
it holds is judged by `counterfoil.proof.verify_extract`.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec.structs import replace

from counterfoil.errors import Malformed
from counterfoil.proof.bundle import Bundle, Name
from counterfoil.proof.canonical import Json, canonical, digest, parse
from counterfoil.proof.instant import instant
from counterfoil.proof.report import Level
from counterfoil.proof.signing import SigningKey
from counterfoil.proof.transaction import Endorsement, endorse

FORMAT: Final = "extract/v1"
DOMAIN: Final = b"extract/v1\n"
"""What is signed is this and the 32 bytes of the extract's hash."""
MAX_EXTRACT_BYTES: Final = 8 << 20
"""An extract is of one record, so that its bundle is small."""
MAX_SHOWN: Final = 1_000

Text: TypeAlias = Annotated[str, msgspec.Meta(max_length=2_000)]


class Against(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A record that stands against one: its register, name and status; what `kind` it is and `until` when it counts."""

    register: Name
    record: Name
    status: Name | None = None
    kind: Text | None = None
    until: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Extract(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An extract. Members that would be empty are left out, but for `fields` and `labels`.

    - `register`, `record`: what it is of, as the log names it; `title` is the register's.
    - `authority`: the agency that keeps the register, and certifies.
    - `issued`: when (RFC 3339, UTC); `purpose`: why fields that are not public were shown.
    - `fields`: by name; `erased`: those asked for of which nothing is left; `labels`: what each is called.
    - `against`: what stands against the record, as its agency's ledger has it: that is stated, and not in the bundle.
      Empty: nothing does; left out: the register has no rule about such records.
    - `level`: the trust level that the authority's own trust policy gives the bundle.
    - `certified`: the authority's signature over all the rest, by `extract_hash`.
    """

    format: str
    register: Name
    record: Name
    title: Text
    authority: Name
    issued: Annotated[str, msgspec.Meta(max_length=40)]
    level: Level
    fields: Annotated[dict[str, Json], msgspec.Meta(max_length=MAX_SHOWN)]
    labels: Annotated[dict[str, Text], msgspec.Meta(max_length=MAX_SHOWN)]
    bundle: Bundle
    purpose: Name | None = None
    erased: Annotated[tuple[Name, ...], msgspec.Meta(max_length=MAX_SHOWN)] = ()
    against: Annotated[tuple[Against, ...], msgspec.Meta(max_length=MAX_SHOWN)] | None = None
    certified: Endorsement | None = None

    @classmethod
    def parse(cls, data: bytes) -> Extract:
        """Read an extract's JSON, canonical or not. Raises `Malformed`. Like a bundle, it has one form."""
        if len(data) > MAX_EXTRACT_BYTES:
            raise Malformed(f"the extract has {len(data)} bytes; at most {MAX_EXTRACT_BYTES} are read")
        value = parse(data, "the extract")
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise Malformed(f"this is no extract of format {FORMAT}")
        # By itself first: what holds for every bundle is said in one place.
        Bundle.parse(canonical(value.get("bundle")))
        try:
            extract = msgspec.convert(value, cls)
        except msgspec.ValidationError as error:
            raise Malformed(f"the extract is not in form: {error}") from None
        if extract.encode() != canonical(value):
            raise Malformed("the extract writes an empty member, or one in another form than the one it has")
        instant(extract.issued)
        return extract

    def encode(self) -> bytes:
        """The extract's canonical JSON. Raises `Malformed` where it cannot be written or would be too large."""
        data = canonical(msgspec.to_builtins(self))
        if len(data) > MAX_EXTRACT_BYTES:
            raise Malformed(
                f"the extract would have {len(data)} bytes and may have {MAX_EXTRACT_BYTES}; show fewer fields"
            )
        return data


class _Stated(msgspec.Struct):
    format: Json = None


def seems_extract(data: bytes) -> bool:
    """Whether a file is to be read as an extract, as JSON or as a page, before anything of it is checked."""
    if data[:64].lstrip()[:1] == b"<":
        return True
    try:
        return bool(msgspec.json.decode(data, type=_Stated).format == FORMAT)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def extract_hash(extract: Extract) -> str:
    """An extract's name: the labelled SHA-256 of its canonical JSON without `certified`."""
    return digest(canonical(msgspec.to_builtins(replace(extract, certified=None))))


def certify(extract: Extract, key: SigningKey) -> Extract:
    """The extract with the authority's signature."""
    return replace(extract, certified=endorse(extract_hash(extract), key, DOMAIN))


def label_of(name: str, schema: Json) -> str:
    """What people call a field: its `title` in the register's schema, else its name with spaces and a capital."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    said = properties.get(name) if isinstance(properties, dict) else None
    title = said.get("title") if isinstance(said, dict) else None
    if isinstance(title, str) and title:
        return title[:MAX_SHOWN]
    words = name.replace("-", " ").replace("_", " ").strip()
    return words[:1].upper() + words[1:] or name
