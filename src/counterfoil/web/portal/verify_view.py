"""Verifying a proof that somebody brings: judged in memory, and forgotten."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from counterfoil.errors import Malformed
from counterfoil.proof.report import Report
from counterfoil.proof.trust import MAX_TRUST_BYTES, Trust
from counterfoil.proof.verify import verify
from counterfoil.web.portal.seeming import Seeming, seeming

MAX_NAME: Final = 120

Judge = Literal["this node's trust policy", "the trust policy that you gave", "no trust policy"]


class VerifyView(msgspec.Struct, frozen=True):
    """A proof's verdict, and by whose trust policy; nothing before one was given."""

    file: str | None = None
    bytes: int = 0
    judged_by: Judge | None = None
    report: Report | None = None
    seems: Seeming | None = None
    """What it is instead, where it is no proof at all."""
    elsewhere: str | None = None
    """The origin of the log that it is of, where that is another one and nobody gave its trust policy."""


def verify_view(name: str, data: bytes, given: bytes | None, own: Trust | None) -> VerifyView:
    """Judge a proof by the trust policy that came with it, else by this node's where the proof is of its ledger.

    Raises `Malformed` where what came as a trust policy is none, or no file came at all.
    """
    if not data:
        raise Malformed(
            "no file came with the form, or an empty one; choose a proof, a file that ends in .proof.json"
        )
    trust, by = _trust(data, given, own)
    report = verify(data, trust)
    unread = any(step.name == "form" and step.passed is False for step in report.steps)
    seems = seeming(data) if unread else None
    origin = _origin(data) if by == "no trust policy" and own is not None and not unread else None
    return VerifyView(name[:MAX_NAME] or "proof", len(data), by, report, seems, origin)


def _trust(data: bytes, given: bytes | None, own: Trust | None) -> tuple[Trust | None, Judge]:
    if given:
        if len(given) > MAX_TRUST_BYTES:
            raise Malformed(f"a trust policy has at most {MAX_TRUST_BYTES:,} bytes; choose trust.json")
        return Trust.parse(given), "the trust policy that you gave"
    if own is not None and _origin(data) == own.origin:
        return own, "this node's trust policy"
    return None, "no trust policy"


class _Noted(msgspec.Struct):
    checkpoint: str


def _origin(data: bytes) -> str | None:
    """The origin of the log that a proof says it is about, before anything of it is checked."""
    try:
        return msgspec.json.decode(data, type=_Noted).checkpoint.partition("\n")[0]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
