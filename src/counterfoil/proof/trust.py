"""Trust policies: whose signatures on a ledger's checkpoints count, how many there must be, and until when.

A policy says what is trusted and knows nothing of files or networks. `judge` reports what a signed checkpoint
fulfils of it; what follows from that is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

import msgspec

from counterfoil.errors import Malformed, Unverified
from counterfoil.proof.canonical import MAX_INTEGER, canonical, parse, unlabelled
from counterfoil.proof.checkpoint import LOG_TYPES, SignedCheckpoint, VerifiedLine, open_checkpoint
from counterfoil.proof.instant import instant
from counterfoil.proof.note import ED25519_NOTE, VerifierKey
from counterfoil.proof.signing import ALGORITHMS, algorithm

FORMAT: Final = "trust/v1"
MAX_TRUST_BYTES: Final = 1 << 20
NO_END: Final[Mapping[str, str | None]] = MappingProxyType(dict.fromkeys(ALGORITHMS))
"""Every algorithm known, each counting without an end."""


@dataclass(frozen=True)
class TrustedAgency:
    """An agency (`INSTANCE/CLASS/CODE`) and the keys under which it signs the ledger's checkpoints."""

    name: str
    keys: tuple[VerifierKey, ...]


@dataclass(frozen=True)
class Trust:
    """A trust policy for one ledger. Raises `Malformed` where it contradicts itself.

    In JSON (`parse`, `encode`) it is an object with all of these members and no others:

    - `format`: `trust/v1`.
    - `origin`: the ledger's origin, which its checkpoints name and its agencies' keys are named after.
    - `agencies`: a list of `{"name": …, "keys": […]}`; keys are C2SP verifier keys of type 0x01 or 0x06.
    - `require`: how many of these agencies must have signed, 1 or more.
    - `witnesses`: a list of C2SP verifier keys of type 0x04 or 0x06, under names other than the origin. The
      keys of one name are one witness.
    - `require-witnesses`: how many of these witnesses must have cosigned, 0 or more.
    - `algorithms`: from an algorithm's name to the last time (RFC 3339, UTC, to the second) at which its
      signatures count, or null where no end is set. One that is not named does not count.
    - `require-algorithms`: a list of algorithms, in each of which an agency must have signed to count.
    - `genesis-root`, `genesis-size`: the labelled root and the size of the log as it began, or null.

    No public key may stand in a policy twice: one key pair serves one agency or witness, one type, one name.
    """

    origin: str
    agencies: tuple[TrustedAgency, ...]
    require: int
    witnesses: tuple[VerifierKey, ...] = ()
    require_witnesses: int = 0
    algorithms: Mapping[str, str | None] = field(default_factory=lambda: NO_END, hash=False)
    genesis_root: str | None = None
    genesis_size: int | None = None
    require_algorithms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_agencies(self)
        _check_witnesses(self)
        publics = [key.public for key in self.keys]
        if len(set(publics)) < len(publics):
            raise Malformed("a trust policy names a public key twice; each agency and witness has its own")
        if len({key.label for key in self.keys}) < len(publics):
            raise Malformed("two keys of a trust policy share name and key id; replace one of the two")
        _check_algorithms(self)
        _check_genesis(self.genesis_root, self.genesis_size)

    @classmethod
    def parse(cls, data: bytes) -> Trust:
        """Read a policy's JSON, canonical or not. Raises `Malformed`."""
        if len(data) > MAX_TRUST_BYTES:
            raise Malformed(f"the trust policy has {len(data)} bytes; at most {MAX_TRUST_BYTES} are read")
        try:
            form = msgspec.convert(parse(data, "the trust policy"), _Form)
        except msgspec.ValidationError as error:
            raise Malformed(f"the trust policy is not in form: {error}") from None
        if form.format != FORMAT:
            raise Malformed(
                f"the trust policy is of format {form.format[:40]!r}; this program reads {FORMAT}"
            )
        members = msgspec.structs.asdict(form)
        del members["format"]
        members["agencies"] = tuple(
            TrustedAgency(agency.name, _keys(agency.keys)) for agency in form.agencies
        )
        members["witnesses"] = _keys(form.witnesses)
        return cls(**members)

    def encode(self) -> bytes:
        """The policy's canonical JSON."""
        return canonical(
            {
                "format": FORMAT,
                "origin": self.origin,
                "agencies": [
                    {"name": agency.name, "keys": [key.text for key in agency.keys]}
                    for agency in self.agencies
                ],
                "require": self.require,
                "witnesses": [key.text for key in self.witnesses],
                "require-witnesses": self.require_witnesses,
                "algorithms": dict(self.algorithms),
                "require-algorithms": self.require_algorithms,
                "genesis-root": self.genesis_root,
                "genesis-size": self.genesis_size,
            }
        )

    @property
    def keys(self) -> tuple[VerifierKey, ...]:
        """Every key that the policy names: the agencies', then the witnesses'."""
        return (*(key for agency in self.agencies for key in agency.keys), *self.witnesses)

    def counts(self, name: str, at: str | None) -> bool:
        """Whether signatures in this algorithm count at a time (RFC 3339).

        Where the time is not known, only those in algorithms without an end do.
        """
        if name not in self.algorithms:
            return False
        until = self.algorithms[name]
        return until is None or (at is not None and instant(at) <= instant(until))


@dataclass(frozen=True)
class Signer:
    """One agency or witness of a policy: the algorithms in which it signed, those that count and others."""

    name: str
    algorithms: tuple[str, ...]
    uncounted: tuple[str, ...]
    counts: bool


@dataclass(frozen=True)
class Judgement:
    """What a signed checkpoint fulfils of a trust policy: every agency and witness of it, in its order."""

    signed: SignedCheckpoint
    agencies: tuple[Signer, ...]
    witnesses: tuple[Signer, ...]
    require: int
    require_witnesses: int

    @property
    def agreed(self) -> int:
        """How many agencies signed so that it counts."""
        return sum(signer.counts for signer in self.agencies)

    @property
    def witnessed(self) -> int:
        """How many witnesses cosigned so that it counts."""
        return sum(signer.counts for signer in self.witnesses)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Name and key id of each line by a key that the policy does not name."""
        return tuple(signature.label for signature in self.signed.ignored)

    @property
    def met(self) -> bool:
        """Whether agencies and witnesses are as many as the policy requires."""
        return self.agreed >= self.require and self.witnessed >= self.require_witnesses


def judge(trust: Trust, data: bytes, at: str | None) -> Judgement:
    """Judge the bytes of a signed checkpoint by a trust policy.

    `at` is the time by which the signatures stood, as far as the caller knows it. Those in an algorithm that
    has an end count only where `at` is not after it: take `at` from what does not rest on that algorithm. A
    witness's line at time 0 states no time and does not count (tlog-witness).

    A quorum that is not met is reported, not raised. Raises `Unverified` for a checkpoint of another log and
    for a bad line of a key that the policy names, `Malformed` where the bytes are no checkpoint or `at` is no
    time.
    """
    if at is not None:
        instant(at)
    signed = open_checkpoint(data, trust.keys)
    if signed.checkpoint.origin != trust.origin:
        raise Unverified(
            f"the checkpoint is of the log {signed.checkpoint.origin[:80]!r}, not of {trust.origin[:80]!r}; "
            "use the trust policy of its own log"
        )
    agencies = tuple(
        _signer(trust, agency.name, agency.keys, signed.lines, at, trust.require_algorithms)
        for agency in trust.agencies
    )
    stated = [line for line in signed.lines if line.time]
    witnesses = tuple(
        _signer(trust, name, [key for key in trust.witnesses if key.name == name], stated, at, ())
        for name in dict.fromkeys(key.name for key in trust.witnesses)
    )
    return Judgement(signed, agencies, witnesses, trust.require, trust.require_witnesses)


def _signer(
    trust: Trust,
    name: str,
    keys: Collection[VerifierKey],
    lines: Iterable[VerifiedLine],
    at: str | None,
    required: Collection[str],
) -> Signer:
    used = sorted({line.key.public.algorithm for line in lines if line.key in keys})
    counting = tuple(algorithm for algorithm in used if trust.counts(algorithm, at))
    others = tuple(algorithm for algorithm in used if algorithm not in counting)
    return Signer(name, counting, others, bool(counting) and set(required).issubset(counting))


class _Agency(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    keys: tuple[str, ...]


class _Form(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    format: str
    origin: str
    agencies: tuple[_Agency, ...]
    require: int
    witnesses: tuple[str, ...]
    require_witnesses: int
    algorithms: dict[str, str | None]
    require_algorithms: tuple[str, ...]
    genesis_root: str | None
    genesis_size: int | None


def _keys(texts: Iterable[str]) -> tuple[VerifierKey, ...]:
    return tuple(VerifierKey.parse(text) for text in texts)


def _check_agencies(trust: Trust) -> None:
    names = [agency.name for agency in trust.agencies]
    if len(set(names)) < len(names) or not all(names):
        raise Malformed("the agencies of a trust policy need names, each its own")
    if not 1 <= trust.require <= len(names):
        raise Malformed(
            f"a trust policy must require 1 to all of its {len(names)} agencies, not {trust.require}"
        )
    for agency in trust.agencies:
        if not agency.keys:
            raise Malformed(
                f"the agency {agency.name[:80]!r} has no key in the trust policy; give one or more"
            )
        for key in agency.keys:
            if key.name != trust.origin or key.type != LOG_TYPES[key.public.algorithm]:
                raise Malformed(
                    f"the key {key.label} of agency {agency.name[:80]!r} does not sign for this log; "
                    f"its name must be {trust.origin[:80]!r}, its type 0x01 or 0x06"
                )


def _check_witnesses(trust: Trust) -> None:
    for key in trust.witnesses:
        if key.name == trust.origin or key.type == ED25519_NOTE:
            raise Malformed(
                f"the key {key.label} cannot be a witness's; it needs a name of its own and type 0x04 or 0x06"
            )
    count = len({key.name for key in trust.witnesses})
    if not 0 <= trust.require_witnesses <= count:
        raise Malformed(
            f"a trust policy must require 0 to all of its {count} witnesses, not {trust.require_witnesses}"
        )


def _check_algorithms(trust: Trust) -> None:
    for name, until in trust.algorithms.items():
        algorithm(name)
        if until is not None:
            instant(until)
    for name in trust.require_algorithms:
        if name not in trust.algorithms:
            raise Malformed(
                f"the trust policy requires {name[:40]!r}, which is not among its algorithms; add it"
            )


def _check_genesis(root: str | None, size: int | None) -> None:
    if (root is None) != (size is None):
        raise Malformed("a trust policy names the genesis by root and size together, or not at all")
    if root is not None:
        unlabelled(root)
    if size is not None and not 1 <= size <= MAX_INTEGER:
        raise Malformed(f"the genesis size of a trust policy must be 1 to 2^53-1, not {size}")
