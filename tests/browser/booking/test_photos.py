"""Photos and documents in a real browser: shrunk and sent one by one with script, in the form without."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Route, expect
from sqlalchemy.orm import Session

from fieldservice.geo.address import Address
from tests.browser.accessible import faults
from tests.browser.booking.test_booking import next_page
from tests.factories import ask
from tests.fieldservice.booking.demoville import heating
from tests.pictures import PDF, SVG, photo

pytestmark = pytest.mark.browser
SLOW = 30_000  # a photo is opened and drawn twice, here and at the server


@pytest.fixture(scope="module")
def written() -> Callable[[Session], object]:
    """Heating asks for a photo."""
    plate = {"code": "plate", "kind": "photo", "label": "A photo of the type plate", "hint": "On its side."}
    return lambda session: ask(session, heating(session), [plate])


def file(name: str, content: bytes, kind: str = "image/jpeg") -> Any:
    """A file as somebody chooses it."""
    return {"name": name, "mimeType": kind, "buffer": content}


def choose(page: Page, *files: Any, label: str = "Photos or documents") -> None:
    """Choose files in a field."""
    page.get_by_label(label).first.set_input_files(list(files))


def to_confirm(page: Page, home: Address) -> None:
    """From the second screen to the last."""
    page.get_by_label("Find your address").fill(home.label)
    page.get_by_role("radio", name="Someone over 18 will be home").check()
    next_page(page, "Continue")
    page.get_by_role("radio").first.check()
    with page.expect_navigation():
        page.locator(".action-bar button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and confirm")


def test_with_script_files_go_by_themselves(page: Page, home: Address, troubles: list[str]) -> None:
    """Shrunk before they are sent, shown, removed; one that fails says so and is tried again."""
    sent: list[int] = []

    def note(request: Request) -> None:
        if request.url.endswith("/photos"):
            sent.append(len(request.post_data_buffer or b""))

    page.on("request", note)
    page.goto("/book?service=heating")
    large = photo(4000, 3000) + bytes(3_000_000)
    choose(page, file("boiler.jpg", large), file("bill.pdf", PDF, "application/pdf"))
    thumbs = page.locator(".thumbs li")
    expect(thumbs).to_have_count(2, timeout=SLOW)
    expect(page.locator("#status")).to_have_text("bill.pdf: Added.")
    assert max(sent) < 500_000
    choose(page, file("plate.jpg", photo(300, 300)), label="A photo of the type plate")
    expect(page.get_by_role("img", name="Photo: A photo of the type plate")).to_be_visible(timeout=SLOW)
    choose(page, file("drawing.jpg", SVG))
    expect(page.get_by_role("alert")).to_contain_text(
        "“drawing.jpg” was not added: it is neither", timeout=SLOW
    )
    assert faults(page) == []
    page.get_by_role("checkbox", name="Remove bill.pdf").focus()
    page.keyboard.press("Space")
    expect(thumbs).to_have_count(2, timeout=SLOW)
    assert troubles == []
    page.route("**/photos", lambda route: route.abort())
    choose(page, file("late.jpg", photo(100, 90)))
    again = page.get_by_role("button", name="Try again")
    expect(page.get_by_text("late.jpg · Not sent.")).to_be_visible(timeout=SLOW)
    assert faults(page) == []
    page.unroute("**/photos")
    again.focus()
    page.keyboard.press("Enter")
    expect(thumbs).to_have_count(3, timeout=SLOW)
    next_page(page, "Continue")
    to_confirm(page, home)
    expect(page.locator(".thumbs li")).to_have_count(3)
    assert faults(page) == []


def test_who_goes_on_takes_along_what_is_still_on_its_way(page: Page) -> None:
    """A network that never answers keeps nobody: the form carries the file."""
    hanging: list[Route] = []
    page.goto("/book?service=heating")
    page.route("**/photos", lambda route: hanging.append(route))
    choose(page, file("on its way.jpg", photo(200, 100)))
    expect(page.get_by_text("on its way.jpg · Sending…")).to_be_visible(timeout=SLOW)
    page.wait_for_timeout(500)
    next_page(page, "Continue")
    expect(page.get_by_role("heading", level=1)).to_have_text("Where should we come?")
    page.unroute("**/photos")
    page.get_by_role("link", name="Back").click()
    expect(page.get_by_role("checkbox", name="Remove on its way.jpg")).to_be_visible()


def test_without_script_the_form_carries_the_files(plain_page: Page, home: Address) -> None:
    """Several in one field; a tick takes one away; after booking the private page adds and removes."""
    page = plain_page
    page.goto("/book?service=heating")
    choose(page, file("boiler.jpg", photo(400, 300)), file("a drawing.jpg", SVG))
    choose(page, file("plate.jpg", photo(200, 200)), label="A photo of the type plate")
    next_page(page, "Continue")
    expect(page.get_by_role("alert")).to_contain_text("“a drawing.jpg” was not added")
    to_confirm(page, home)
    expect(page.get_by_role("img", name="Photo: A photo of the type plate")).to_be_visible()
    page.get_by_role("link", name="Change photos and documents").click()
    page.get_by_role("checkbox", name="Remove boiler.jpg").check()
    next_page(page, "Continue")
    expect(page.locator(".thumbs li")).to_have_count(1)
    page.get_by_label("Full name").fill("Ann Other")
    page.get_by_label("Email").first.fill("ann@example.com")
    next_page(page, "Confirm booking")
    page.get_by_role("link", name="Manage visit").click()
    page.get_by_role("link", name="Photos and documents 1 file").click()
    choose(page, file("bill.pdf", PDF, "application/pdf"), label="Add photos or documents")
    next_page(page, "Send")
    expect(page.get_by_role("link", name="bill.pdf")).to_be_visible()
    next_page(page, "Remove plate.jpg")
    expect(page.locator(".thumbs li")).to_have_count(1)
    with page.expect_download() as download:
        page.get_by_role("link", name="bill.pdf").click()
    assert download.value.suggested_filename == "bill.pdf"
