"""What an HTTP message signature is over: components of a request, in lines (RFC 9421 sections 2 and 2.5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final

from counterfoil.errors import Unverified

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
# Printable ASCII and tabs; the lines of the base itself are counted.
_BASE: Final = re.compile(r"[\t\n -~]*+")


@dataclass(frozen=True)
class SignedRequest:
    """A request as it was received, or is to be sent.

    `authority` is the Host field's value (HTTP/2: `:authority`). `path` and `query` are as on the wire, nothing
    decoded; `query` begins with its `?`, and is empty where there is none. `headers` are all field lines in their
    order, with names in any case; `body` is the content as it is sent, in its content coding.
    """

    method: str
    scheme: str
    authority: str
    path: str
    query: str
    headers: Sequence[tuple[bytes, bytes]] = field(repr=False)
    body: bytes = field(repr=False, default=b"")

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """Each field by its lower-case name: its lines trimmed and joined by `, ` (section 2.1)."""
        found: dict[str, str] = {}
        for raw_name, raw_value in self.headers:
            name = raw_name.decode("latin-1").lower()
            value = raw_value.decode("latin-1").strip(" \t")
            found[name] = f"{found[name]}, {value}" if name in found else value
        return found


def _authority(request: SignedRequest) -> str:
    """The host in lower case, and the port unless it is the scheme's own (section 2.2.3)."""
    return request.authority.lower().removesuffix(_DEFAULT_PORTS.get(request.scheme.lower(), " "))


def _path(request: SignedRequest) -> str:
    return request.path or "/"


def _target_uri(request: SignedRequest) -> str:
    return f"{request.scheme.lower()}://{_authority(request)}{_path(request)}{request.query}"


DERIVED: Final[Mapping[str, Callable[[SignedRequest], str]]] = MappingProxyType(
    {
        "@method": lambda request: request.method,
        "@target-uri": _target_uri,
        "@authority": _authority,
        "@scheme": lambda request: request.scheme.lower(),
        # In origin form, the one in which a server that is no proxy is asked (RFC 9112 section 3.2.1).
        "@request-target": lambda request: _path(request) + request.query,
        "@path": _path,
        "@query": lambda request: request.query or "?",
    }
)
"""The components that are no fields (section 2.2), and what makes each."""


def signature_base(request: SignedRequest, covered: Sequence[str], parameters: str) -> bytes:
    """The bytes that are signed: a line for each covered component, and one for the signature's own parameters.

    `parameters` is the serialised inner list of the components with its parameters. Raises `Unverified` for a
    component that is named twice, is not known, or that the request does not have.
    """
    fields = request.fields
    lines = []
    for name in covered:
        make = DERIVED.get(name)
        value = make(request) if make is not None else fields.get(name)
        if value is None:
            raise Unverified(f"the signature covers {name[:80]!r}, {_absent(name)}")
        lines.append(f'"{name}": {value}')
    if len(set(covered)) != len(covered):
        raise Unverified("the signature covers a component twice; name each of them once")
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    if base.count("\n") != len(covered) or not _BASE.fullmatch(base):
        raise Unverified(
            "a component that the signature covers is not printable ASCII; encode it, and sign that"
        )
    return base.encode("ascii")


def _absent(name: str) -> str:
    if name.startswith("@"):
        return f"which is not used here; sign {', '.join(DERIVED)} and fields"
    if name != name.lower():
        return "but fields are named in lower case there"
    return "which the request does not have; send that field, or sign without it"
