"""A serving process is killed under 64 writing clients, again and again: nothing acknowledged is lost or doubled.

The clients have an idempotency key for each write, and ask again with it after each kill. SERVE_KILLS says how often.
"""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from counterfoil.home import Home
from counterfoil.home_audit import audit_home
from counterfoil.node import Node
from tests.cli.calling import process
from tests.web.process import serving

KILLS = int(os.environ.get("SERVE_KILLS", "6"))
CLIENTS = 64
REGISTER = ("register", "create", "tree", "--key", "number")


class Clients:
    """64 clients that write until they are told to stop, and keep what was acknowledged to them."""

    def __init__(self, headers: dict[str, str]):
        self._headers = headers
        self._stopped = threading.Event()
        self.acknowledged: dict[str, int] = {}
        self.asked: set[str] = set()
        self.refused: list[str] = []

    def write(self, url: str, client: int, life: int) -> None:
        """Write new records to a process, one by one, until it does not answer any more."""
        with httpx.Client(base_url=url, headers=self._headers, timeout=30) as http:
            # What was asked last and not answered is asked again, under the same key.
            unanswered = [
                name
                for name in list(self.asked)
                if name.startswith(f"{client}-") and name not in self.acknowledged
            ]
            fresh = (f"{client}-{life}-{number}" for number in range(10_000))
            for name in (*unanswered, *fresh):
                self.asked.add(name)
                proposal = {
                    "register": "tree",
                    "record": name,
                    "operation": "create",
                    "version": 1,
                    "body": {"fields": {"number": name}},
                }
                try:
                    answer = http.post(
                        "/v1/transactions", json={"proposals": [proposal]}, headers={"idempotency-key": name}
                    )
                except httpx.TransportError:
                    return
                if answer.status_code in (200, 201):
                    self.acknowledged[name] = answer.json()["first"]
                elif answer.status_code != 503:
                    self.refused.append(f"{answer.status_code} {answer.text}")
                    return


def test_nothing_acknowledged_is_lost_or_doubled(tmp_path: Path) -> None:
    home, chance = tmp_path / "home", random.Random(11)
    process(*REGISTER, "--home", home)
    added = process("access", "add", "clients", "--scope", "write:tree", "--home", home, "--json")
    clients = Clients({"authorization": f"Bearer {added.result['token']}"})
    for life in range(KILLS):
        with serving(home) as served, ThreadPoolExecutor(CLIENTS) as threads:
            writing = [threads.submit(clients.write, served.url, client, life) for client in range(CLIENTS)]
            before = len(clients.acknowledged)
            deadline = time.monotonic() + 60
            while len(clients.acknowledged) < before + CLIENTS and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(chance.random() * 0.5)
            served.process.send_signal(signal.SIGKILL)
            for each in writing:
                each.result()
    assert clients.refused == []
    assert len(clients.acknowledged) >= KILLS * CLIENTS
    found: dict[str, list[int]] = {}
    with Node.open(home) as node:
        for number, data in enumerate(node.entries()):
            entry = json.loads(data)
            if entry["register"] == "tree":
                found.setdefault(entry["record"], []).append(number)
    assert {name: found.get(name) for name in clients.acknowledged} == {
        name: [number] for name, number in clients.acknowledged.items()
    }
    assert all(len(numbers) == 1 for numbers in found.values())
    assert found.keys() <= clients.asked
    assert audit_home(Home(home)).findings == ()
