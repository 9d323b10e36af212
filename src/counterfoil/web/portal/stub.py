"""The stub beside a record: the part that one keeps."""

from __future__ import annotations

from functools import lru_cache

import segno
from markupsafe import Markup


@lru_cache(maxsize=512)
def qr_code(address: str) -> Markup:
    """An address as a QR code (ISO/IEC 18004), dark on light whatever the page's colours."""
    code = segno.make(address, error="l", micro=False)
    drawn = code.svg_inline(
        border=2, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True, title="QR code"
    )
    return Markup(drawn)  # noqa: S704  # shapes and numbers alone: the address is in the modules
