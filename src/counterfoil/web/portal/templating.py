"""The templates, what they may call, and the static files under addresses that change with their content."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Any, Final, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

from counterfoil.web.portal import words
from counterfoil.web.portal.addresses import entry_address, record_address, register_address, with_query
from counterfoil.web.portal.charts import bars
from counterfoil.web.portal.stub import qr_code

TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


class Static(NamedTuple):
    """A static file's content and media type."""

    data: bytes
    media_type: str


def _load() -> tuple[dict[str, str], dict[str, Static]]:
    """The files' addresses by name, and their content by the last part of the address."""
    addresses, contents = {}, {}
    for file in files("counterfoil.web.portal").joinpath("static").iterdir():
        stem, dot, kind = file.name.rpartition(".")
        if dot + kind in TYPES:
            data = file.read_bytes()
            name = f"{stem}.{sha256(data).hexdigest()[:12]}.{kind}"
            addresses[file.name] = f"/static/{name}"
            contents[name] = Static(data, TYPES[dot + kind])
    return addresses, contents


ADDRESSES, CONTENTS = _load()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("counterfoil.web.portal", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    environment.filters.update(
        number=words.number,
        size=words.size,
        moment=words.moment,
        day=words.day,
        brief=words.brief,
        plain=words.plain,
    )
    environment.globals.update(
        static=ADDRESSES.__getitem__,
        plural=words.plural,
        duration=words.duration,
        levels=words.LEVELS,
        max_shown=words.MAX_SHOWN,
        register_address=register_address,
        record_address=record_address,
        entry_address=entry_address,
        with_query=with_query,
        bars=bars,
        qr_code=qr_code,
    )
    return environment


ENVIRONMENT: Final = _environment()
for _name in ENVIRONMENT.list_templates():
    # Compiled here, and not by the first reader of each kind of page.
    ENVIRONMENT.get_template(_name)


def render(template: str, **context: Any) -> bytes:
    """A template filled in, as UTF-8."""
    return ENVIRONMENT.get_template(template).render(context).encode()
