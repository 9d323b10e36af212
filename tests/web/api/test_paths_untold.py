"""Where the machine's files are is told to its operator and its log, and to nobody else."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from counterfoil.errors import Busy, Conflict, CounterfoilError, Damaged, NotFound, Unavailable
from counterfoil.web.problem import problem_of, without_paths
from tests.web.api.conftest import Office, problem


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "/srv/land/store.db does not answer as it must: no such table; run counterfoil audit",
            "store.db does not answer as it must: no such table; run counterfoil audit",
        ),
        (
            "the disk that holds /srv/land/store.db is full; make room",
            "the disk that holds store.db is full; make room",
        ),
        ("/srv/my own files/access.json is damaged, so nobody", "access.json is damaged, so nobody"),
        ("reading '/srv/a b/store.db' failed: disk I/O error", "reading 'store.db' failed: disk I/O error"),
        ("see (/srv/x/y) and /srv/x/z", "see (y) and z"),
        ("EX/GOV/TEST and https://a.example/b/c", "EX/GOV/TEST and https://a.example/b/c"),
        ("what it is, /v1/registers lists", "what it is, /v1/registers lists"),
        ("a text without any", "a text without any"),
    ],
)
def test_folders_are_left_out_and_the_names_of_files_stay(text: str, said: str) -> None:
    assert without_paths(text) == said


@pytest.mark.parametrize("kind", [Damaged, Unavailable, Busy])
def test_the_log_has_the_whole_sentence(kind: type[CounterfoilError]) -> None:
    error = kind("/srv/land/store.db is damaged; run counterfoil audit")
    with capture_logs() as logged:
        assert problem_of(error).detail == "store.db is damaged; run counterfoil audit"
        assert problem_of(error, operator=True).detail == str(error)
    assert logged == [
        {
            "event": "refused",
            "log_level": "error",
            "kind": kind.__name__.lower(),
            "detail": str(error),
        }
    ]


@pytest.mark.parametrize("kind", [NotFound, Conflict])
def test_what_is_asked_for_may_look_like_a_path(kind: type[CounterfoilError]) -> None:
    with capture_logs() as logged:
        assert problem_of(kind("there is no record '/a/b'")).detail == "there is no record '/a/b'"
    assert logged == []


def test_a_damaged_file_is_told_by_its_name(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    path = office.served.node.home.store

    def fail(number: int) -> bytes:
        raise Damaged(f"{path} does not answer as it must: entry {number}; run counterfoil audit")

    monkeypatch.setattr(office.served.node.store, "entry", fail)
    said = "store.db does not answer as it must: entry 0; run counterfoil audit"
    assert problem(office.reader.get("/v1/entries/0")) == (500, "damaged", said)
    page = office.reader.get("/entries/0", headers={"accept": "text/html"})
    assert page.status_code == 500
    assert "Store.db does not answer as it must: entry 0; run counterfoil audit" in page.text
    assert str(path.parent) not in page.text
