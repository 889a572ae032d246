"""Service plans in a real browser: from the link to the window, without script, by keyboard, accessible."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy.orm import Session

from fieldservice.auth.links import token_of
from fieldservice.booking import plan_sweep
from fieldservice.booking.new_visits import company_of
from fieldservice.models import Renewal, Service, ServicePlan, Territory
from fieldservice.planning.service_plans import Likes
from tests.browser.accessible import faults
from tests.browser.after.conftest import OpenPage, Stage
from tests.browser.after.test_after import press
from tests.browser.keyboard import enter_on, stop_at, tick, type_into
from tests.factories import NOW, TODAY, Company, make_customer, make_service_plan, make_site, near

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@dataclass
class Plan:
    """A service plan whose customer was invited."""

    id: int
    site_id: int
    occurrence_id: int
    later_id: int
    link: str


@pytest.fixture
def plan(stage: Stage) -> Plan:
    """Every month, first due the day after tomorrow; the term ends soon, and Thursdays are liked."""

    def make(session: Session) -> tuple[int, int]:
        scene = stage.crew.scene
        territory = session.get_one(Territory, scene.territory_id)
        company = Company(territory, session.get_one(Service, scene.service_id))
        site = make_site(session, make_customer(session), territory=territory, at=near(900))
        plan = make_service_plan(
            session, company, first_on=TODAY + timedelta(days=2), site=site, likes=Likes(weekdays="3")
        )
        plan.term_months, plan.ends_on, plan.renewal = 1, TODAY + timedelta(days=20), Renewal.ASK
        return plan.id, site.id

    db, settings = stage.services.db, stage.services.settings
    plan_id, site_id = db.run(make)
    plan_sweep.serve_plans(db, company_of(settings), now=NOW)
    with db.reading() as session:
        found = session.get_one(ServicePlan, plan_id)
        visit = found.latest_visit
        assert visit is not None
        link = f"/visit/{token_of(visit.links[-1], settings.secret_key)}"
        return Plan(plan_id, site_id, found.occurrences[1].id, found.occurrences[2].id, link)


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_from_the_message_to_the_window(
    plan: Plan, open_page: OpenPage, troubles: list[str], scripts: bool
) -> None:
    """Three taps, the first on the link of the message, and two screens."""
    page = open_page(scripts=scripts)
    taps, screens = 1, 1
    page.goto(f"{plan.link}/time")
    expect(page.get_by_role("heading", name=re.compile("Thursday, Mar 5"))).to_be_visible()
    page.get_by_role("radio").first.check()
    taps += 1
    press(page, re.compile("^Book"))
    taps, screens = taps + 1, screens + 1
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    assert (taps, screens) == (3, 2)
    page.goto(plan.link)
    page.get_by_role("link", name=re.compile("Your service plan")).click()
    expect(page.get_by_text("Thu, Mar 5")).to_be_visible()
    assert troubles == []


def move_a_date(page: Page, plan: Plan) -> None:
    """The visit after the skipped one: the day typed part by part into the field of the browser."""
    page.goto(f"{plan.link}/plan/{plan.later_id}")
    field = page.get_by_label("From which day on?")
    later = date.fromisoformat(field.get_attribute("min") or "") + timedelta(days=2)
    stop_at(page, field)
    page.keyboard.type(f"{later:%m%d%Y}")
    expect(field).to_have_value(later.isoformat())
    enter_on(page, "button", "Move it")
    expect(page.get_by_text(re.compile(f"{later:%b} {later.day}\\b")).first).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["script", "plain"])
def test_with_the_keyboard_alone(plan: Plan, open_page: OpenPage, *, scripts: bool) -> None:
    """What suits, another term, the next one skipped, this one picked, and the end, without a pointer."""
    page = open_page(scripts=scripts)
    page.goto(plan.link)
    enter_on(page, "link", re.compile("^Your service plan"))
    tick(page, "checkbox", "Friday")
    enter_on(page, "button", "Save")
    expect(page.get_by_role("checkbox", name="Friday")).to_be_checked()
    enter_on(page, "button", "Yes, another term")
    page.goto(f"{plan.link}/plan/{plan.occurrence_id}")
    type_into(page, "Why do you skip it?", "On holiday")
    enter_on(page, "button", "Skip it")
    expect(page.get_by_text("Skipped").first).to_be_visible()
    move_a_date(page, plan)
    page.goto(f"{plan.link}/time")
    page.get_by_role("radio").first.focus()
    page.keyboard.press("Space")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You’re booked")
    page.goto(f"{plan.link}/plan/end")
    page.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    page.get_by_role("button", name="End the plan").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")
    expect(page.get_by_text("What is booked stays booked")).to_be_visible()


def test_the_office_changes_a_plan_without_script(plan: Plan, open_page: OpenPage) -> None:
    """The look first, then the change, on the same form with what was typed."""
    page = open_page(width=1280, scripts=False, staff=True)
    page.goto("/board/plans")
    page.get_by_role("link", name=re.compile("Every month")).click()
    page.get_by_role("link", name="Change all").click()
    page.get_by_label("Every", exact=True).fill("2")
    press(page, "See what changes")
    expect(page.get_by_role("heading", name="This would change")).to_be_visible()
    expect(page.get_by_label("Every", exact=True)).to_have_value("2")
    press(page, "Change the plan")
    expect(page.get_by_text("Every 2 months")).to_be_visible()


def nothing(_page: Page) -> None:
    """The page as it is."""


def presses(name: str) -> Callable[[Page], None]:
    """A form that is sent without an answer to what is required."""
    return lambda page: press(page, name)


def cleared(page: Page) -> None:
    """Terms without a number, and a look at what they change is refused."""
    page.get_by_label("Every", exact=True).fill("0")
    press(page, "Begin the plan")


def saved(page: Page, plan: Plan) -> None:
    """What suits them."""
    page.goto(f"{plan.link}/plan")
    press(page, "Save")
    expect(page.get_by_text("Saved", exact=False).first).to_be_visible()


def renewed(page: Page, _plan: Plan) -> None:
    """Another term."""
    press(page, "Yes, another term")


def skipped(page: Page, plan: Plan) -> None:
    """One date less."""
    page.goto(f"{plan.link}/plan/{plan.occurrence_id}")
    press(page, "Skip it")
    expect(page.get_by_text("Skipped").first).to_be_visible()


def ended(page: Page, plan: Plan) -> None:
    """The plan as it stays to be read."""
    page.goto(f"{plan.link}/plan/end")
    page.get_by_role("checkbox").check()
    press(page, "End the plan")
    expect(page.get_by_text("What is booked stays booked")).to_be_visible()


def too_late(page: Page, plan: Plan) -> None:
    """Nothing can be changed about what has ended."""
    page.goto(f"{plan.link}/plan/{plan.occurrence_id}")


PAGES: list[tuple[str, Callable[[Page], None]]] = [
    ("{link}/time", nothing),
    ("{link}", nothing),
    ("{link}/plan", nothing),
    ("{link}/plan/{occurrence}", nothing),
    ("{link}/plan/{occurrence}", presses("Move it")),
    ("{link}/plan/end", presses("End the plan")),
    ("/board/plans", nothing),
    ("/board/plans/new?q=charles", nothing),
    ("/board/plans/new?site={site}", cleared),
    ("/board/plans/{plan}", nothing),
    ("/board/plans/{plan}/change", presses("See what changes")),
    ("/board/plans/{plan}/end", nothing),
    ("/board/occurrences/{occurrence}", presses("Move it")),
]


@pytest.mark.parametrize("staff", [False, True], ids=["customer", "office"])
def test_nothing_is_inaccessible(plan: Plan, open_page: OpenPage, troubles: list[str], staff: bool) -> None:
    """axe finds nothing, in light and dark, at three widths, and no page is wider than the screen."""
    page = open_page(staff=staff)
    for path, happen in PAGES:
        if path.startswith("/board") != staff:
            continue
        numbers = {"link": plan.link, "plan": plan.id, "site": plan.site_id, "occurrence": plan.occurrence_id}
        page.goto(path.format(**numbers))
        happen(page)
        assert faults(page) == []
    for happen in () if staff else (saved, renewed, skipped, ended, too_late):
        happen(page, plan)
        assert faults(page) == []
    assert troubles == []
