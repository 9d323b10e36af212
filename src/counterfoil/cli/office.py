"""What the office's commands share: the office, here or in the process that serves it, who acts there, and answers."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias

import typer

from counterfoil.cli.options import home_folder, read_input, writing
from counterfoil.cli.output import Output, printable
from counterfoil.errors import Malformed, NotFound, Refused
from counterfoil.proof.instant import instant_text

if TYPE_CHECKING:
    from counterfoil.identity.caller import Caller
    from counterfoil.node import Node
    from counterfoil.office.office import Office
    from counterfoil.registry.desk.case import Case
    from counterfoil.registry.personal.change import Acting, Filed
    from counterfoil.registry.personal.erasing import Erased
    from counterfoil.web.served_office import ServedOffice

MAX_VALUE_BYTES: Final = 1024
MAX_KEYS_BYTES: Final = 1 << 16
"""The most that is read of a file with a searched value, and of one with the keys of records."""

TokenOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        help="Act as the officer whose token this file (mode 0600) holds.",
        show_default="the operator",
        readable=False,
    ),
]
KeyFileOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="FILE",
        help="The record's key, in a file or - for standard input: everybody can read arguments.",
        readable=False,
    ),
]
RecordOption: TypeAlias = Annotated[
    str | None,
    typer.Option("--record", metavar="NAME", help="The record by its name in the log, in place of its key."),
]
CaseNameOption: TypeAlias = Annotated[
    str | None, typer.Option("--case", metavar="TEXT", help="In which procedure.")
]


class AtOffice(NamedTuple):
    """A node, its office, and who acts there."""

    node: Node
    office: Office | ServedOffice
    caller: Caller

    @property
    def acting(self) -> Acting:
        """Who acts, as entries name it. Raises `Refused` for access that is no officer's."""
        from counterfoil.registry.personal.change import Acting

        officer = self.caller.officer
        if officer is None:
            raise Refused(
                f"{self.caller.name} is no officer, and only officers have to do with items; give access with "
                "counterfoil access add --officer"
            )
        return Acting(officer.kind, officer.id, officer.subject)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of whoever acts."""
        return self.caller.officer.roles if self.caller.officer is not None else ()

    def require(self, action: str, registers: Iterable[str]) -> None:
        """Raise `Refused` unless whoever acts may do this in each of the registers."""
        for register in registers:
            if not self.caller.may(f"{action}:{register}"):
                raise Refused(
                    f"{self.caller.name} may not do this: it needs the scope {action}:{register}; "
                    "counterfoil access shows who has which"
                )


@contextmanager
def at_office(home: Path | None, token_file: Path | None) -> Iterator[AtOffice]:
    """The office of an installation that is there, open; where another process serves it, that one's.

    Raises `NotFound` where there is no installation, `Refused` for a token that is nobody's.
    """
    folder = home_folder(home)
    caller = _caller(folder, token_file)
    with writing(folder) as node, office_of(node) as office:
        yield AtOffice(node, office, caller)


@contextmanager
def office_of(node: Node) -> Iterator[Office | ServedOffice]:
    """The office over a node that is open for writing, here or in the process that serves it."""
    from counterfoil.office.office import Office
    from counterfoil.web.served import ServedNode

    if isinstance(node, ServedNode):
        yield node.office()
        return
    with Office(node) as office:
        yield office


def _caller(folder: Path, token_file: Path | None) -> Caller:
    from counterfoil.home import Home
    from counterfoil.identity.access import Access
    from counterfoil.identity.caller import OPERATOR
    from counterfoil.keyring.private_files import read_secret_file

    home = Home(folder)
    if not home.store.exists():
        raise NotFound(
            f"there is no installation in {folder}; make one with: counterfoil init --home {folder}"
        )
    if token_file is None:
        return OPERATOR
    token = read_secret_file(token_file, "the token file").decode("ascii", "replace").strip()
    caller = Access(home.access).by_token(token, int(time.time()))
    if caller is None:
        raise Refused(
            f"the token in {token_file} is nobody's, or its time has ended; counterfoil access lists who has access"
        )
    return caller


def read_value(path: Path, what: str, limit: int = MAX_VALUE_BYTES) -> str:
    """The text of a file or of standard input, without the end of its last line; no message repeats it.

    Raises `Malformed` where it is empty, too long or no UTF-8.
    """
    try:
        text = read_input(path, limit).decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Malformed(f"{what} in {path} is no UTF-8 text") from None
    if not text:
        where = "standard input" if str(path) == "-" else str(path)
        raise Malformed(f"{where} is empty; {what} must stand in it")
    return text


def read_keys(key_file: Path | None, record: str | None) -> list[str | None]:
    """The keys that a file has, one a line; a single None where the record is named instead. One of them must be."""
    if (key_file is None) == (record is None):
        raise typer.BadParameter("name the record by --key-file or by --record, and by one of them")
    if key_file is None:
        return [None]
    return list(read_value(key_file, "the key", MAX_KEYS_BYTES).splitlines())


def filed_document(filed: Filed) -> dict[str, Any]:
    """What became of changes, as JSON: a receipt, or the case in which they wait."""
    document: dict[str, Any] = {
        "records": [{"register": register, "record": record} for register, record in filed.records]
    }
    if filed.waiting is not None:
        return document | {"case": filed.waiting.case, "reasons": list(filed.waiting.reasons)}
    receipt = filed.receipt
    if receipt is None:
        return document
    return document | {
        "transaction": receipt.transaction,
        "standing": receipt.standing.value,
        "number": receipt.first if receipt.count else None,
        "count": receipt.count,
    }


def filed_lines(filed: Filed) -> list[str]:
    """The same for people."""
    lines = [f"{register} {printable(record)}" for register, record in filed.records]
    if filed.waiting is not None:
        reasons = ", ".join(filed.waiting.reasons)
        case = filed.waiting.case
        changed = f"{numbered(len(lines), 'record')} would change"
        return [
            f"nothing is stored yet, and {changed}: it waits for a second officer ({reasons})",
            f"look at it: counterfoil desk show {case}",
            f"decide it: counterfoil desk decide {case}",
        ]
    receipt = filed.receipt
    if receipt is None:
        return lines
    if not receipt.count:
        waits = "not stored yet: it waits for its day, or for the endorsements that its register asks for"
        return [*lines, f"{waits}, as {receipt.transaction}"]
    last = receipt.first + receipt.count - 1
    numbers = f"entry {receipt.first}" if receipt.count == 1 else f"entries {receipt.first} to {last}"
    again = ", stored before" if receipt.standing.value == "repeated" else ""
    return [*lines, f"{numbers} of the log{again}"]


def tell_filed(output: Output, filed: Filed) -> None:
    """Say what became of changes."""
    output.result(filed_document(filed), *filed_lines(filed))


def erased_document(erased: Erased) -> dict[str, Any]:
    """What was erased, as JSON."""
    import msgspec

    document: dict[str, Any] = msgspec.to_builtins(erased)
    return document


def erased_lines(erased: Erased) -> list[str]:
    """The same for people, with the day on which it is complete."""
    until = (
        "no backup of the keyring holds the keys"
        if erased.complete is None
        else f"backups of the keyring hold the keys until {erased.complete}; it is complete when they are destroyed"
    )
    return [
        f"{erased.register} {printable(erased.record)}: erased what was about {erased.subject} "
        f"(keys destroyed: {erased.keys}; entry {erased.entry})",
        until,
        "backups of the store from before hold its search tokens until they are destroyed",
    ]


def case_document(case: Case) -> dict[str, Any]:
    """A case as JSON, with times as instants."""
    document: dict[str, Any] = {
        "case": case.id,
        "kind": case.kind,
        "register": case.register,
        "by": case.by,
        "reasons": list(case.reasons),
        "put": instant_text(case.put),
        "until": instant_text(case.until),
        "standing": case.standing,
        "decision": None,
    }
    if case.decision is not None:
        decided = case.decision
        document["decision"] = {
            "by": decided.by,
            "at": instant_text(decided.at),
            "approved": decided.approved,
            "reason": decided.reason,
        }
    return document


def numbered(count: int, one: str) -> str:
    """A number with its noun."""
    return f"{count:,} {'people' if one == 'person' and count != 1 else one + 's' * (count != 1)}"
