"""How `counterfoil desk show` tells of a case: who put it and why it waits, and each record before and after."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from counterfoil.cli.entries import shown, value_lines
from counterfoil.cli.office import case_document
from counterfoil.cli.output import columns, printable
from counterfoil.proof.canonical import Json

if TYPE_CHECKING:
    from counterfoil.office.case_view import RecordChange, Seen

OPENS: Final = ("key", "salt", "document")
"""What an attachment has that opens it; whoever decides looks at attachments in other ways."""
DID: Final = {
    "create": "a new record",
    "amend": "a change",
    "correct": "a correction",
    "close": "the end",
    "annul": "the annulment",
}


def seen_document(seen: Seen) -> dict[str, Any]:
    """A case as JSON: its line, what is asked for, what that would do, and why it waits."""
    asked = None if seen.content is None else without_keys(msgspec.json.decode(seen.content))
    return case_document(seen.case) | {
        "asked": asked,
        "because": msgspec.to_builtins(seen.reasons),
        "changes": msgspec.to_builtins(seen.changes),
        "impossible": seen.impossible,
    }


def without_keys(asked: Any) -> Any:
    """What is asked for, without what opens the documents attached to it."""
    for change in asked.get("changes", ()):
        for attached in change.get("attachments", ()):
            for name in OPENS:
                attached.pop(name, None)
    return asked


def seen_lines(seen: Seen) -> Iterator[str]:
    """The same for people."""
    document = seen_document(seen)
    yield f"{document['kind']} in {document['register']}, by {document['by']}: {document['standing']}"
    yield from value_lines([("put", document["put"]), ("until", document["until"])])
    if seen.case.decision is not None:
        decided = document["decision"]
        word = (
            "withdrawn"
            if document["standing"] == "withdrawn"
            else "approved"
            if decided["approved"]
            else "refused"
        )
        yield f"  {word} by {decided['by']} at {decided['at']}: {printable(decided['reason'] or '(scrubbed)')}"
    yield "  it waits because"
    for reason in seen.reasons:
        law = f" ({printable(reason.citation)})" if reason.citation is not None else ""
        yield f"    {reason.name}: {printable(reason.says)}{law}"
    if seen.impossible is not None:
        yield f"  it cannot be done now: {printable(seen.impossible)}"
    for change in seen.changes:
        yield from _change_lines(change)
    if document["asked"] is not None:
        yield from _asked_lines(document["asked"], whole=not seen.changes)


def _change_lines(change: RecordChange) -> Iterator[str]:
    follows = "it follows: " if change.follows else ""
    yield f"  {follows}{DID.get(change.operation, change.operation)} in {change.register}, {printable(change.record)}"
    if change.before != change.after:
        yield f"    status: {change.before or 'none'} -> {change.after or 'none'}"
    if change.changed:
        yield f"    changes {', '.join(map(printable, change.changed))}"
    yield from columns(
        [(each.field, f"{_side(each.before)} -> {_side(each.after)}") for each in change.fields], "    "
    )
    altered = {each.field for each in change.fields}
    stands = [(name, value) for name, value in change.stands.items() if name not in altered]
    if stands:
        yield "    as it is, and stays"
        yield from value_lines(stands, "      ")


def _side(value: Json | None) -> str:
    return "(none)" if value is None else shown(value)


def _asked_lines(asked: dict[str, Any], *, whole: bool) -> Iterator[str]:
    """What the case holds beside its records: circumstances, attachments; all of it where no records are shown."""
    changes = asked.get("changes", ())
    for at, change in enumerate(changes):
        number = f" of change {at + 1}" if len(changes) > 1 else ""
        if change.get("circumstances"):
            yield f"  circumstances{number}"
            yield from value_lines(change["circumstances"].items(), "    ")
        for attached in change.get("attachments", ()):
            yield f"  attached{number}: {attached['kind']}, {attached['media-type']}, {attached['size']:,} bytes"
    if any(change.get("attachments") for change in changes):
        yield "  open what is attached with counterfoil desk attachment CASE --number N --out FILE, from 0 on"
    if whole:
        yield "  asked for"
        rest = {name: value for name, value in asked.items() if name != "acting" and value is not None}
        yield from value_lines(rest.items(), "    ")
