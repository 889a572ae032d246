"""What goes wrong on a running day, in the browser: clicks counted, by keyboard alone, without JavaScript."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, expect
from sqlalchemy import update

from fieldservice.models import Service, Visit, VisitState
from tests.browser.board.conftest import Desk
from tests.browser.board.test_board import require_accessible

pytestmark = pytest.mark.browser


class Clicks:
    """Counts what a dispatcher presses."""

    def __init__(self) -> None:
        self.count = 0

    def on(self, target: Locator) -> None:
        """Press it once."""
        target.click()
        self.count += 1


def test_sick_in_three_clicks(desk: Desk) -> None:
    """Menu, off sick, accept; the board says who is affected, and Undo brings the technician back too."""
    desk.open()
    clicks = Clicks()
    row = desk.page.get_by_role("group", name="Ana Reyes")
    clicks.on(row.locator("summary"))
    require_accessible(desk.page)
    clicks.on(row.get_by_role("button", name="Off sick from now"))
    expect(desk.page.locator("#toast")).to_contain_text("Ana Reyes is off sick. A plan for 2 visits")
    expect(row.get_by_text("Off sick", exact=True)).to_be_visible()
    desk.search()
    heading = desk.page.get_by_role("heading", name=re.compile("Ana Reyes off sick: plan for 2 visits"))
    expect(heading).to_be_visible(timeout=15_000)
    require_accessible(desk.page)
    clicks.on(desk.page.get_by_role("button", name="Accept all"))
    expect(desk.page.locator("#toast")).to_contain_text("changed.")
    assert clicks.count == 3
    assert desk.stop("Ida") is not None
    assert desk.stop("Ida")[0] == "Ben"  # type: ignore[index]
    desk.page.locator("#toast").get_by_role("button", name="Undo").click()
    expect(desk.page.get_by_text("Undone.")).to_be_visible()
    assert desk.stop("Ida") == ("Ana", "10:00")
    expect(row.get_by_text("Off sick", exact=True)).to_have_count(0)


def test_vehicle_trouble_by_keyboard_alone(desk: Desk) -> None:
    """Enter opens the menu, Escape closes it; the choice and the button take arrows and Enter."""
    desk.open()
    page = desk.page
    summary = page.get_by_role("group", name="Ana Reyes").locator("summary")
    summary.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="Vehicle trouble…")
    for _ in range(10):
        page.keyboard.press("Tab")
        if link.evaluate("element => element === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ana Reyes cannot drive")).to_be_visible()
    require_accessible(page)
    page.get_by_role("radio", checked=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#toast")).to_contain_text("Ana Reyes cannot drive. A plan for 2 visits")
    desk.search()


def test_sick_on_a_phone_and_without_javascript(phone: Desk, plain: Desk) -> None:
    """The same menu and forms work in the list on a phone, and without any script."""
    phone.open()
    phone.page.get_by_role("group", name="Ben Okafor").locator("summary").click()
    require_accessible(phone.page)
    phone.page.get_by_role("link", name="Off sick from a time…").click()
    require_accessible(phone.page)
    plain.open()
    row = plain.page.get_by_role("group", name="Ben Okafor")
    row.locator("summary").click()
    row.get_by_role("button", name="Off sick from now").click()
    expect(row.get_by_text("Off sick", exact=True)).to_be_visible()
    plain.search()
    plain.open()
    plain.page.get_by_role("button", name="Accept all").click()
    assert plain.stop("Kim") is not None
    assert plain.stop("Kim")[0] == "Ana"  # type: ignore[index]


def test_an_emergency_in_three_clicks(desk: Desk) -> None:
    """The waiting visit, Emergency, one of the best three: their technician, promise and driving in words."""
    desk.open()
    clicks = Clicks()
    clicks.on(desk.page.locator(f"#card-link-{desk.scene.ids['Lea']}"))
    clicks.on(desk.page.get_by_role("link", name="Emergency…"))
    expect(desk.page.get_by_role("heading", name="Emergency: who can come")).to_be_visible()
    require_accessible(desk.page, 320, 390, 1280)
    clicks.on(desk.page.get_by_role("button", name="Send Ben Okafor"))
    expect(desk.page.locator("#toast")).to_contain_text("Ben Okafor comes at 8:")
    assert clicks.count == 3
    stop = desk.stop("Lea")
    assert stop is not None
    assert stop[0] == "Ben"


def test_a_visit_takes_longer(desk: Desk) -> None:
    """What a quarter, half and whole hour do is shown beside each other; one click plans one of them."""
    with desk.site.services.db.transaction() as session:
        visit = session.get_one(Visit, desk.scene.ids["Ida"])
        now = desk.site.now
        visit.advance(VisitState.ON_SITE, occurred_at=now, now=now, actor="technician")
    desk.open()
    clicks = Clicks()
    clicks.on(desk.page.locator(desk.bar("Ida")))
    clicks.on(desk.page.get_by_role("link", name="Takes longer…"))
    expect(desk.page.get_by_role("heading", name="30 min longer")).to_be_visible()
    require_accessible(desk.page, 320, 390, 1280)
    clicks.on(desk.page.get_by_role("button", name="Plan 30 min more"))
    expect(desk.page.locator("#toast")).to_contain_text("Planned 30 min longer.")
    assert clicks.count == 3


def test_a_booking_by_phone_with_the_keyboard_alone(desk: Desk) -> None:
    """A known caller: some letters, four stops of Tab, arrows and Enter; the windows come by themselves."""
    page, keys = desk.page, desk.page.keyboard
    with desk.site.services.db.transaction() as session:
        session.execute(update(Service).where(Service.id != desk.scene.service.id).values(active=False))
    page.goto(f"{desk.site.url}/board/phone")
    expect(page.get_by_label("Who is calling?")).to_be_focused()
    keys.type("kim pa")
    known = page.locator("#found").get_by_role("link", name=re.compile("Kim Park"))
    expect(known.last).to_be_visible()
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.get_by_label("Full name")).to_have_value("Kim Park")
    require_accessible(page, 320, 390, 1280)
    page.get_by_role("radio", name="Heating").focus()
    keys.press("Space")
    first = page.locator("#window-0")
    expect(first).to_be_attached(timeout=15_000)
    require_accessible(page)
    first.focus()
    keys.press("Space")
    page.get_by_role("button", name="Book").focus()
    keys.press("Enter")
    expect(page.locator("#toast")).to_contain_text("The confirmation is on its way.", timeout=15_000)


def test_a_booking_by_phone_without_javascript(plain: Desk) -> None:
    """Search, pick, show times, book: four clicks beside the choices."""
    page = plain.page
    with plain.site.services.db.transaction() as session:
        session.execute(update(Service).where(Service.id != plain.scene.service.id).values(active=False))
    page.goto(f"{plain.site.url}/board/phone")
    page.fill("#q", "Joe Park")
    clicks = Clicks()
    clicks.on(page.get_by_role("button", name="Search"))
    clicks.on(page.get_by_role("link", name=re.compile("Joe Park")).last)
    page.get_by_role("radio", name="Heating").check(force=True)
    clicks.on(page.get_by_role("button", name="Show times"))
    page.locator("#window-0").check(force=True)
    clicks.on(page.get_by_role("button", name="Book", exact=True))
    expect(page.locator("#toast")).to_contain_text("The confirmation is on its way.")
    assert clicks.count == 4


def test_the_pages_of_the_menus(desk: Desk) -> None:
    """Time to spare, exchange, cancel, nobody there: axe finds nothing, narrow and wide, light and dark."""
    today, scene = desk.site.today, desk.scene
    pages = [f"{today}/technicians/{scene.ben.id}/{name}" for name in ("spare", "swap")]
    pages += [f"visits/{scene.ids['Kim']}/{name}" for name in ("cancel", "missed")]
    for path in pages:
        desk.page.goto(f"{desk.site.url}/board/{path}")
        require_accessible(desk.page, 320, 1280)


def test_what_a_visit_offers_by_keyboard_alone(desk: Desk) -> None:
    """Pin, unassign, undo, link, emergency, cancel: keys, Tab and Enter, nothing else."""
    page, keys = desk.page, desk.page.keyboard

    def tab_to(target: Locator) -> None:
        for _ in range(60):
            if target.evaluate("element => element === document.activeElement"):
                return
            keys.press("Tab")
        raise AssertionError(f"no way to {target}")

    def choose(name: str, *, menu: bool) -> None:
        """Enter a visit's link, which may be in its menu."""
        page.locator("#inspector-body").focus()
        if menu:
            tab_to(page.locator("#visit-menu > summary"))
            keys.press("Enter")
        tab_to(page.get_by_role("link", name=name))
        keys.press("Enter")

    def press(name: str | re.Pattern[str], told: str) -> None:
        button = page.locator("main").get_by_role("button", name=name).first
        expect(button).to_be_visible()
        tab_to(button)
        keys.press("Enter")
        expect(page.locator("#toast")).to_contain_text(told)

    desk.open()
    bar, toast = page.locator(desk.bar("Joe")), page.locator("#toast")
    for key, told in (("p", "Pinned"), ("p", "Unpinned"), ("u", "Unassigned"), ("Control+z", "Undone")):
        (bar if bar.count() else page.locator(f"#card-link-{desk.scene.ids['Joe']}")).focus()
        keys.press(key)
        expect(toast).to_contain_text(told)
    bar.focus()
    keys.press("Enter")
    expect(page.locator("#inspector header")).to_contain_text("Joe Park")
    choose("Follows another visit…", menu=True)
    tab_to(page.get_by_label("It follows"))
    keys.type("Ida")
    press("Link", "Linked: it follows Heating.")
    expect(page.locator("#inspector")).to_contain_text("Follows Heating")
    page.locator(f"#card-link-{desk.scene.ids['Lea']}").focus()
    keys.press("Enter")
    expect(page.locator("#inspector header")).to_contain_text("Lea Park")
    choose("Emergency…", menu=False)
    press("Send Ben Okafor", "Ben Okafor comes at 8:")
    page.locator(desk.bar("Kim")).focus()
    keys.press("Enter")
    expect(page.locator("#inspector header")).to_contain_text("Kim Park")
    choose("Customer cancels…", menu=True)
    press(re.compile("."), "Cancelled.")
