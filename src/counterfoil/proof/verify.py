"""The one verify path: a proof bundle, judged by a trust policy, gives a report of every step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, ParamSpec, TypeVar

from counterfoil.errors import Malformed, NotFound, Unverified
from counterfoil.proof.bundle import Bundle
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.endorsement_steps import (
    PolicyCheck,
    check_endorsements,
    check_in_force,
    check_policies,
    standing,
)
from counterfoil.proof.evidence import Evidence
from counterfoil.proof.instant import instant
from counterfoil.proof.log_steps import (
    check_beginning,
    check_first_entries,
    check_history,
    check_inclusion,
    check_published,
    check_signed,
    check_unknown_signers,
)
from counterfoil.proof.note import parse_note
from counterfoil.proof.record_steps import Latest, check_disclosures, check_index
from counterfoil.proof.report import (
    CONSISTENT,
    NOT_VALID,
    PUBLISHED,
    REPLICATED,
    SEALED_HERE,
    VALID,
    WITNESSED,
    Level,
    Report,
    Step,
    plural,
    quoted,
)
from counterfoil.proof.transaction_steps import check_complete, check_transactions
from counterfoil.proof.trust import Judgement, Trust

MANY: Final = 4
"""From how many agencies on, more than two thirds of which sign, no single one can change or delete."""

P = ParamSpec("P")
T = TypeVar("T")


def verify(
    bundle: Bundle | bytes,
    trust: Trust | None,
    *,
    at: str | None = None,
    published: Checkpoint | None = None,
) -> Report:
    """Check a proof bundle against a trust policy, and say step by step what was compared with what.

    `at` is the time (RFC 3339, UTC) by which the checkpoint is known, from elsewhere, to have been signed; it
    counts for algorithms that have ended. `published` is a checkpoint that stands where the ledger's keepers cannot
    take it back: in print, in somebody else's git, under a time-stamp. Nothing in the bundle raises: what is wrong is
    a step that failed.
    Raises `Malformed` where `at` is no time.

    The verdict is "valid" only where the trust policy is met and no step failed, and never without a trust
    policy. A step that was not checked says what the bundle does not show; no claim rests on it.
    """
    if at is not None:
        instant(at)
    verification = _Verification(trust, at, published)
    read = verification.read(bundle)
    if read is not None:
        verification.check(*read)
    return verification.report()


class _Verification:
    """The steps of one verification, as they are taken, and what they have shown."""

    def __init__(self, trust: Trust | None, at: str | None, published: Checkpoint | None):
        self._trust = trust
        self._at = at
        self._published = published
        self._outside = False
        self._steps: list[Step] = []
        self._claims: list[tuple[str, str]] = []
        """Each with the register it is about."""
        self._judgement: Judgement | None = None

    def read(self, bundle: Bundle | bytes) -> tuple[Bundle, Checkpoint, Evidence] | None:
        """Read a bundle's parts; None where one cannot be read, and nothing is left to check."""
        parsed = self._take("form", _read_bundle, bundle)
        if parsed is None:
            return None
        checkpoint = self._take("checkpoint", _read_checkpoint, parsed)
        evidence = self._take("entries", _read_entries, parsed)
        return None if checkpoint is None or evidence is None else (parsed, checkpoint, evidence)

    def check(self, bundle: Bundle, checkpoint: Checkpoint, evidence: Evidence) -> None:
        """Take every step over a bundle that could be read."""
        self._check_log(bundle, checkpoint, evidence)
        self._claims += evidence.describe_records()
        latest: Sequence[Latest] = ()
        if bundle.index:
            latest = self._take("index", check_index, bundle.index, evidence) or ()
            self._claims += [(each.register, each.said) for each in latest]
        if bundle.transactions or evidence.by_transaction:
            self._check_transactions(bundle, checkpoint, evidence, standing(evidence, latest))
        if bundle.disclosures:
            self._claims += self._take("disclosures", check_disclosures, bundle.disclosures, evidence) or ()
        if bundle.seal is not None:
            self._add("seal", None, "not checked: this version does not know seals")

    def report(self) -> Report:
        """What all steps together say."""
        steps = tuple(self._steps)
        if any(step.passed is False for step in steps):
            return Report(NOT_VALID, None, (), steps)
        if self._judgement is None:
            return Report(CONSISTENT, None, self._said(), steps)
        level = PUBLISHED if self._outside else _level(self._judgement)
        return Report(VALID, level, self._said(), steps)

    def _said(self) -> tuple[str, ...]:
        """What was shown, each thing once, that about the ledger's own registers last."""
        ordered = sorted(self._claims, key=lambda claim: claim[0].startswith("."))
        return tuple(dict.fromkeys(said for _, said in ordered))

    def _check_log(self, bundle: Bundle, checkpoint: Checkpoint, evidence: Evidence) -> None:
        note = bundle.checkpoint.encode()
        if self._trust is None:
            self._take("signatures", check_unknown_signers, note, evidence)
        else:
            self._judgement = self._take("signatures", check_signed, note, self._trust, self._at)
        if self._published is not None:
            self._outside = bool(self._take("published", check_published, checkpoint, self._published))
        self._take("inclusion", check_inclusion, bundle, evidence, checkpoint)
        begun = self._take("beginning", check_beginning, bundle.genesis, checkpoint, self._trust)
        self._take("first entries", check_first_entries, evidence, begun)
        self._take("history", check_history, evidence)

    def _check_transactions(
        self, bundle: Bundle, checkpoint: Checkpoint, evidence: Evidence, until: Mapping[int, int]
    ) -> None:
        taken = self._take("transactions", check_transactions, bundle, evidence, checkpoint)
        if taken is None:
            return
        self._take("completeness", check_complete, taken, evidence)
        if not taken:
            return
        keys = self._take("endorsements", check_endorsements, taken, self._trust)
        if keys is None:
            return
        policies = PolicyCheck(evidence, bundle.append, until)
        self._take("policies", check_policies, policies, taken, keys)
        self._take("rules in force", check_in_force, evidence, policies.found.used, until)
        self._claims += policies.found.describe()

    def _take(
        self, name: str, step: Callable[P, tuple[str, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T | None:
        """Take a step; gives what it found, None where it failed or was not checked."""
        try:
            detail, found = step(*args, **kwargs)
        except NotFound as error:
            self._add(name, None, f"not checked: {error}")
        except (Malformed, Unverified) as error:
            self._add(name, False, str(error))
        else:
            self._add(name, True, detail)
            return found
        return None

    def _add(self, name: str, passed: bool | None, detail: str) -> None:
        self._steps.append(Step(name, passed, detail))


def _read_bundle(bundle: Bundle | bytes) -> tuple[str, Bundle]:
    # A bundle that was built is judged as the file that it would be.
    data = bundle if isinstance(bundle, bytes) else bundle.encode()
    parsed = Bundle.parse(data)
    return f"{plural(len(data), 'byte')} in the form {parsed.format}", parsed


def _read_checkpoint(bundle: Bundle) -> tuple[str, Checkpoint]:
    checkpoint = Checkpoint.parse(parse_note(bundle.checkpoint.encode()).text)
    said = (
        f"a signed note that states {plural(checkpoint.size, 'entry')} of the log {quoted(checkpoint.origin)}"
    )
    return said, checkpoint


def _read_entries(bundle: Bundle) -> tuple[str, Evidence]:
    evidence = Evidence(bundle.entries)
    return (
        f"{plural(len(evidence.leaves), 'entry')} in canonical form, in the order of their numbers",
        evidence,
    )


def _level(judgement: Judgement) -> Level:
    agencies, signed = len(judgement.agencies), min(judgement.require, judgement.agreed)
    if agencies >= MANY and 3 * signed > 2 * agencies:
        return REPLICATED
    return WITNESSED if judgement.witnessed else SEALED_HERE
