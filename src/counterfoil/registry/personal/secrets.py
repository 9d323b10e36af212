"""What a register's secrets make of people's numbers: records' names, claims' digests, subjects' pseudonyms."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from functools import cache

from counterfoil.errors import Malformed
from counterfoil.ledger.declared import KeyForm
from counterfoil.proof.canonical import Json
from counterfoil.registry.personal.normal import claim_digest, key_in_form, pseudonym
from counterfoil.registry.personal.tokens import Tokeniser

DISCLOSURE = "disclosure"
"""The register whose records say who looked at what: one a person, by a pseudonym of its own."""


class Pseudonyms:
    """Derives names from numbers. `secret` gives a keyring's secret by name, `form` that of the register of persons."""

    def __init__(self, secret: Callable[[str], bytes], form: Callable[[], KeyForm]):
        self._secret = secret
        self._form = form
        self._tokenisers: dict[str, Tokeniser] = {}

    def held(self) -> Pseudonyms:
        """The same while no register's definition changes: the form of persons' numbers is looked up once."""
        held = Pseudonyms(self._secret, cache(self._form))
        held._tokenisers = self._tokenisers
        return held

    def record(self, register: str, key: str, form: KeyForm) -> str:
        """The name in the log of the record with a natural key."""
        return pseudonym(self._secret(f"pseudonym:{register}"), register, key_in_form(key, form))

    def claim(self, scope: str, value: Json) -> str:
        """The labelled digest under which a person's number is claimed in a scope. Raises `Malformed` for no number."""
        if not isinstance(value, str):
            raise Malformed("a claim is made for a person's number, which is text")
        return claim_digest(self._secret(f"scope:{scope}"), key_in_form(value, self._form()))

    def subject(self, number: str) -> str:
        """The name under which a person's disclosures are kept."""
        return self.record(DISCLOSURE, number, self._form())

    def subject_of_record(self, register: str, record: str) -> str:
        """The same where nobody knows the person's number: the record stands for them."""
        return pseudonym(self._secret(f"pseudonym:{DISCLOSURE}"), DISCLOSURE, f"{register}/{record}")

    def tokeniser(self, register: str) -> Tokeniser:
        """What makes a register's search tokens."""
        found = self._tokenisers.get(register)
        if found is None:
            found = self._tokenisers[register] = Tokeniser(self._secret(f"search:{register}"))
        return found


def raw(pseudonym_: str) -> bytes:
    """A pseudonym's 32 bytes."""
    return urlsafe_b64decode(pseudonym_ + "=")


def raw_text(pseudonym_: bytes) -> str:
    """The pseudonym that 32 bytes are."""
    return urlsafe_b64encode(pseudonym_)[:-1].decode("ascii")
