"""The description of the API (OpenAPI 3.1), as it is served."""

from __future__ import annotations

from typing import Final

from litestar import route
from litestar.openapi.config import OpenAPIConfig

from counterfoil.web.api.answers import Answer, answer
from counterfoil.web.api.asking import Asked, NoQuery, query
from counterfoil.web.api.description.document import encoded_document

OPENAPI: Final[OpenAPIConfig | None] = None
"""The library makes no description of its own: ours has examples and links, and is tested against what is answered."""


@route("/openapi.json", http_method=["GET", "HEAD"])
async def show_description(request: Asked) -> Answer:
    """What this API takes and answers."""
    query(request, NoQuery)
    return answer(encoded_document())


description_routes: Final = [show_description]
