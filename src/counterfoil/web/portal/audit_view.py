"""The latest audit: all is well, or what is not; and what no audit here can see."""

from __future__ import annotations

from typing import Final

import msgspec

from counterfoil.proof.instant import instant_text
from counterfoil.store.audit.finding import CANNOT_SEE
from counterfoil.web.auditing import INTERVAL_SECONDS, AuditResult

SHOWN: Final = 100


class AuditFinding(msgspec.Struct, frozen=True):
    """A fault, as a sentence, and the record that it concerns where that can be told."""

    sentence: str
    register: str | None = None
    record: str | None = None
    number: int | None = None


class AuditView(msgspec.Struct, frozen=True):
    """The latest audit; nothing of it is known until the first one has ended.

    `found` counts all faults, also those that `findings` does not list. `seconds` is how long it took.
    """

    began: str | None
    seconds: float | None
    entries: int
    root: str | None
    found: int
    findings: tuple[AuditFinding, ...]
    unchecked: tuple[str, ...]
    error: str | None
    every_hours: int
    cannot_see: str

    @property
    def well(self) -> bool:
        """Whether an audit has ended and found nothing."""
        return self.began is not None and self.error is None and not self.found


def audit_view(result: AuditResult | None) -> AuditView:
    """The result as the page shows it."""
    hours = int(INTERVAL_SECONDS // 3600)
    if result is None:
        return AuditView(None, None, 0, None, 0, (), (), None, hours, CANNOT_SEE)
    audited = result.audited
    findings = tuple(
        AuditFinding(each.sentence, each.register, each.record, each.number)
        for each in (audited.findings[:SHOWN] if audited else ())
    )
    return AuditView(
        instant_text(int(result.began)),
        round(result.seconds, 3),
        audited.entries if audited else 0,
        audited.root if audited else None,
        audited.found if audited else 0,
        findings,
        audited.unchecked if audited else (),
        result.error,
        hours,
        CANNOT_SEE,
    )
