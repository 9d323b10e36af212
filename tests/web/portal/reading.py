"""Reading pages as their readers do: what they say, what they link to, and their JSON."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import httpx


class Page(HTMLParser):
    """A page, read: its words in a row, its links, and every start tag with its attributes."""

    def __init__(self, response: httpx.Response):
        super().__init__(convert_charrefs=True)
        self.response = response
        self.tags: list[tuple[str, dict[str, str]]] = []
        self._texts: list[str] = []
        self._within: list[str] = []
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag in {"script", "style"}:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        self._texts.append(data)

    @property
    def text(self) -> str:
        """Its words, with single spaces between them, and narrow ones kept."""
        words = re.split(r"[ \t\r\n]+", " ".join(self._texts).strip())
        return re.sub(r" ([.,:;]+)(?= |$)", r"\1", " ".join(words))

    @property
    def next(self) -> str | None:
        """Where a list goes on."""
        return next(
            (each["href"] for tag, each in self.tags if tag == "a" and each.get("rel") == "next"), None
        )

    @property
    def links(self) -> list[str]:
        """What its anchors lead to."""
        return [attributes["href"] for tag, attributes in self.tags if tag == "a"]


class Reader:
    """Asks for pages."""

    def __init__(self, client: httpx.Client):
        self.client = client

    def get(self, address: str, status: int = 200) -> Page:
        """A page. Its status must be this."""
        response = self.client.get(address)
        assert response.status_code == status, f"{address}: {response.status_code} {response.text[:300]}"
        return Page(response)

    def json(self, address: str) -> Any:
        """What a page shows, as JSON."""
        response = self.client.get(address, headers={"accept": "application/json"})
        assert response.status_code == 200, f"{address}: {response.status_code} {response.text[:300]}"
        assert response.headers["content-type"] == "application/json"
        return response.json()["page"]
