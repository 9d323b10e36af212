"""An extract as a page to print: one HTML file that holds the extract's JSON, and shows nothing that is not from it.

The page is a function of the JSON alone, so that a verifier makes it again and compares the bytes. What is made here
must therefore stay as it is for every extract of this format: another page is another `FORM`.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

import segno
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from counterfoil.errors import Malformed
from counterfoil.proof.canonical import Json
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.evidence import Evidence
from counterfoil.proof.extract import MAX_EXTRACT_BYTES, Extract, extract_hash
from counterfoil.proof.extract_steps import CIRCUMSTANCES, Facts, gather_facts
from counterfoil.proof.instant import MONTHS
from counterfoil.proof.note import parse_note
from counterfoil.proof.report import PUBLISHED, REPLICATED, SEALED_HERE, WITNESSED
from counterfoil.registry.extract.enforced import Rule, rules_of
from counterfoil.registry.extract.order import in_order

FORM: Final = "1"
MAX_PAGE_BYTES: Final = 4 * MAX_EXTRACT_BYTES
_OPEN: Final = f'<script type="application/json" id="extract" data-form="{FORM}">'.encode()
_CLOSE: Final = b"</script>"
_START: Final = b"<!doctype html>"
_TIME: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)Z", re.ASCII)
_DAY: Final = re.compile(r"(\d{4})-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01]))?([~?%]?)", re.ASCII)
_MARKS: Final = {"": "", "~": ", estimated", "?": ", uncertain", "%": ", estimated and uncertain"}
_NAME_PARTS: Final = {"family", "given", "script", "use"}
LEVELS: Final = {
    SEALED_HERE: "one node keeps the ledger; a change of anything stored is detected, but whoever holds all its keys "
    "could make the whole anew.",
    WITNESSED: "witnesses elsewhere have cosigned the ledger; if they are independent, it would come to light that it "
    "was shown to people in different forms.",
    REPLICATED: "four agencies or more keep the ledger together; no single one can change or delete an entry.",
    PUBLISHED: "the ledger's root also stands where those who keep it cannot take it back.",
}
"""What each trust level means on paper."""
CHECKERS: Final = {
    "every node": "Checked by every node of the ledger",
    "a second agency": "Checked by a second agency, which can read the fields",
    "the submitting agency only": "Checked by the submitting agency only",
}


def extract_page(extract: Extract, facts: Facts) -> bytes:
    """The page, in UTF-8. Raises `Malformed` where the register's rules are none that are known here."""
    template, style = _parts()
    content = facts.content.entry
    names = in_order(facts.judged_by.entry.fields, extract.fields)
    fields = {name: extract.fields[name] for name in names if name != CIRCUMSTANCES}
    page = template.render(
        extract=extract,
        facts=facts,
        fields=fields,
        circumstances=extract.fields.get(CIRCUMSTANCES),
        hash=extract_hash(extract),
        keeper=facts.keeper.entry.fields.get("name", extract.authority),
        law=facts.definition.purposes[extract.purpose].law if extract.purpose else None,
        origin=_origin(extract),
        rules=_groups(rules_of(facts.judged_by.entry, content.operation, content.status)),
        code=_code(f"{extract.format} {extract_hash(extract)} {_origin(extract)} {facts.latest.number}"),
        data=Markup(_embedded(extract)),  # noqa: S704  # JSON without < and >, which ends no element
        style=Markup(style),  # noqa: S704  # a file of this package
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
        form=FORM,
        levels=LEVELS,
    )
    return page.encode()


def page_of(extract: Extract) -> bytes:
    """The page of an extract that was made just now. Raises as `gather_facts` where its bundle lacks something."""
    return extract_page(extract, gather_facts(extract, Evidence(extract.bundle.entries)))


def is_page(data: bytes) -> bool:
    """Whether a file is a page rather than JSON."""
    return data[:64].lstrip()[:1] == b"<"


def read_page(data: bytes) -> bytes:
    """The JSON inside a page. Raises `Malformed` where there is none, or more than one."""
    if len(data) > MAX_PAGE_BYTES:
        raise Malformed(f"the page has {len(data)} bytes; at most {MAX_PAGE_BYTES} are read")
    before, found, rest = data.partition(_OPEN)
    content, closed, after = rest.partition(_CLOSE)
    if not before.startswith(_START) or not found or not closed or _OPEN in after:
        raise Malformed(
            f"this page holds no extract in a form that is known here (form {FORM}); give the file as it was saved, "
            "or the extract's JSON"
        )
    return content


@lru_cache(maxsize=1)
def _parts() -> tuple[Template, str]:
    folder = files(__package__).joinpath("templates")
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["moment"] = moment
    environment.filters["said"] = said
    environment.tests["name"] = is_name
    environment.filters["name_said"] = name_said
    template = environment.from_string(folder.joinpath("extract.html").read_text(encoding="utf-8"))
    return template, folder.joinpath("extract.css").read_text(encoding="utf-8")


def said(text: str) -> str:
    """Text as people read it: a month or day in words (20 November 2026; November 2026, estimated), else as it is."""
    found = _DAY.fullmatch(text)
    if found is None:
        return text
    year, month, day, mark = found.groups()
    return f"{f'{int(day)} ' if day else ''}{MONTHS[int(month) - 1]} {year}{_MARKS[mark or '']}"


def is_name(value: Json) -> bool:
    """Whether a value is a name of a person as the registers have them: parts, in a script, for a use."""
    return isinstance(value, dict) and {"script", "use"} <= value.keys() <= _NAME_PARTS


def name_said(value: dict[str, Json]) -> str:
    """A person's name in one line: Corva, Anna (birth, Latn)."""
    parts = ", ".join(str(value[part]) for part in ("family", "given") if part in value)
    return f"{parts} ({value['use']}, {value['script']})"


def moment(text: str) -> str:
    """An instant as people write it: 23 November 2026, 10:04:05 UTC."""
    found = _TIME.fullmatch(text)
    if found is None:
        return text
    year, month, day, clock = found.groups()
    return f"{int(day)} {MONTHS[int(month) - 1]} {year}, {clock} UTC"


def _groups(rules: tuple[Rule, ...]) -> list[tuple[str, list[Rule]]]:
    return [(said, [rule for rule in rules if rule.by == by]) for by, said in CHECKERS.items()]


def _origin(extract: Extract) -> str:
    return Checkpoint.parse(parse_note(extract.bundle.checkpoint.encode()).text).origin


def _embedded(extract: Extract) -> str:
    text = extract.encode().decode()
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _code(text: str) -> Markup:
    """A QR code (ISO/IEC 18004) as a path: each run of dark modules of a row is one rectangle."""
    matrix = segno.make(text, error="m", micro=False).matrix
    runs = [
        f"M{found.start()} {y}h{found.end() - found.start()}v1h-{found.end() - found.start()}z"
        for y, row in enumerate(matrix)
        for found in re.finditer(b"\x01+", bytes(row))
    ]
    size = len(matrix)
    return Markup(  # noqa: S704  # numbers alone: the text is in the modules
        f'<svg class="code" viewBox="-4 -4 {size + 8} {size + 8}" role="img" aria-label="QR code with the hash of '
        f'this extract"><path fill="#fff" d="M-4 -4h{size + 8}v{size + 8}h-{size + 8}z"/>'
        f'<path d="{"".join(runs)}"/></svg>'
    )
