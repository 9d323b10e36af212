"""The pages in Chromium: at two widths, in light and dark, printed, by keyboard, and without script."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.web.portal.places import EVERY_PAGE, LOOKED_AT
from tests.web.portal.reading import Reader
from tests.web.serving import Served

CHROMIUM = Path("/usr/bin/chromium")
NARROW, WIDE = 320, 1280
LIMITS = {NARROW: "no page is wider than a telephone", WIDE: "no page is wider than a window"}
Scheme = Literal["light", "dark"]
every_page = pytest.mark.parametrize("address", LOOKED_AT.values(), ids=LOOKED_AT.keys())

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")

SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SMALL_TARGETS = """() => [...document.querySelectorAll('button, .button, nav a, input, select, summary')]
  .filter(each => each.offsetParent && each.getBoundingClientRect().height < 43.5)
  .map(each => each.outerHTML.slice(0, 120))"""
COLOURS = """() => { const style = getComputedStyle(document.activeElement);
  return [style.outlineStyle, parseFloat(style.outlineWidth)] }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """axe-core, which looks for what hinders people."""
    return (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")


@pytest.fixture
def tab(browser: Browser, office: Served) -> Iterator[Page]:
    """A tab on a screen of ordinary width, in which nothing may go wrong unsaid."""
    context = browser.new_context(base_url=office.url, viewport={"width": WIDE, "height": 900})
    page = context.new_page()
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            said.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    context.close()
    assert said == []


@every_page
def test_it_fits_every_screen_and_hinders_nobody(tab: Page, axe: str, address: str) -> None:
    tab.goto(address)
    for width in (NARROW, WIDE):
        tab.set_viewport_size({"width": width, "height": 900})
        assert tab.evaluate(SIDEWAYS) <= 0, LIMITS[width]
        assert tab.evaluate(SMALL_TARGETS) == []
    tab.evaluate(axe)
    assert _hindrances(tab, "light", "{}") == []
    # In the dark nothing differs but the colours.
    assert _hindrances(tab, "dark", "{runOnly: ['color-contrast']}") == []


def test_what_hinders_people_would_be_found(tab: Page, axe: str) -> None:
    tab.goto("/about")
    tab.evaluate(axe)
    tab.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"data:,\">')")
    assert [each.partition(":")[0] for each in _hindrances(tab, "light", "{}")] == ["image-alt"]


def _hindrances(tab: Page, scheme: Scheme, options: str) -> list[str]:
    tab.emulate_media(color_scheme=scheme)
    return [_violation(each) for each in tab.evaluate(f"axe.run(document, {options})")["violations"]]


def _violation(found: dict[str, Any]) -> str:
    return f"{found['id']}: {found['help']}: {[node['html'][:160] for node in found['nodes'][:3]]}"


@pytest.mark.parametrize("name", ["record", "register with rules", "register of odd keys", "proof", "log"])
def test_it_prints_on_a_sheet_of_paper(tab: Page, name: str) -> None:
    tab.goto(EVERY_PAGE[name])
    tab.set_viewport_size({"width": 720, "height": 1000})
    tab.emulate_media(media="print")
    assert tab.evaluate(SIDEWAYS) <= 0
    for hidden in (".ways", "form", "button.copy", ".button"):
        assert (
            tab.locator(hidden).evaluate_all("found => found.filter(each => each.offsetParent).length") == 0
        )
    for hash_ in tab.locator("code.hash .mid").all():
        assert hash_.bounding_box() is not None
        assert hash_.evaluate("each => each.getBoundingClientRect().width") > 50


def test_the_printed_stub_says_where_its_proof_is(tab: Page, office: Served) -> None:
    tab.goto("/registers/country/records/GB")
    tab.emulate_media(media="print")
    assert tab.locator(".stub .printed").inner_text() == f"{office.url}/registers/country/records/GB/proof"


def test_with_the_keyboard_alone_one_sees_where_one_is_and_gets_everywhere(tab: Page) -> None:
    tab.goto("/registers/vessel")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    reached = set()
    for _ in range(60):
        style, width = tab.evaluate(COLOURS)
        assert (style, width >= 3) == ("solid", True), tab.evaluate("document.activeElement.outerHTML")
        reached.add(
            tab.evaluate("document.activeElement.getAttribute('href') || document.activeElement.name")
        )
        tab.keyboard.press("Tab")
        if tab.evaluate("document.activeElement === document.body"):
            break
    links = tab.locator("a").evaluate_all("found => found.map(each => each.getAttribute('href'))")
    assert set(links) <= reached
    assert "q" in reached


def test_without_script_everything_is_there_and_a_proof_can_be_verified(
    browser: Browser, office: Served, reader: Reader
) -> None:
    context = browser.new_context(base_url=office.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/registers/country/records/CZ")
    whole = page.locator("code.hash").last.text_content()
    assert whole == reader.json("/registers/country/records/CZ")["hash"]
    assert page.locator("button.copy").count() == 0
    page.fill("#known", "2016-06-01")
    page.select_option("#by", "book")
    page.click("text=Look back")
    assert "As known on 1 June 2016 by the book" in page.inner_text("main")
    page.goto("/verify")
    assert not page.locator(".dropping").is_visible()
    page.set_input_files("#proof", [_bundle(reader)])
    page.click("text=Verify the proof")
    assert page.inner_text(".verdict").startswith("Valid.")
    context.close()


def _bundle(reader: Reader) -> Any:
    content = reader.client.get("/registers/country/records/CZ/proof-bundle").content
    return {"name": "country-CZ.proof.json", "mimeType": "application/json", "buffer": content}


def test_the_button_copies_the_whole_of_a_hash_and_says_so(tab: Page, reader: Reader) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.goto("/log")
    shown = tab.locator("code.hash").first
    root = reader.json("/log")["root"]
    assert shown.inner_text() != root
    button = tab.locator("button.copy").first
    assert button.get_attribute("aria-label") == "Copy the hash"
    button.click()
    tab.wait_for_function("document.querySelector('button.copy').textContent === 'Copied'")
    assert tab.evaluate("navigator.clipboard.readText()") == root


def test_a_selection_across_a_shortened_hash_has_all_of_it(tab: Page, reader: Reader) -> None:
    tab.goto("/log")
    selected = tab.evaluate(
        """() => { const range = document.createRange(); range.selectNodeContents(document.querySelector('code.hash'));
        getSelection().removeAllRanges(); getSelection().addRange(range); return getSelection().toString() }"""
    )
    assert selected.replace("\n", "") == reader.json("/log")["root"]


def test_a_proof_that_is_dropped_is_judged(tab: Page, reader: Reader) -> None:
    content = reader.client.get("/registers/country/records/CZ/proof-bundle").text
    tab.goto("/")
    assert tab.locator(".dropping").is_visible()
    dropped = tab.evaluate_handle(
        """content => { const data = new DataTransfer();
        data.items.add(new File([content], 'country-CZ.proof.json', {type: 'application/json'})); return data }""",
        content,
    )
    tab.dispatch_event("form.drop", "dragover", {"dataTransfer": dropped})
    assert tab.locator("form.drop.over").count() == 1
    tab.dispatch_event("form.drop", "drop", {"dataTransfer": dropped})
    tab.wait_for_selector(".verdict")
    assert tab.inner_text(".verdict").startswith("Valid.")
    assert "country-CZ.proof.json" in tab.inner_text(".stub")


def test_what_is_typed_leaves_the_lines_that_have_it(tab: Page) -> None:
    tab.goto("/registers/vessel")
    lines = tab.locator("#records tbody tr:visible")
    assert lines.count() == 4
    tab.fill("#q", "arg")
    assert lines.count() == 1
    assert "Ärger" in lines.inner_text()
    tab.fill("#q", "")
    assert lines.count() == 4


def test_a_key_of_any_characters_is_reached_by_its_link(tab: Page, reader: Reader) -> None:
    tab.goto("/registers/odd")
    rows = reader.json("/registers/odd")["rows"]
    links = tab.locator("#records tbody th a").evaluate_all("found => found.map(each => each.href)")
    assert len(links) == len(rows)
    for link, row in zip(links, rows, strict=True):
        answer = tab.request.get(link, headers={"accept": "application/json"})
        assert answer.ok, link
        assert answer.json()["page"]["record"] == row["record"]
