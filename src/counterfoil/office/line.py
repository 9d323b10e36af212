"""A line of a file of records: one change of one record in some register, as JSON Lines have it.

`{"register":"birth","fields":{…}}` creates a record. What else is said is said beside: another operation and the key of
the record that it is about, a status, circumstances, who controls the next change, what is attached.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json

KEEPER: Final = "{authority}"
"""What stands in a line's `control` for the agency that keeps the register, which a file does not know."""
MAX_PAPER: Final = 1 << 19
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Paper(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    rename={"media_type": "media-type"},
):
    """A document that a line attaches, as plain text: its kind, as the register names it, and what it says."""

    kind: Annotated[str, msgspec.Meta(max_length=99)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_PAPER)]
    media_type: str = "text/plain"


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line. What creates states every field; any other states those that change, null for one that is taken out."""

    register: _Name
    fields: dict[str, Json]
    operation: Annotated[str, msgspec.Meta(max_length=20)] = "create"
    key: _Name | None = None
    status: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    circumstances: dict[str, Json] = {}
    control: Json | None = None
    attachments: Annotated[tuple[Paper, ...], msgspec.Meta(max_length=20)] = ()


def encode_line(line: Line) -> bytes:
    """A line of a file, with its end."""
    return msgspec.json.encode(line) + b"\n"


def parse_line(value: Json) -> Line:
    """Read a line's object. Raises `Malformed`, which repeats nothing of what may be personal."""
    try:
        return msgspec.convert(value, Line)
    except msgspec.ValidationError as error:
        raise Malformed(
            f"the line is not in form: {error}; it has register and fields, and operation, key, status, circumstances, "
            "control, attachments where they are needed"
        ) from None
