"""Equipment at a site on the phone: its number by the camera, where the browser reads codes.

The camera and the reader of codes are the two things that Chromium does not have here: a drawn picture and a
reader that knows what is on it take their places.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from fieldservice.models import VisitAsset
from tests.browser.field.phones import all_sent
from tests.fieldservice.field.crew import Crew

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
_CAMERA = """() => {
  const seen = ["\\u001d", "\\u001dVA-1\\u001d2026\\u202e\\u0000"];
  window.BarcodeDetector = class { async detect() { return [{ rawValue: seen.shift() }]; } };
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement("canvas");
    const picture = canvas.getContext("2d");
    setInterval(() => picture.fillRect(0, 0, Math.random() * 99, 99), 50);
    return canvas.captureStream();
  };
}"""


def test_a_scanned_code_has_nothing_in_it_that_nobody_types(
    page: Page, crew: Crew, troubles: list[str]
) -> None:
    """Separators are spaces, a code of nothing else is read once more; what was scanned is kept."""
    page.add_init_script(f"({_CAMERA})()")
    page.goto(f"/day/visits/{crew.visits[0]}")
    page.get_by_text("Add equipment").first.click()
    page.get_by_label("What is it?").fill("Boiler")
    page.get_by_role("button", name="Scan the serial number").click()
    expect(page.get_by_label("Serial number")).to_have_value("VA-1 2026")
    page.get_by_role("button", name="Add equipment").click()
    all_sent(page)
    with crew.db.reading() as session:
        [row] = session.scalars(select(VisitAsset))
        assert (row.name, row.serial) == ("Boiler", "VA-1 2026")
    assert troubles == []
