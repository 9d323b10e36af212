"""Where a serving process listens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Listen:
    """An address to listen at; with `certificate` and `key` (PEM files) it speaks TLS.

    `public_url` is where others reach it, where a proxy stands before it.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    certificate: Path | None = None
    key: Path | None = None
    public_url: str | None = None
