"""Longer words than ours break no page: in no language it scrolls sideways, or a label is cut off."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page
from sqlalchemy.orm import Session

from fieldservice.booking.catalogue import write_catalogue
from fieldservice.booking.catalogue_languages import texts_of_service
from fieldservice.demo.catalogue import SKILLS, translated, written_about
from fieldservice.geo.address import Address
from fieldservice.notify.translations import SOURCE, languages
from tests.factories import make_skill
from tests.fieldservice.booking.demoville import heating

pytestmark = pytest.mark.browser
WIDTHS = (320, 390)
OTHERS = [language for language in languages() if language != SOURCE]
OF_A_DRAFT = ("", "/try", "/address", "/several", "/time", "/waiting", "/confirm")
OF_A_VISIT = (
    "",
    "/booked",
    "/time",
    "/cancel",
    "/earlier",
    "/messages",
    "/details",
    "/calendar",
    "/track",
    "/photos",
    "/feedback",
    "/data",
)
CUT_OFF = """() => {
  const found = [];
  const HIDDEN = ".visually-hidden, .visually-hidden-focusable, .leaflet-container";
  const width = document.documentElement.clientWidth;
  if (document.scrollingElement.scrollWidth > width) found.push("the page scrolls sideways");
  const parts = "a, button, label, summary, legend, h1, h2, dt, dd, .tag, .day";
  for (const part of document.querySelectorAll(parts)) {
    if (!part.checkVisibility() || part.closest(HIDDEN)) continue;
    const inline = getComputedStyle(part).display === "inline";
    const outside = part.getBoundingClientRect().right > width + 1;
    if (outside || (!inline && part.scrollWidth > part.clientWidth + 1)) found.push(part.innerText);
    found.push(...brokenWords(part));
  }
  return found;

  function brokenWords(part) {
    const broken = [];
    const texts = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      if (texts.currentNode.parentElement.closest(".visually-hidden")) continue;
      for (const word of texts.currentNode.data.matchAll(/[^\\s@/·–\u00ad-]+/g)) {
        const range = document.createRange();
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
        if (lines.size > 1) broken.push(word[0]);
      }
    }
    return broken;
  }
}"""


@pytest.fixture(scope="module")
def written() -> Callable[[Session], object]:
    """The demo company's words about heating, in all its languages."""

    def write(session: Session) -> None:
        service = heating(session)
        skills = {code: make_skill(session, code) for code in SKILLS}
        write_catalogue(service, written_about("heating"), skills)
        translations = translated(texts_of_service(service))
        write_catalogue(service, written_about("heating") | {"translations": translations}, skills)

    return write


def next_page(page: Page) -> None:
    """Press the button that goes on, whatever it is called."""
    with page.expect_navigation():
        page.locator(".action-bar button[type=submit]").click()


def begin(page: Page, home: Address) -> str:
    """The address of a draft that lacks only its confirmation."""
    page.goto("/book?service=heating")
    with page.expect_navigation():
        page.locator("[name=check_first]").click()
    draft = page.url.removesuffix("/try")
    page.goto(f"{draft}/address")
    page.locator("[name=q]").fill(home.label)
    page.locator("[name=access_kind]").first.check()
    next_page(page)
    page.locator("[name=window]").last.check()
    next_page(page)
    return draft


def book(page: Page) -> str:
    """The private address of the visit that the draft on the page becomes."""
    page.locator("[name=name]").fill("Rosa Whitfield")
    page.locator("[name=email]").fill("rosa@example.com")
    next_page(page)
    return page.url.removesuffix("/booked")


@pytest.mark.timeout(300)
def test_no_page_is_too_narrow_for_any_language(plain_page: Page, home: Address) -> None:
    """Every step of the booking and every private page at 320 and 390 px; other tests see them in English."""
    page, found = plain_page, []

    def look(address: str) -> None:
        for language in OTHERS:
            page.goto(f"{address}?lang={language}")
            assert page.locator("html").get_attribute("lang", timeout=5000)[:2] == language
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 844})
                found.extend((address, language, width, part) for part in page.evaluate(CUT_OFF))

    draft = begin(page, home)
    for step in OF_A_DRAFT:
        look(f"{draft}{step}")
    page.goto(f"{draft}/confirm")
    visit = book(page)
    for part in OF_A_VISIT:
        look(f"{visit}{part}")
    assert found == []


def test_what_is_cut_off_would_be_found(plain_page: Page) -> None:
    """The check sees a word that is broken in two, a label that is cut off, and a page that is too wide."""
    plain_page.goto("/book?lang=nl")
    assert plain_page.evaluate(CUT_OFF) == []
    title = "document.querySelector('.choice-title')"
    word = "Wasmachine" * 9
    plain_page.evaluate(f"{title}.textContent = '{word}'")
    assert word in plain_page.evaluate(CUT_OFF)
    plain_page.evaluate(f"{title}.style.whiteSpace = 'nowrap'")
    assert "the page scrolls sideways" in plain_page.evaluate(CUT_OFF)
    plain_page.evaluate("document.querySelector('.customer-main').style.overflow = 'hidden'")
    assert any(part.startswith(word) for part in plain_page.evaluate(CUT_OFF))
