"""What `counterfoil doctor` looks at where an installation is served: who may write, witnesses, certificates."""

from __future__ import annotations

import socket
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from counterfoil.cli.health import Check
from counterfoil.errors import CounterfoilError
from counterfoil.gateway.witnesses import AskedWitness, Witnesses
from counterfoil.home import Home
from counterfoil.identity.access import Access
from counterfoil.node import Node
from counterfoil.proof.instant import instant, instant_text
from counterfoil.proof.note import parse_note, parse_tree_head

DAY: Final = 86_400
SOON: Final = 30 * DAY
"""Within how long an end is worth a warning."""
LATE: Final = 3_600
"""For how long a witness may not have cosigned what it should before that is worth a warning."""


def examine_serving(home: Home, certificate: Path | None) -> Iterator[Check]:
    """Look at what a serving installation needs beside its store; `certificate` is the one it is to show."""
    if home.folder.is_dir():
        yield _socket(home)
        yield from _grants(home)
        yield from _witnesses(home)
    if certificate is not None:
        yield _certificate(certificate)


def _socket(home: Home) -> Check:
    if not home.socket.exists():
        return Check("served", "ok", "no process serves this installation now")
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
            asked.settimeout(2)
            asked.connect(str(home.socket))
    except OSError:
        said = "a process that served it was stopped without closing; its socket is still there"
        return Check("served", "ok", f"{said}, and the next one replaces it")
    return Check("served", "ok", "a process serves this installation, and other commands go through it")


def _grants(home: Home) -> Iterator[Check]:
    if not home.access.exists():
        yield Check("grants", "ok", "nobody but this machine's operator may write through the API")
        return
    mode = stat.S_IMODE(home.access.stat().st_mode)
    if mode & 0o077:
        said = f"others may get at access.json (mode {mode:o})"
        yield Check("grants", "problem", said, f"chmod go= {home.access}; until then nobody is let in")
        return
    try:
        grants = Access(home.access).grants
    except CounterfoilError as error:
        yield Check("grants", "problem", str(error), "until then nobody is let in")
        return
    now = time.time()
    soon = [each.name for each in grants if each.until and now < instant(each.until) < now + SOON]
    ended = [each.name for each in grants if each.until and instant(each.until) <= now]
    said = f"{len(grants)} may use the API beyond reading" + (f"; ended: {', '.join(ended)}" if ended else "")
    if soon:
        yield Check("grants", "warning", f"{said}; ending within 30 days: {', '.join(soon)}", "renew in time")
    else:
        yield Check("grants", "ok", said)


def _witnesses(home: Home) -> Iterator[Check]:
    try:
        asked = Witnesses(home.witnesses).list()
    except CounterfoilError as error:
        yield Check("witnesses", "problem", str(error))
        return
    if not asked:
        said = "none is asked, so that whoever holds every key here could rebuild the log unseen"
        yield Check("witnesses", "warning", said, "ask one elsewhere: counterfoil witness add URL --key KEY")
        return
    faults = [fault for each in asked if (fault := _fault(each, home)) is not None]
    yield from faults
    if not faults:
        yield Check("witnesses", "ok", f"{len(asked)} asked: {', '.join(each.name for each in asked)}")


def _fault(witness: AskedWitness, home: Home) -> Check | None:
    """What is wrong with a witness: at once where something does not hold, else only once that lasts."""
    if witness.error is not None and witness.unverified:
        advice = f"compare the checkpoint that {witness.url} shows with the one here, and keep both"
        return Check("witnesses", "problem", witness.error, advice)
    if time.time() - (witness.cosigned or 0) <= LATE:
        return None
    since = "yet" if witness.cosigned is None else f"since {_when(witness.cosigned)}"
    if witness.error is not None:
        said = f"{witness.name} has not cosigned {since}: {witness.error}"
        return Check("witnesses", "warning", said, f"see whether {witness.url} answers")
    behind = _behind(witness, home)
    if not behind:
        return None
    said = f"{witness.name} has not cosigned {since} and is {behind:,} entries behind, though nothing is wrong with it"
    return Check(
        "witnesses", "warning", said, "serve, which asks it at each block, or: counterfoil witness ask"
    )


def _behind(witness: AskedWitness, home: Home) -> int:
    """How many entries a witness lacks; 0 where none of them has been there for long, or the store cannot be read."""
    try:
        with Node.open(home.folder, read_only=True) as node, node.reading() as store:
            note = store.latest_published()
            size = parse_tree_head(parse_note(note).text).size if note else 0
            if size <= witness.size or time.time() - instant(node.entry(witness.size).time) <= LATE:
                return 0
            return size - witness.size
    except CounterfoilError:
        # What is wrong with the store is told where that is looked at.
        return 0


def _when(seconds: int) -> str:
    return instant_text(seconds).replace("T", " ")[:16] + " UTC"


def _certificate(path: Path) -> Check:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        return Check("certificate", "problem", f"{path} cannot be read: {error.strerror}")
    except ValueError:
        return Check("certificate", "problem", f"{path} is no certificate in PEM form")
    end = certificate.not_valid_after_utc
    left = (end - datetime.now(UTC)).total_seconds()
    said = f"{path} is valid until {end:%Y-%m-%d %H:%M} UTC"
    if certificate.not_valid_before_utc > datetime.now(UTC):
        return Check("certificate", "problem", f"{path} is not valid yet", "see whether the clock is right")
    if left <= 0:
        return Check(
            "certificate", "problem", f"{path} was valid until {end:%Y-%m-%d}", "renew it, and restart"
        )
    if left < SOON:
        return Check("certificate", "warning", said, "renew it, and restart the process")
    return Check("certificate", "ok", said)
