"""A prepared answer and an owner in the browser, with a script and without one."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from fieldservice.models import CannedAnswer
from tests.browser.accessible import faults
from tests.browser.after.conftest import OpenPage, Stage
from tests.browser.after.test_after import press

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripts", [True, False])
def test_a_prepared_answer_is_inserted_and_the_conversation_assigned(
    stage: Stage, open_page: OpenPage, troubles: list[str], *, scripts: bool
) -> None:
    """Below what was typed, filled in, with the focus where one goes on; with a script the page stays.
    The list says whose the conversation is, and finds it again under "Mine"."""
    body = "Ring {phone} when we are at {address}."
    with stage.services.db.transaction() as session:
        session.add(CannedAnswer(language="en", title="At the door", body=body))
    customer, staff = open_page(scripts=False), open_page(width=1280, staff=True, scripts=scripts)
    customer.goto(f"{stage.link}/messages")
    customer.get_by_label("Your message").fill("Which door?")
    press(customer, "Send")
    staff.goto(f"/board/inbox/{stage.crew.visits[0]}")
    assert not scripts or faults(staff) == []
    if scripts:
        staff.evaluate("window.stayed = true")
    staff.get_by_label("Your answer").fill("The side door.")
    staff.get_by_label("A prepared answer").select_option("At the door")
    staff.get_by_role("button", name="Insert").click()
    answer = staff.get_by_label("Your answer")
    expect(answer).to_have_value(
        re.compile(r"^The side door\.\n\nRing \+1 410 555 0100 when we are at .+\.$")
    )
    expect(answer).to_be_focused()
    assert not scripts or staff.evaluate("window.stayed")
    press(staff, "Send the answer")
    customer.reload()
    expect(customer.get_by_text("The side door.")).to_be_visible()
    staff.get_by_label("Looked after by").select_option("me")
    press(staff, "Assign")
    staff.goto("/board/inbox?of=mine")
    expect(staff.locator(".row-link", has_text="yours")).to_be_visible()
    staff.get_by_role("link", name="Unassigned", exact=True).click()
    expect(staff.locator(".row-link")).to_have_count(0)
    assert troubles == []
