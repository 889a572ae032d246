"""The pages of a technician's own time and of equipment: axe finds nothing at any width."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from fieldservice.models import (
    HoursCorrection,
    ShiftWish,
    User,
    Visit,
    VisitAsset,
    VisitReport,
    VisitState,
    WishKind,
    WishState,
)
from tests.browser.accessible import WIDTHS, require_accessible
from tests.browser.field.test_field import assert_usable, press
from tests.factories import NOW, TODAY, TOMORROW, make_visit
from tests.fieldservice.field.crew import Crew
from tests.signing_in import make_user, signed_in

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
YESTERDAY = TODAY - timedelta(days=1)


def require_good(page: Page) -> None:
    """Nothing that axe finds in light or dark at 320, 390 and 1280 px, and every target fits a thumb."""
    require_accessible(page, *WIDTHS)
    assert_usable(page)


def night(crew: Crew, on: date = YESTERDAY) -> HoursCorrection:
    """A correction that goes past midnight."""
    starts = datetime.combine(on, time(22), UTC)
    return HoursCorrection(
        technician_id=crew.technician_id,
        on=on,
        starts_at=starts,
        ends_at=starts + timedelta(hours=9),
        pause=timedelta(minutes=30),
        reason="A burst pipe that nobody had seen before, in the cellar of the school",
        said_at=NOW,
        event_key=f"night-{on}",
    )


def send_as_form(page: Page, button: str) -> None:
    """Send a form as a browser without the phone's script does, with nothing checked before."""
    page.evaluate(
        "document.querySelectorAll('form').forEach(f => { f.dataset.plain = 'yes'; f.noValidate = true; })"
    )
    press(page, button)


def as_user(page: Page, app: Flask, crew: Crew, user: User, at: datetime, site: str) -> None:
    """The browser belongs to somebody who has just signed in."""
    cookie = signed_in(app, crew.db, user, now=at).get_cookie("fieldservice")
    assert cookie
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": site}])


def test_hours(page: Page, crew: Crew, app: Flask, clock_at_now: time_machine.Traveller, site: str) -> None:
    """The weeks, a day put right, a form at fault, and the night in which the clocks go back."""
    crew.db.run(lambda session: session.add(night(crew)))
    page.goto("/day/hours")
    expect(page.get_by_text("(next day)")).to_be_visible()
    require_good(page)
    page.goto(f"/day/hours/{YESTERDAY}")
    require_good(page)
    page.get_by_label("Why?").fill("")
    send_as_form(page, "Save the hours")
    expect(page.get_by_role("link", name="Say why")).to_be_visible()
    require_good(page)
    autumn = datetime(2026, 11, 1, 17, tzinfo=UTC)
    clock_at_now.move_to(autumn)
    as_user(page, app, crew, crew.account, autumn, site)
    page.goto("/day/hours/2026-10-31")
    expect(page.get_by_label("The clocks went back")).to_be_visible()
    require_good(page)


def test_wishes(page: Page, crew: Crew) -> None:
    """One of each answer, and a form at fault."""

    def ask(session: Session) -> None:
        for state in WishState:
            session.add(
                ShiftWish(
                    technician_id=crew.technician_id,
                    kind=WishKind.HOURS,
                    first_on=TOMORROW,
                    last_on=TOMORROW + timedelta(days=2),
                    starts=time(6),
                    ends=time(14),
                    words="My daughter is at the swimming club in the afternoon",
                    state=state,
                    asked_at=NOW,
                    event_key=f"wish-{state}",
                    answer="" if state == WishState.ASKED else "We talk about it on Friday",
                )
            )

    crew.db.run(ask)
    page.goto("/day/wishes")
    require_good(page)
    send_as_form(page, "Ask the office")
    expect(page.get_by_role("link", name="Choose a day.")).to_be_visible()
    require_good(page)


def test_equipment(page: Page, crew: Crew) -> None:
    """Pieces of now and of before, noted in two ways, what colleagues wrote, and a form at fault."""
    first = crew.visits[0]

    def seen(session: Session) -> None:
        visit = session.get_one(Visit, first)
        past = make_visit(
            session, territory=visit.territory, work_order=visit.work_order, state=VisitState.DONE
        )
        then = {"technician_id": crew.colleague_id, "said_at": NOW - timedelta(days=90)}
        now = {"technician_id": crew.technician_id, "said_at": NOW}
        boiler = {"name": "Condensing boiler", "make": "Vaillant", "serial": "21-19-41-00-10-02-26-13-0006"}
        session.add(VisitAsset(visit_id=past.id, model="ecoTEC", **boiler, **then))
        session.add(VisitAsset(visit_id=first, model="ecoTEC plus", **boiler, **now))
        session.add(VisitAsset(visit_id=past.id, name="Expansion vessel", **then))
        session.add(
            VisitReport(
                visit_id=past.id, notes="The valve sticks", checks={}, parts={"Seal": 1}, vans={}, **then
            )
        )

    crew.db.run(seen)
    page.goto(f"/day/visits/{first}")
    page.get_by_text("Add equipment").first.click()
    expect(page.get_by_text("Noted before:")).to_be_visible()
    require_good(page)
    page.get_by_label("What is it?").fill("Pump")
    page.get_by_label("Serial number").fill("A\u202eB")
    send_as_form(page, "Add equipment")
    expect(page.get_by_label("What is it?")).to_have_value("Pump")
    require_good(page)


def test_the_hours_in_the_office(page: Page, crew: Crew, app: Flask, site: str) -> None:
    """The table of a week with a night that was put right."""
    crew.db.run(lambda session: session.add(night(crew, TODAY - timedelta(days=2))))
    as_user(page, app, crew, crew.db.run(make_user), NOW, site)
    page.goto(f"/board/{YESTERDAY}/week")
    page.get_by_role("link", name="Hours", exact=True).click()
    expect(page.get_by_text("A burst pipe")).to_be_visible()
    require_accessible(page, *WIDTHS)
    with page.expect_download() as given:
        page.get_by_role("link", name="Download (CSV)").click()
    assert given.value.suggested_filename == f"hours-{YESTERDAY - timedelta(days=6)}.csv"
