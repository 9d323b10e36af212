"""The operator's own door: what goes through the socket, what garbage does there, and that it is nobody else's."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import msgspec
import pytest

from counterfoil.engine.submission import Submission
from counterfoil.errors import (
    Busy,
    Conflict,
    CounterfoilError,
    Damaged,
    Lapsed,
    Malformed,
    NotFound,
    Refused,
    Reused,
    Unauthorised,
    Unavailable,
    Unverified,
    Violated,
)
from counterfoil.proof.canonical import digest
from counterfoil.proof.entry import Proposal
from counterfoil.web import entrance
from counterfoil.web import operator as door
from counterfoil.web.operator import Answer, Failed, Named, failed
from tests.web.serving import AGENCY, ORIGIN, Served, served

REGISTER = Submission(
    [Proposal(".register", "tree", "create", 1, body={"fields": {"title": "Trees", "authority": AGENCY}})]
)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served installation for all of these."""
    with served(tmp_path_factory.mktemp("operator") / "home") as each:
        yield each


@pytest.fixture
def owner(serving: Served) -> Iterator[httpx.Client]:
    """A client at the socket."""
    transport = httpx.HTTPTransport(uds=str(serving.node.home.socket))
    with httpx.Client(transport=transport, base_url="http://node", timeout=20) as each:
        yield each


def asked(owner: httpx.Client, what: str, body: object = b"") -> Answer:
    """What is answered to a request."""
    content = body if isinstance(body, bytes) else msgspec.msgpack.encode(body)
    answer = owner.post(f"/operator/{what}", content=content)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/msgpack"
    return msgspec.msgpack.decode(answer.content, type=Answer)


def test_who_is_served_is_said_once_the_log_is_settled(owner: httpx.Client, serving: Served) -> None:
    node = asked(owner, "settle").node
    assert node is not None
    assert (node.origin, node.agency) == (ORIGIN, AGENCY)
    assert serving.node.entry(serving.node.store.head.size - 1).register == ".index"


def test_what_is_submitted_is_answered_with_its_receipt(owner: httpx.Client, serving: Served) -> None:
    receipt = asked(owner, "submit", REGISTER).receipt
    assert receipt is not None
    assert serving.node.entry(receipt.first).record == "tree"
    refused = asked(owner, "submit", REGISTER).failed
    assert refused is not None
    assert isinstance(refused.error(), Conflict)


def test_raw_proposals_for_a_personal_register_are_the_offices_alone(
    owner: httpx.Client, serving: Served
) -> None:
    schema = {"type": "object", "properties": {"name": {"class": "personal", "type": "string"}}}
    fields = {"title": "Guests", "authority": AGENCY, "schema": schema}
    defined = Proposal(".register", "guest", "create", 1, body={"fields": fields})
    assert asked(owner, "submit", Submission([defined])).receipt is not None
    size = serving.node.store.head.size
    raw = Proposal("guest", "7", "create", 1, item=f"sha256:{'ab' * 32}")
    refused = asked(owner, "submit", Submission([raw])).failed
    assert refused is not None
    assert (refused.kind, "written by the office" in refused.message) == ("Refused", True)
    assert serving.node.store.head.size <= size + 1  # an index entry may have come meanwhile


GARBAGE = {
    "nothing": b"",
    "a number": b"\x01",
    "no MessagePack": b"\xc1",
    "cut": msgspec.msgpack.encode(REGISTER)[:-1],
    "more behind it": msgspec.msgpack.encode(REGISTER) + b"\x01",
    "JSON": msgspec.json.encode(REGISTER),
    "an array of arrays": b"\x91" * 100_000,
    "a huge length": b"\xdd\xff\xff\xff\xff",
    "another form": msgspec.msgpack.encode({"proposals": 7}),
    "no UTF-8": b"\x81\xa9proposals\x91\xa2\xff\xfe",
}


@pytest.mark.parametrize("what", ["submit", "endorse", "withdraw"])
@pytest.mark.parametrize("body", GARBAGE.values(), ids=GARBAGE)
def test_garbage_is_malformed_and_stores_nothing(
    owner: httpx.Client, serving: Served, what: str, body: bytes
) -> None:
    size = serving.node.store.head.size
    refused = asked(owner, what, body).failed
    assert refused is not None
    assert refused.kind == "Malformed"
    assert serving.node.store.head.size <= size + 1  # an index entry may have come meanwhile


@pytest.mark.parametrize("value", [b"bytes", 0.5, 1 << 60, msgspec.msgpack.Ext(5, b"x"), {1: 2}])
def test_content_that_json_does_not_have_is_refused_and_harms_nobody(
    owner: httpx.Client, value: object
) -> None:
    proposal = {"register": "tree", "record": "x", "operation": "create", "version": 1}
    body = {"proposals": [{**proposal, "body": {"fields": {"kind": value}}}]}
    answer = owner.post("/operator/submit", content=msgspec.msgpack.encode(body))
    if answer.status_code == 200:
        refused = msgspec.msgpack.decode(answer.content, type=Answer).failed
        assert refused is not None
        assert isinstance(refused.error(), Malformed | Refused)
    else:
        assert answer.status_code == 500
        assert "this should not have happened" in answer.json()["detail"]
    assert asked(owner, "settle").failed is None


def test_what_waits_can_be_endorsed_and_withdrawn_by_its_hash_alone(owner: httpx.Client) -> None:
    for what in ("endorse", "withdraw"):
        refused = asked(owner, what, Named("sha256:" + "0" * 64)).failed
        assert refused is not None
        assert refused.kind == "NotFound"


@pytest.mark.parametrize("what", ["", "nothing", "submit/", "../v1/caller", "document/x"])
def test_nothing_else_is_there(owner: httpx.Client, what: str) -> None:
    refused = asked(owner, what, REGISTER).failed if what != "../v1/caller" else None
    assert refused is None or refused.kind == "NotFound"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_it_is_asked_by_post(owner: httpx.Client, method: str) -> None:
    assert owner.request(method, "/operator/settle").status_code == 404


@pytest.mark.parametrize("what", ["settle", "submit", "endorse", "withdraw", "document"])
def test_by_the_network_it_is_not_there_for_anybody(serving: Served, what: str) -> None:
    size = serving.node.store.head.size
    with serving.client() as clerk:
        answer = clerk.post(f"/operator/{what}", content=msgspec.msgpack.encode(REGISTER))
    assert answer.status_code == 404
    assert msgspec.msgpack.decode(answer.content, type=Answer).node is None
    assert serving.node.store.head.size <= size + 1


def test_a_request_that_is_too_large_is_refused(owner: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entrance, "MAX_BODY_BYTES", 1_000)
    assert owner.post("/operator/submit", content=b"x" * 1_001).status_code == 413


def test_a_document_may_be_larger_than_other_requests(
    owner: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "MAX_BODY_BYTES", 1_000)
    assert asked(owner, "document", b"x" * 100_000).document == digest(b"x" * 100_000)


def test_a_document_that_stops_arriving_is_said(owner: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stopped(*_: object) -> str:
        raise TimeoutError

    monkeypatch.setattr(door, "store_streamed", stopped)
    refused = asked(owner, "document", b"x").failed
    assert refused is not None
    assert isinstance(refused.error(), Unavailable)
    assert refused.message == "the document stopped arriving; send it again"


# Errors from one process to another


@pytest.mark.parametrize(
    "kind",
    [
        Busy,
        Conflict,
        Damaged,
        Lapsed,
        Malformed,
        NotFound,
        Refused,
        Reused,
        Unauthorised,
        Unavailable,
        Unverified,
    ],
)
def test_an_error_comes_over_as_it_is(kind: type[CounterfoilError]) -> None:
    sent = msgspec.msgpack.encode(failed(kind("what is wrong; what to do")))
    error = msgspec.msgpack.decode(sent, type=Failed).error()
    assert type(error) is kind
    assert str(error) == "what is wrong; what to do"


def test_a_constraint_comes_over_with_its_field_and_law() -> None:
    error = failed(Violated("no", constraint="schema", field="owner", citation="Land Act")).error()
    assert isinstance(error, Violated)
    assert (str(error), error.constraint, error.field, error.citation) == (
        "no",
        "schema",
        "owner",
        "Land Act",
    )


@pytest.mark.parametrize("kind", ["Nothing", "annotations", "__name__", "Exception", ""])
def test_an_error_that_there_is_not_is_damage(kind: str) -> None:
    error = Failed(kind, "text").error()
    assert type(error) is Damaged
    assert str(error) == f"the serving process answered with {kind!r}: text"
