"""A whole day in airplane mode, and one sync in the evening; a phone that is nearly full."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.files import FileStore
from fieldservice.models import Attachment, KeptWork, Technician, User, UserSession, Visit, VisitEvent
from fieldservice.web import Services
from tests.browser.field.phones import Call, Network, all_sent, chip, go, hurry, kept, ready, unsent
from tests.browser.field.test_closing import Finger
from tests.browser.field.test_field import assert_usable
from tests.browser.field.test_outbox import sign_in
from tests.factories import NOW, TODAY, make_attachment, make_stop, make_visit, window
from tests.fieldservice.field.crew import BEFORE, Crew
from tests.pictures import photo
from tests.services import wait_until
from tests.signing_in import make_user

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
VISITS = 8
_FIVE_HOURS_LATER = """() => {
  const now = Date.now;
  Date.now = () => now() + 5 * 3_600_000;
  window.dispatchEvent(new Event("offline"));
}"""


def take_photos(page: Page, label: str, *shades: int) -> None:
    """Different pictures, so that none can stand for another."""
    for shade in shades:
        file = {"name": f"{label}-{shade}.jpg", "mimeType": "image/jpeg", "buffer": photo(64 + shade, 48)}
        wanted = len(unsent(page)) + 1
        page.get_by_label(label).set_input_files(file)  # type: ignore[arg-type]
        wait_until(partial(_has, page, wanted), "the photo on the phone")


def _has(page: Page, count: int) -> bool:
    return len(unsent(page)) == count


def work(page: Page, visit_id: int, number: int) -> None:
    """One visit from the road to the signature: two or three photos and a drawn name."""
    page.goto(f"/day/visits/{visit_id}")
    finger = Finger(page)
    finger.press("On my way")
    finger.press("Arrived")
    take_photos(page, "Photo before", 3 * number)
    take_photos(page, "Photo after", *range(3 * number + 1, 3 * number + 2 + number % 2))
    page.goto(f"/day/visits/{visit_id}/sign")
    finger.draw()
    finger.press("Finish visit")
    page.wait_for_url("**/day/")


def make_day(crew: Crew) -> list[int]:
    """Eight visits on the route, five of them short ones in the afternoon."""

    def work(session: Session) -> None:
        technician = session.get_one(Technician, crew.technician_id)
        for number in range(VISITS - len(crew.visits)):
            visit = make_visit(session, territory=technician.territory)
            visit.promise(window(TODAY, 13, 17), now=BEFORE, actor="customer")
            start = NOW + timedelta(hours=6, minutes=40 * number)
            make_stop(session, technician, start, start + timedelta(minutes=20), visit=visit)
            crew.visits.append(visit.id)

    crew.db.run(work)
    return crew.visits


def order_of(page: Page) -> list[int]:
    """The visits as the route has them."""
    page.goto("/day/")
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('template[data-card]')].map(card => card.dataset.card)"
    )
    return [int(each) for each in found]


def test_a_day_in_airplane_mode_and_one_sync(page: Page, crew: Crew, app: Flask) -> None:
    """28 files and 24 taps, hours old, after the login ran out: all arrive once and whole, of one user.

    A colleague who signs in on the phone neither sees nor sends them. Each request is cut once, before or
    after it arrived. The phone's clock is months ahead, and what was tapped has the server's time.
    """
    visits = make_day(crew)
    pages = [f"/day/visits/{visit}{page}" for visit in visits for page in ("", "/sign")]
    ready(page, *pages)
    route = order_of(page)
    assert sorted(route) == sorted(visits)
    page.context.set_offline(True)
    for number, visit in enumerate(route):
        work(page, visit, number)
    items = unsent(page)
    files = [item for item in items if item["kind"] in ("photo", "signature")]
    assert (len(files), len(items) - len(files)) == (28, 24)
    page.evaluate(_FIVE_HOURS_LATER)
    expect(page.locator("[data-chip].warn")).to_contain_text("52 saved")
    assert_usable(page)
    run_out(crew)
    page.context.set_offline(False)
    hurry(page)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=20_000)
    other, mail = passwords(crew)
    network = Network(app, cutting())
    sign_in(page, other)
    go(page, "/login")
    assert len(unsent(page)) == 52
    assert network.calls == []
    page.context.clear_cookies(name="fieldservice")
    go(page, "/login?next=/day/")
    sign_in(page, mail)
    go(page, "/day/")
    all_sent(page, 150, hurried=True)
    chip(page, "Synced")
    assert_all_there(crew, visits)


def run_out(crew: Crew) -> None:
    """The login lay idle for too long."""

    def work(session: Session) -> None:
        for login in session.scalars(select(UserSession)):
            login.expires_at = BEFORE

    crew.db.run(work)


def passwords(crew: Crew) -> tuple[str, str]:
    """The addresses of a colleague and of the technician, who both have the password of tests now."""

    def work(session: Session) -> tuple[str, str]:
        other = make_user(session)
        account = session.get_one(User, crew.account.id)
        account.password = other.password
        return other.email, account.email

    return crew.db.run(work)


def cutting() -> Callable[[Call], str]:
    """The first request of each item is cut before it arrives, or its answer is lost."""
    seen: dict[str, int] = {}

    def does(call: Call) -> str:
        seen[call.item] = seen.get(call.item, 0) + 1
        return "pass" if seen[call.item] > 1 else ("cut", "lost")[len(seen) % 2]

    return does


def assert_all_there(crew: Crew, visits: list[int]) -> None:
    """Every visit is done, in order and at its own time; every file is there once, as the phone had it."""
    with crew.db.reading() as session:
        found = session.scalars(select(Attachment).where(Attachment.visit_id.in_(visits))).all()
        assert len(found) == 28
        assert len({file.sent_sha256 for file in found if file.about != "signature"}) == 20
        events = session.scalars(
            select(VisitEvent).where(VisitEvent.event_key.is_not(None)).order_by(VisitEvent.id)
        ).all()
        states = [event.to_state for event in events if event.to_state]
        assert states == ["en_route", "on_site", "done"] * VISITS
        times = [event.occurred_at for event in events]
        assert all(before <= after for before, after in pairwise(times))
        assert {str(at.date()) for at in times} == {str(TODAY)}
        assert session.scalars(select(KeptWork)).all() == []


def test_a_phone_that_is_nearly_full(page: Page, crew: Crew, app: Flask) -> None:
    """The oldest photos that the server has go; pages and what is unsent stay, and nothing fills it again."""
    services: Services = app.extensions["fieldservice"]
    photos = attach(crew, services.files)
    addresses = [f"/day/photos/{each}" for each in photos]
    ready(page, f"/day/visits/{crew.visits[0]}", *addresses)
    page.goto(f"/day/visits/{crew.visits[0]}")
    Network(app, lambda _call: "503")
    page.get_by_role("button", name="On my way", exact=True).click()
    wait_until(lambda: len(unsent(page)) == 1, "a tap on the phone")
    before = [url for url in kept(page) if url.startswith("/day/photos/")]
    [worker] = page.context.service_workers
    worker.evaluate("navigator.storage.estimate = async () => ({ usage: 90, quota: 100 })")
    page.evaluate("navigator.serviceWorker.controller.postMessage({ type: 'refresh', force: true })")

    def left() -> list[str]:
        return [url for url in kept(page) if url.startswith("/day/photos/")]

    wait_until(lambda: len(left()) == len(before) // 2, "half of the photos gone")
    hurry(page)
    assert set(left()) <= set(before[len(before) // 2 :])
    assert f"/day/visits/{crew.visits[0]}" in kept(page)
    assert len(unsent(page)) == 1


def attach(crew: Crew, store: FileStore) -> list[int]:
    """Four photos that the customer sent of the first visit."""
    with crew.db.transaction() as session:
        visit = session.get_one(Visit, crew.visits[0])
        return [make_attachment(session, store, visit).id for _ in range(4)]
