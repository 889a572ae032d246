"""What the phone shows and keeps in a cellar beside the taps: news, wishes, what waits at the signature."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.dispatch.service import dispatch_day
from fieldservice.models import RouteSeen, ShiftWish, Technician, VanPart, VisitReport
from tests.browser.field.phones import all_sent, no_signal, ready, unsent
from tests.browser.field.test_closing import CHECKS, with_checklist
from tests.browser.field.test_field import assert_usable
from tests.factories import NOW, TODAY, TOMORROW
from tests.fieldservice.field.crew import Crew
from tests.services import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
OTHERS = {"Seal": 1, "Filter": 4}


def test_a_change_a_wish_and_a_signature_without_signal(page: Page, crew: Crew) -> None:
    """Got it, a day off and the checklist before the signature: all in the cellar, and all of it arrives."""
    with_checklist(crew)
    first, second, _third = crew.visits

    def sent_out(session: Session) -> None:
        territory = session.get_one(Technician, crew.technician_id).territory
        dispatch_day(session, territory, TODAY, now=NOW, actor="user:9")
        session.add(VanPart(technician_id=crew.technician_id, name="Seal", quantity=5))
        begun = {"technician_id": crew.colleague_id, "said_at": NOW - timedelta(hours=1), "checks": {}}
        session.add(
            VisitReport(visit_id=second, parts=dict(OTHERS), vans={crew.colleague_id: OTHERS}, **begun)
        )

    crew.db.run(sent_out)
    crew.give_away(first)
    ready(page, f"/day/visits/{second}", f"/day/visits/{second}/sign", "/day/wishes", "/day/hours")
    for path in ("/day/", "/day/wishes", "/day/hours", f"/day/hours/{TODAY}", f"/day/visits/{second}/cannot"):
        page.goto(path)
        assert_usable(page)
    page.goto("/day/")
    news = page.get_by_role("heading", name="The office changed your route")
    expect(news).to_be_visible()
    with no_signal(page.context):
        page.get_by_role("button", name="Got it").click()
        expect(news).to_be_hidden()
        page.goto("/day/wishes")
        page.get_by_label("To be away").check()
        page.get_by_label("First day").fill(TOMORROW.isoformat())
        page.get_by_role("button", name="Ask the office").click()
        wait_until(lambda: len(unsent(page)) == 2, "two items on the phone")
        page.goto(f"/day/visits/{second}")
        for name in CHECKS[1:]:
            page.get_by_label(name).check()
        page.get_by_text("Parts used from the van").click()
        page.get_by_label("Seal").fill("2")
        page.get_by_role("button", name="Save", exact=True).click()
        wait_until(lambda: len(unsent(page)) == 3, "three items on the phone")
        page.wait_for_url(f"**/day/visits/{second}/sign")  # without a signal the page goes on by itself
        expect(page.get_by_text(f"Still missing: {CHECKS[0]}.")).to_be_visible()
        expect(page.get_by_text("3 × Seal")).to_be_visible()  # one of them from the van of a colleague
        expect(page.get_by_text("4 × Filter")).to_be_visible()
        expect(page.get_by_text(f"{CHECKS[1]}: yes")).to_be_visible()
    all_sent(page, hurried=True)
    with crew.db.reading() as session:
        assert session.scalars(select(ShiftWish)).one().first_on == TOMORROW
        row = session.get_one(RouteSeen, (crew.technician_id, TODAY))
        assert session.get_one(VisitReport, second).parts == {"Seal": 3, "Filter": 4}
        assert first not in [number for number, _window in row.visits]
