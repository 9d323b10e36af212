"""A witness that really serves, on loopback, in a thread of the test's own process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from counterfoil.gateway.http_server import server_of, url_of
from counterfoil.gateway.witness import Witness
from counterfoil.gateway.witness_app import WitnessApp
from counterfoil.gateway.witness_keys import cosigner_key
from counterfoil.gateway.witness_logs import Logs
from counterfoil.gateway.witness_serve import listening
from counterfoil.gateway.witnesses import AskedWitness
from counterfoil.proof.note import VerifierKey
from tests.gateway.small_log import key

NAME = "witness.example/w1"


@contextmanager
def served(app: WitnessApp, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """Serve until the end of the block; gives the address."""
    with listening(listen) as listener:
        server = server_of(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def served_witness(
    folder: Path,
    logs: Logs,
    name: str = NAME,
    *,
    listen: str = "127.0.0.1:0",
    clock: Callable[[], float] = time.time,
) -> Iterator[AskedWitness]:
    """A witness, served; gives what a log's keeper knows of it."""
    witness = Witness.open(folder, name, logs)
    try:
        with served(WitnessApp(witness, clock=clock), listen) as url:
            yield AskedWitness(name, url, tuple(key.text for key in witness.verifier_keys))
    finally:
        witness.close()


def cosigning_keys(name: str) -> tuple[VerifierKey, ...]:
    """The keys of a witness that is named and not there."""
    return tuple(cosigner_key(name, key(name, algorithm)) for algorithm in ("ed25519", "ml-dsa-44"))


def until(condition: Callable[[], object], what: str, seconds: float = 20.0) -> None:
    """Wait for what other threads bring about; fails, and says what was waited for, where it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} seconds: {what}"
        time.sleep(0.01)
