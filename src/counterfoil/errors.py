"""Every error that Counterfoil raises on purpose: one small tree, each message says what is wrong and what to do."""

from __future__ import annotations


class CounterfoilError(Exception):
    """The root of the tree; never raised itself."""


class Malformed(CounterfoilError):
    """Bytes or values that are not in the form they must have: bad JSON, a wrong encoding, a limit passed."""


class Unverified(CounterfoilError):
    """A proof, signature or hash that does not hold."""


class NotFound(CounterfoilError):
    """Something that was asked for by name and is not there."""


class Refused(CounterfoilError):
    """A transaction that the ledger does not take. It left nothing behind."""


class Conflict(Refused):
    """The record, claim or expectation has moved on: read again and submit anew."""


class Reused(Conflict):
    """An idempotency key that was used for another request."""


class Violated(Refused):
    """A constraint or schema says no.

    `constraint` names the rule, `field` the field it is about, `citation` the law or standard behind it.
    """

    def __init__(
        self, message: str, *, constraint: str, field: str | None = None, citation: str | None = None
    ):
        super().__init__(message)
        self.constraint = constraint
        self.field = field
        self.citation = citation


class Unauthorised(Refused):
    """The endorsements do not satisfy the policy that governs the change."""


class Lapsed(Refused):
    """The deadline has passed, or lies too far ahead."""


class Damaged(CounterfoilError):
    """Something stored is not what it must be; `counterfoil audit` names it."""


class Busy(CounterfoilError):
    """Another process holds what is needed."""


class Unavailable(CounterfoilError):
    """The machine does not allow it now: disk full, read-only, no permission, clock set back."""
