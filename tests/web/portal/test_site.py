"""The address that pages give for this node: the one at which others reach it, where the operator has said so."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import httpx
import pytest

from counterfoil.web.app import create_app
from tests.web.serving import Served


@pytest.mark.parametrize(
    ("public_url", "address"),
    [
        (None, "http://127.0.0.1:8123"),
        ("https://registers.example.org", "https://registers.example.org"),
        ("https://registers.example.org/", "https://registers.example.org"),
    ],
)
def test_pages_name_the_public_address(office: Served, public_url: str | None, address: str) -> None:
    app = create_app(replace(office.service, public_url=public_url))

    async def ask() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8123") as client:
            return [(await client.get(path)).text for path in ("/about", "/log", "/about.json")]

    about, log, json = asyncio.run(ask())
    command = f"counterfoil monitor {address}/ --state"
    assert command in about
    assert command in log
    assert f'"address":"{address}"' in json
