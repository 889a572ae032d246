"""How long a full board takes in the browser, beside an empty page of the same server."""

from __future__ import annotations

import statistics
import time as stopwatch
from datetime import time, timedelta

import pytest
from playwright.sync_api import Page

from tests.browser.board.conftest import Desk
from tests.factories import make_technician, near, window
from tests.fieldservice.dispatch.scene import book

pytestmark = [pytest.mark.browser, pytest.mark.alone]

TECHNICIANS, VISITS = 50, 10
ROOM = 60
"""A board of 500 visits may take as long as so many pages with nothing on them. Measured: 20 to 30."""


def fill(desk: Desk) -> None:
    """Fifty technicians with ten visits each, spread over the town."""
    with desk.site.services.db.transaction() as session:
        for one in range(TECHNICIANS):
            home = near(200 * (one % 9) - 800, 150 * (one % 7) - 500)
            technician = make_technician(session, desk.scene.territory, name=f"Tess {one:02d}", home=home)
            for number in range(VISITS):
                at = near(300 * (one % 11) - 1500, 250 * number - 1200)
                hour = 8 + number
                book(
                    session,
                    desk.scene,
                    f"C{one}x{number}",
                    at=at,
                    technician=technician,
                    starts=time(hour),
                    promised=window(desk.site.today, hour, hour + 2),
                    service_duration=timedelta(minutes=30),
                    setup=timedelta(0),
                    cleanup=timedelta(0),
                )


def seconds(page: Page, url: str, ready: str) -> float:
    """Median time of three loads until what is waited for can be seen."""
    times = []
    for _ in range(3):
        began = stopwatch.perf_counter()
        page.goto(url, wait_until="domcontentloaded")
        page.locator(ready).first.wait_for(state="attached")
        times.append(stopwatch.perf_counter() - began)
    return statistics.median(times)


def test_a_full_board_beside_an_empty_page(desk: Desk) -> None:
    """The last of 500 visits is there, and a drag is answered, in a multiple of an empty page's time."""
    fill(desk)
    day = f"{desk.site.url}/board/{desk.site.today}?territory={desk.scene.territory.id}"
    empty = seconds(desk.page, f"{desk.site.url}/board/search", "#main")
    full = seconds(desk.page, day, f"#bar-{max(desk.scene.ids.values())}")
    assert full < ROOM * empty, f"{full:.2f} s, an empty page {empty:.3f} s"
    visit, technician = desk.scene.ids["Kim"], desk.scene.ana.id
    asked = f"on={desk.site.today}&technician={technician}&start=11:00"
    check = f"{desk.site.url}/board/visits/{visit}/check?{asked}"
    hint = statistics.median(_asked(desk.page, check) for _ in range(3))
    assert hint < full / 2, f"{hint:.2f} s, the board {full:.2f} s"


def _asked(page: Page, url: str) -> float:
    """How long the answer to a question of the drag takes."""
    began = stopwatch.perf_counter()
    assert page.request.get(url).ok
    return stopwatch.perf_counter() - began
