"""Lines of a file of records."""

from __future__ import annotations

from typing import Any

import pytest

from counterfoil.errors import Malformed
from counterfoil.office.line import Line, Paper, encode_line, parse_line


def test_what_creates_says_no_more_than_register_and_fields() -> None:
    assert (
        encode_line(Line("person", {"number": "ZZ-1"}))
        == b'{"register":"person","fields":{"number":"ZZ-1"}}\n'
    )


def test_what_is_attached_says_its_kind_and_text() -> None:
    line = Line(
        "marriage", {}, "close", "13/2001/1", "divorced", attachments=(Paper("judgment", "So ordered."),)
    )
    assert encode_line(line) == (
        b'{"register":"marriage","fields":{},"operation":"close","key":"13/2001/1","status":"divorced",'
        b'"attachments":[{"kind":"judgment","text":"So ordered."}]}\n'
    )


@pytest.mark.parametrize(
    "value",
    [
        {"register": "person"},
        {"fields": {}},
        {"register": "", "fields": {}},
        {"register": "person", "fields": []},
        {"register": "person", "fields": {}, "Geheim": 1},
        {"register": "person", "fields": {}, "key": ["Geheim"]},
        {"register": "person", "fields": {}, "attachments": [{"kind": "judgment", "text": ""}]},
        {"register": "person", "fields": {}, "operation": "Geheim" * 5},
        ["Geheim"],
    ],
)
def test_a_line_that_is_not_in_form_is_refused_without_its_values(value: Any) -> None:
    with pytest.raises(Malformed) as raised:
        parse_line(value)
    assert "Geheim" not in str(raised.value).replace("unknown field `Geheim`", "")
