"""The application: the API and the pages behind one entrance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from litestar import Litestar, Request, Response
from litestar.di import NamedDependency, Provide
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from counterfoil.errors import CounterfoilError
from counterfoil.identity.caller import OPERATOR, Caller
from counterfoil.web.api.log import log_app
from counterfoil.web.api.openapi import OPENAPI
from counterfoil.web.api.routes import routes as api_routes
from counterfoil.web.entrance import App, Entrance, Receive, Scope, Send
from counterfoil.web.metrics import Metrics
from counterfoil.web.operator import PREFIX, Operator
from counterfoil.web.portal.errors import error_page, said_plainly
from counterfoil.web.portal.routes import routes as portal_routes
from counterfoil.web.problem import MEDIA_TYPE, Problem, problem, problem_of
from counterfoil.web.service import Service

API: Final = "/v1"
LOG: Final = "/v1/log/"


def create_app(service: Service, metrics: Metrics | None = None) -> App:
    """The application of a serving installation, as ASGI 3."""
    counted = metrics or Metrics()

    # Each of them needs the one before it, so that they are asked for in turn: the library makes a task for each of
    # those that it may ask for at once, which takes a sixth of a request's time.
    async def ask_caller(request: Request[Any, Any, Any], service: NamedDependency[Service]) -> Caller:
        caller: Caller = request.scope["caller"]  # type: ignore[typeddict-item]  # the entrance puts it there
        return caller

    inside = Litestar(
        route_handlers=[*api_routes, *portal_routes],
        dependencies={
            "service": Provide(lambda: service, sync_to_thread=False, use_cache=True),
            "metrics": Provide(lambda: counted, sync_to_thread=False, use_cache=True),
            "caller": Provide(ask_caller),
        },
        exception_handlers=HANDLERS,
        openapi_config=OPENAPI,
        request_max_body_size=None,  # the entrance limits it
        logging_config=None,
    )
    log = log_app(service.node)
    operator = Operator(service)

    async def choose(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(LOG):
            await log(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(PREFIX):
            await operator(scope, receive, send)
        else:
            await inside(scope, receive, send)  # type: ignore[arg-type]  # ASGI, as the library has its own names for it

    node = service.node
    names = [urlsplit(service.public_url).netloc.lower()] if service.public_url else []
    return Entrance(choose, service.access, counted, node.clock, str(node.home.socket), names)


def answer_error(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """An error of this program, or one of the library about the request, as a problem or as a page."""
    if isinstance(error, CounterfoilError):
        operator = request.scope.get("caller") is OPERATOR
        told = problem_of(error, conditional=_conditional(request), operator=operator)
        return _answer(request, told)
    if isinstance(error, HTTPException):
        return _answer(request, problem(error.status_code, said_plainly(str(error.detail))), error.headers)
    structlog.get_logger("request").error("unexpected", path=request.scope["path"][:200], exc_info=error)
    said = "this should not have happened; the node's log says where, please report it"
    return _answer(request, problem(500, said, "unexpected"))


def _conditional(request: Request[Any, Any, Any]) -> bool:
    return "if-match" in request.headers or "if-none-match" in request.headers


def _answer(
    request: Request[Any, Any, Any], said: Problem, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    if request.scope["path"].startswith(API) or "text/html" not in request.headers.get("accept", ""):
        return Response(
            said.encode(),
            media_type=MEDIA_TYPE,
            status_code=said.status,
            headers={**said.headers, **(headers or {})},
        )
    return error_page(request, said)


HANDLERS: Final[ExceptionHandlersMap] = {Exception: answer_error}
