"""A visit is closed on the phone in few taps, in a cellar as well, and nothing of it is lost."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from fieldservice.booking.catalogue import write_catalogue
from fieldservice.models import Attachment, KeptWork, Visit, VisitReport
from tests.browser.field.phones import all_sent, hurry, ready, unsent
from tests.browser.field.test_field import assert_usable
from tests.fieldservice.field.crew import Crew
from tests.pictures import photo
from tests.services import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
CHECKS = ["No smell of gas", "Flue is free", "Drain is free", "Pressure is right", "Customer was shown"]
MOST_TAPS = 12


class Finger:
    """Taps, and counts them."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps = page, 0

    def press(self, name: str) -> None:
        """A button."""
        self.page.get_by_role("button", name=name, exact=True).click()
        self.taps += 1

    def tick(self, name: str) -> None:
        """A row of the checklist."""
        self.page.get_by_label(name).check()
        self.taps += 1

    def photograph(self, label: str) -> None:
        """The camera: one tap opens it, what it shows is another application's."""
        file = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo(600, 400)}
        self.page.get_by_label(label).set_input_files(file)  # type: ignore[arg-type]
        self.taps += 1

    def draw(self) -> None:
        """A signature in one stroke."""
        box = self.page.locator("canvas").bounding_box()
        assert box
        self.page.mouse.move(box["x"] + 30, box["y"] + 30)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + 200, box["y"] + 90, steps=8)
        self.page.mouse.up()
        self.taps += 1


def with_checklist(crew: Crew) -> None:
    """All visits have five required ticks."""

    def work(session: Any) -> None:
        items = [{"code": name, "kind": "tick", "label": name, "required": True} for name in CHECKS]
        write_catalogue(session.get_one(Visit, crew.visits[0]).service, {"checklist": items}, {})

    crew.db.run(work)


def close(page: Page, finger: Finger) -> None:
    """From the road to the signature: five checks, two photos, a drawn signature."""
    finger.press("On my way")
    finger.press("Arrived")
    for name in CHECKS:
        finger.tick(name)
    finger.photograph("Photo before")
    finger.photograph("Photo after")
    finger.press("Finish and sign")
    page.wait_for_url("**/sign")
    finger.draw()
    finger.press("Finish visit")
    page.wait_for_url("**/day/")


def test_a_standard_visit_in_twelve_taps_with_and_without_signal(page: Page, crew: Crew, app: Flask) -> None:
    """The first visit with a signal, the second in a cellar: both end alike on the server, once.

    A third is tapped as done with nothing filled in: the office gets that, and it is not lost.
    """
    with_checklist(crew)
    first, second, third = crew.visits
    page.goto(f"/day/visits/{first}")
    assert_usable(page)
    finger = Finger(page)
    close(page, finger)
    assert finger.taps <= MOST_TAPS
    all_sent(page)
    ready(page, f"/day/visits/{second}", f"/day/visits/{second}/sign", f"/day/visits/{third}/sign")
    page.goto(f"/day/visits/{second}/sign")
    assert_usable(page)
    page.goto(f"/day/visits/{second}")
    page.context.set_offline(True)
    finger = Finger(page)
    close(page, finger)
    assert finger.taps <= MOST_TAPS
    page.goto(f"/day/visits/{second}")
    expect(page.get_by_label(CHECKS[0])).to_be_checked()  # what waits on the phone is shown
    page.goto(f"/day/visits/{third}/sign")
    page.get_by_role("button", name="Finish without a signature").click()
    wait_until(lambda: len(unsent(page)) == 8, "eight items on the phone")
    page.context.set_offline(False)

    def only_the_refused_is_left() -> bool:
        hurry(page)
        return [item["state"] for item in unsent(page)] == ["with office"]

    wait_until(only_the_refused_is_left, "everything sent", 60)
    for visit in (first, second):
        assert crew.state(visit) == "done"
        with crew.db.reading() as session:
            report = session.get_one(VisitReport, visit)
            assert len(report.checks) == len(CHECKS)
            assert report.signed_by
            about = session.scalars(select(Attachment.about).where(Attachment.visit_id == visit)).all()
            assert sorted(about) == ["after", "before", "signature"]
    assert crew.state(third) == "dispatched" or crew.state(third) == "booked"
    with crew.db.reading() as session:
        [kept] = session.scalars(select(KeptWork)).all()
        assert (kept.visit_id, kept.kind) == (third, "tap")
        assert CHECKS[0] in kept.reason
