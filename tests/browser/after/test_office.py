"""The office in a browser: its lists and forms by keyboard, without script, and without a fault."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from fieldservice.models import Service, Technician, UserRole
from fieldservice.office.tables import TABLES
from tests.browser.accessible import faults
from tests.browser.after.conftest import OpenPage, Stage
from tests.browser.after.test_after import press
from tests.browser.keyboard import enter_on, tick, type_into
from tests.factories import TODAY

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


def test_nothing_of_the_office_is_inaccessible(
    stage: Stage, open_page: OpenPage, troubles: list[str]
) -> None:
    """Lists, forms, faults and the question about planned visits, in both themes at three widths."""
    page, found, scene = open_page(width=1280, staff=UserRole.ADMIN), [], stage.crew.scene
    for name in TABLES:
        page.goto(f"/office/{name}")
        found += faults(page)
    for path in (f"services/{scene.service_id}", "services/new", "accounts/new", "accounts/1"):
        page.goto(f"/office/{path}")
        page.get_by_label("Name", exact=True).fill("")
        press(page, re.compile("^Save$"))
        expect(page.locator("#error-summary")).to_be_focused()
        found += faults(page)
    page.goto("/office/areas/new")
    found += faults(page)
    page.goto(f"/office/areas/{scene.territory_id}")
    press(page, "Add the branch")
    found += faults(page)
    page.goto(f"/office/technicians/{stage.crew.technician_id}")
    found += faults(page)
    page.get_by_role("checkbox", name="Makes visits").uncheck()
    press(page, re.compile("^Save$"))
    expect(page.get_by_text("planned visits could not be made any more")).to_be_visible()
    found += faults(page)
    assert found == []
    assert troubles == []


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_a_price_and_a_day_off_by_keyboard(stage: Stage, open_page: OpenPage, *, scripts: bool) -> None:
    """From the list to the row and back to the list, without a pointer."""
    page = open_page(width=1280, scripts=scripts, staff=UserRole.ADMIN)
    page.goto("/office/services")
    with stage.services.db.reading() as session:
        service = session.get_one(Service, stage.crew.scene.service_id).name
        technician = session.get_one(Technician, stage.crew.technician_id).name
    enter_on(page, "link", re.compile(f"^{service}$"))
    type_into(page, "Price (optional)", "$95 visit")
    enter_on(page, "button", "Save")
    expect(page.get_by_text("Saved.")).to_be_visible()
    enter_on(page, "link", "Back to the list")
    expect(page.get_by_text("$95 visit")).to_be_visible()
    page.goto(f"/office/technicians?q={technician}")
    enter_on(page, "link", technician)
    day = page.get_by_label("Day", exact=True)
    day.focus()
    page.keyboard.type(f"{TODAY:%m%d%Y}")
    enter_on(page, "button", "Save this day")
    tick(page, "checkbox", "Change it all the same")
    enter_on(page, "button", "Save this day")
    expect(page.get_by_text("Day off", exact=True)).to_be_visible()
