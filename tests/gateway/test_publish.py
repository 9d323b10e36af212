"""Publishing: the files of a checkpoint, the page that people print, and the comparison with the log later."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
import segno
from playwright.sync_api import Browser, sync_playwright

from counterfoil.errors import Damaged, Malformed, NotFound, Unavailable, Unverified
from counterfoil.gateway.fetch import Client
from counterfoil.gateway.publish import Published, check_published, publish, timestamp
from counterfoil.gateway.witness_keys import cosigner_key
from counterfoil.proof.checkpoint import Checkpoint
from counterfoil.proof.instant import instant_text
from counterfoil.proof.note import sign_note
from counterfoil.proof.trust import Trust, TrustedAgency
from tests.gateway.small_log import NOW, ORIGIN, SmallLog, key
from tests.gateway.timestamping import StampingService, stamping

LOG = SmallLog()
WITNESS = key("witness")
WITNESS_KEY = cosigner_key("witness.example/1", WITNESS)
AT = instant_text(NOW)


def policy(log: SmallLog = LOG, **changes: object) -> Trust:
    agency = TrustedAgency("EX/GOV/LAND", log.keys)
    given = {
        "origin": log.origin,
        "agencies": (agency,),
        "require": 1,
        "witnesses": (WITNESS_KEY,),
        **changes,
    }
    return Trust(**given)  # type: ignore[arg-type]  # by name


def cosigned(size: int) -> bytes:
    text = Checkpoint(ORIGIN, size, LOG.root(size)).text
    line = sign_note(text, WITNESS, WITNESS_KEY.name, WITNESS_KEY.type, NOW).line
    return LOG.note(size) + line.encode()


class Text(HTMLParser):
    """The page's text, and what it loads or runs."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @classmethod
    def of(cls, page: Path) -> Text:
        text = cls()
        text.feed(page.read_text("utf-8"))
        return text

    @property
    def words(self) -> str:
        return re.sub(r"[ \n]+", " ", " ".join(self.text))


# Files


def test_the_note_is_written_as_it_is_for_everyone_to_read(tmp_path: Path) -> None:
    note = LOG.note(300)
    published = publish(tmp_path / "new" / "folder", note, policy(), AT)
    assert published == Published(
        Checkpoint(ORIGIN, 300, LOG.root(300)),
        tmp_path / "new/folder/checkpoint-300.txt",
        tmp_path / "new/folder/checkpoint-300.html",
        tmp_path / "new/folder/checkpoint-300.tsr",
    )
    assert published.note.read_bytes() == note
    assert stat.S_IMODE(published.note.stat().st_mode) == 0o644
    assert not published.timestamp.exists()


def test_a_note_with_more_signatures_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    publish(tmp_path, LOG.note(300), policy(), AT)
    assert "No witness elsewhere has cosigned it." in Text.of(tmp_path / "checkpoint-300.html").words
    note = cosigned(300)
    assert publish(tmp_path, note, policy(), AT).note.read_bytes() == note
    said = Text.of(tmp_path / "checkpoint-300.html").words
    assert "witness.example/1 (witness), by ed25519" in said
    assert "No witness" not in said


def test_another_checkpoint_of_the_same_size_is_never_overwritten(tmp_path: Path) -> None:
    note = publish(tmp_path, LOG.note(300), policy(), AT).note.read_bytes()
    with pytest.raises(Damaged, match="is not the checkpoint that the log has now"):
        publish(tmp_path, SmallLog("other").note(300), policy(), AT)
    assert (tmp_path / "checkpoint-300.txt").read_bytes() == note


def test_what_its_agencies_have_not_signed_is_not_published(tmp_path: Path) -> None:
    other = SmallLog(origin="log.example/2")
    with pytest.raises(Unverified):
        publish(tmp_path, other.note(300), policy(), AT)
    classical = SmallLog()
    classical.signers = classical.signers[:1]
    with pytest.raises(Unverified, match="not signed by as many agencies"):
        publish(tmp_path, classical.note(300), policy(require_algorithms=("ml-dsa-44",)), AT)
    assert list(tmp_path.iterdir()) == []


# The page


def test_the_page_says_all_that_the_checkpoint_says_and_loads_nothing(tmp_path: Path) -> None:
    page = Text.of(publish(tmp_path, cosigned(12_345), policy(), AT).page)
    root = LOG.root(12_345).hex()
    groups = [root[at : at + 4] for at in range(0, 64, 4)]
    assert f"{' '.join(groups[:8])} {' '.join(groups[8:])}" in page.words
    for said in (
        "Checkpoint of log.example/1",
        "On 15 January 2027, 08:00 UTC this log had 12\u202f345 entries",
        "2027-01-15T08:00:00Z",
        "EX/GOV/LAND (agency), by ed25519 and ml-dsa-44",
        "counterfoil publish --check FOLDER",
        "checkpoint-12345.txt",
    ):
        assert said in page.words
    assert page.links == []
    assert not page.tags & {"script", "link", "img", "iframe", "object", "form"}
    assert "@import" not in page.words
    assert "url(" not in page.words


def test_the_qr_code_holds_the_three_lines(tmp_path: Path) -> None:
    page = publish(tmp_path, LOG.note(300), policy(), AT).page.read_text("utf-8")
    text = Checkpoint(ORIGIN, 300, LOG.root(300)).text
    drawn = segno.make(text, micro=False, error="m", encoding="utf-8").svg_inline(omitsize=True, border=2)
    (path,) = re.findall(r'<path[^>]* d="([^"]+)"', page)
    assert path in drawn


def test_names_cannot_put_anything_into_the_page(tmp_path: Path) -> None:
    log = SmallLog(origin="<script>alert(1)</script>&amp;")
    page = publish(tmp_path, log.note(3), policy(log), AT).page
    assert "script" not in Text.of(page).tags
    assert "Checkpoint of <script>alert(1)</script>&amp;" in Text.of(page).text


@pytest.fixture
def browser() -> Iterator[Browser]:
    """For one test alone: while it runs, its thread has an event loop, and nothing else here can have one."""
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path="/usr/bin/chromium")
        yield browser
        browser.close()


@pytest.mark.parametrize("origin", [ORIGIN, "registers.example/" + "long-" * 46])
def test_the_page_fits_one_sheet_and_a_phone(browser: Browser, tmp_path: Path, origin: str) -> None:
    log = SmallLog(origin=origin)
    witnesses = tuple(cosigner_key(f"witness.example/{number}", key(f"w{number}")) for number in range(6))
    page = publish(tmp_path, log.note(300), policy(log, witnesses=witnesses), AT).page
    with browser.new_page(viewport={"width": 320, "height": 800}) as shown:
        shown.goto(page.as_uri())
        assert shown.evaluate("document.documentElement.scrollWidth") == 320
        printed = shown.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
    (box,) = set(re.findall(rb"/MediaBox\s*\[([^\]]+)\]", printed))
    assert [round(float(each)) for each in box.split()] == [0, 0, 595, 842]


# Time-stamps


def test_a_time_stamp_is_kept_beside_the_note_and_asked_for_once(tmp_path: Path) -> None:
    service = StampingService(tmp_path / "service")
    published = publish(tmp_path / "out", LOG.note(300), policy(), AT)
    asked: list[tuple[str, bytes]] = []
    with Client() as client, stamping(service.answer, asked) as url:
        first = timestamp(client, url, published)
        assert timestamp(client, url, published) == first
    assert [content_type for content_type, _ in asked] == ["application/timestamp-query"]
    assert first.signer == "CN=Stamping service,O=Example"
    assert published.timestamp.read_bytes() == (service.folder / "answer.tsr").read_bytes()
    before = published.note.read_bytes()
    publish(tmp_path / "out", cosigned(300), policy(), AT)
    assert published.note.read_bytes() == before, "the time-stamp is over these bytes"


def test_two_requests_have_two_nonces(tmp_path: Path) -> None:
    asked: list[tuple[str, bytes]] = []
    published = publish(tmp_path, LOG.note(300), policy(), AT)
    with Client() as client, stamping(lambda query: query, asked) as url:
        for _ in range(2):
            with pytest.raises(Malformed):
                timestamp(client, url, published)
    assert asked[0] != asked[1]
    assert not published.timestamp.exists()


def test_an_answer_of_another_checkpoint_is_not_kept(tmp_path: Path) -> None:
    service = StampingService(tmp_path / "service")
    one = publish(tmp_path / "out", LOG.note(300), policy(), AT)
    two = publish(tmp_path / "out", LOG.note(301), policy(), AT)
    answers: list[bytes] = []

    def replay(query: bytes) -> bytes:
        answers.append(service.answer(query))
        return answers[0]

    with Client() as client, stamping(replay, []) as url:
        timestamp(client, url, one)
        with pytest.raises(Unverified, match="over other bytes"):
            timestamp(client, url, two)
    assert not two.timestamp.exists()


def test_a_service_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    published = publish(tmp_path, LOG.note(300), policy(), AT)
    with Client() as client, pytest.raises(Unavailable):
        timestamp(client, "http://127.0.0.1:9/", published)


# The comparison


def test_a_log_that_has_grown_begins_with_all_that_was_published(tmp_path: Path) -> None:
    for size in (300, 5, 1_000):
        publish(tmp_path, LOG.note(size), policy(), AT)
    compared = check_published(tmp_path, policy(), 1_200, LOG.root)
    assert [(each.file.name, each.holds, each.said) for each in compared] == [
        (f"checkpoint-{size}.txt", True, f"the log begins with these {size:,} entries")
        for size in (5, 300, 1_000)
    ]


def test_a_log_of_another_history_or_too_small_is_told_of(tmp_path: Path) -> None:
    for size in (5, 300, 1_000):
        publish(tmp_path, LOG.note(size), policy(), AT)
    forked = SmallLog("other", fork_at=100)
    compared = check_published(tmp_path, policy(), 400, forked.root)
    assert [(each.holds, each.said) for each in compared] == [
        (True, "the log begins with these 5 entries"),
        (False, "the first 300 entries of the log are not those that were published"),
        (False, "the log has 400 entries, and had 1,000 when it was published"),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"gone", "the note must be text"),
        (LOG.note(301), "it is a checkpoint of 301 entries"),
        (SmallLog(origin="log.example/2").note(300), "it is not signed by a key of the log log.example/1"),
        (LOG.note(301).replace(b"\n301\n", b"\n300\n"), "does not hold"),
    ],
)
def test_a_published_file_that_was_changed_is_told_of(tmp_path: Path, data: bytes, said: str) -> None:
    publish(tmp_path, LOG.note(300), policy(), AT).note.write_bytes(data)
    (compared,) = check_published(tmp_path, policy(), 400, LOG.root)
    assert not compared.holds
    assert said in compared.said


def test_a_time_stamp_is_checked_with_its_note(tmp_path: Path) -> None:
    service = StampingService(tmp_path / "service")
    published = publish(tmp_path / "out", LOG.note(300), policy(), AT)
    with Client() as client, stamping(service.answer, []) as url:
        stamped = timestamp(client, url, published)
    (whole,) = check_published(tmp_path / "out", policy(), 300, LOG.root)
    assert whole.said.endswith(
        f"; time-stamped {stamped.time:%Y-%m-%dT%H:%M:%SZ} by CN=Stamping service,O=Example, "
        "by a certificate that says so, not checked against an authority"
    )
    published.note.write_bytes(cosigned(300))
    (changed,) = check_published(tmp_path / "out", policy(), 300, LOG.root)
    assert (changed.holds, changed.said) == (False, "the time-stamp is over other bytes")


def test_a_folder_without_any_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "checkpoint-007.txt").write_text("no such name")
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(NotFound, match="there is no published checkpoint"):
            check_published(folder, policy(), 300, LOG.root)
