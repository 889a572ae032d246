"""Two dispatchers at one board: no change is lost, nothing overlaps, and both end with the same board."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, expect

from fieldservice.models import Stop, Visit
from fieldservice.planning import service as planning
from fieldservice.planning.rows import visit_place
from fieldservice.planning.travel import with_travel
from tests.browser.board.conftest import OTHER_EMAIL, Desk, Site, sign_in
from tests.browser.board.test_board import drag
from tests.factories import near, window
from tests.fieldservice.dispatch.scene import book

pytestmark = pytest.mark.browser
LIVE_MS = 15_000  # three seconds, and room for a machine that is busy


@pytest.fixture
def omar(chromium: Browser, site: Site, desk: Desk) -> Iterator[Desk]:
    """A second dispatcher with a browser and a name of their own, at the same board."""
    state = sign_in(chromium, site, OTHER_EMAIL)
    context = chromium.new_context(storage_state=state, viewport={"width": 1440, "height": 900})
    yield Desk(context.new_page(), desk.site, desk.scene)
    context.close()


def stop_following(desk: Desk) -> None:
    """From now on the board does not hear of changes, as in the seconds between two polls."""
    desk.page.route(re.compile("/live"), lambda route: route.fulfill(status=304))


def bars(desk: Desk) -> dict[str, tuple[str, ...]]:
    """Row and place of every visit, as the browser shows them."""
    return desk.page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll(".bar")].map((bar) => {
            const place = [...bar.classList].filter((name) => /^(at|for)-/.test(name));
            return [bar.id, [bar.closest(".lane").dataset.technician, ...place]];
        }))"""
    )


def require_same_board(dana: Desk, omar: Desk) -> None:
    """Both browsers show what is stored, by themselves; no technician is at two places at once."""
    omar.page.unroute(re.compile("/live"))
    dana.page.unroute(re.compile("/live"))
    with dana.site.services.db.reading() as session:
        ids = set(dana.scene.ids.values())
        stops = [stop for stop in session.query(Stop).order_by(Stop.starts_at) if stop.visit_id in ids]
        by_technician: dict[int, list[Stop]] = {}
        for stop in stops:
            by_technician.setdefault(stop.technician_id, []).append(stop)
        for route in by_technician.values():
            assert all(one.ends_at <= other.starts_at for one, other in pairwise(route))
        expected = {(f"bar-{stop.visit_id}", str(stop.technician_id)) for stop in stops}
    for desk in (dana, omar):
        for bar, technician in expected:
            row = desk.page.locator(f".lane[data-technician='{technician}'] #{bar}")
            expect(row).to_be_visible(timeout=LIVE_MS)
    assert bars(dana) == bars(omar)
    assert {(bar, place[0]) for bar, place in bars(dana).items()} == expected


def test_drag_against_drag(desk: Desk, omar: Desk) -> None:
    """Who drops second on an old board is told, sees the places as they are now, and goes on from there.

    Before that, each sees the other at the row, and no longer when they left.
    """
    desk.open()
    omar.open()
    omar.page.locator(omar.bar("Kim")).focus()
    row = desk.page.get_by_role("group", name="Ben Okafor")
    expect(row.locator(".here-mark")).to_have_count(1, timeout=LIVE_MS)
    omar.page.goto(f"{omar.site.url}/board/search")
    expect(row.locator(".here-mark")).to_have_count(0, timeout=LIVE_MS)
    omar.open()
    stop_following(omar)
    drag(desk, desk.bar("Kim"), "Ana Reyes", 11 * 60 + 15)
    expect(desk.page.get_by_text(re.compile("Moved to Ana Reyes"))).to_be_visible(timeout=LIVE_MS)
    drag(omar, f"#card-{omar.scene.ids['Lea']}", "Ana Reyes", 13 * 60)
    dialog = omar.page.get_by_role("dialog")
    expect(dialog.get_by_text("Somebody changed the plan meanwhile.")).to_be_visible()
    assert desk.stop("Lea") is None
    dialog.get_by_role("button", name="Place").click()
    expect(omar.page.get_by_text(re.compile("Moved to"))).to_be_visible(timeout=LIVE_MS)
    assert (desk.stop("Kim") or ("",))[0] == "Ana"
    assert desk.stop("Lea") is not None
    require_same_board(desk, omar)


def test_drag_against_a_proposal(desk: Desk, omar: Desk) -> None:
    """A proposal that is accepted after a drag leaves alone what was dragged, and says so."""
    desk.open()
    desk.page.get_by_role("button", name="Optimize").click()
    expect(desk.page.get_by_role("heading", name="Looking for a better plan")).to_be_visible()
    desk.search()
    accept = desk.page.get_by_role("button", name="Accept all")
    expect(accept).to_be_visible(timeout=LIVE_MS)
    stop_following(desk)
    omar.open()
    drag(omar, omar.bar("Joe"), "Ben Okafor", 13 * 60 + 30)
    expect(omar.page.get_by_text("Moved to Ben Okafor, 1:30 pm.")).to_be_visible()
    accept.click()
    expect(desk.page.locator("#toast")).to_be_visible()
    assert desk.stop("Joe") == ("Ben", "13:30")
    require_same_board(desk, omar)


def test_drag_against_booking(desk: Desk, omar: Desk) -> None:
    """A customer books while a dispatcher drags to the same time: the second finds the first there."""
    desk.open()
    omar.open()
    stop_following(desk)
    _book_online(desk, "Ned")
    assert desk.stop("Ned") is not None
    drag(desk, f"#card-{desk.scene.ids['Lea']}", "Ben Okafor", 13 * 60)
    dialog = desk.page.get_by_role("dialog")
    expect(dialog.get_by_text("Somebody changed the plan meanwhile.")).to_be_visible()
    dialog.get_by_role("button", name="Place").click()
    expect(desk.page.get_by_text(re.compile("Moved to"))).to_be_visible(timeout=LIVE_MS)
    assert desk.stop("Ned") is not None
    assert desk.stop("Lea") is not None
    require_same_board(desk, omar)


def _book_online(desk: Desk, name: str) -> None:
    """What the booking page does for a customer who takes 2 pm to 4 pm of this day."""
    services, now = desk.site.services, desk.site.now
    with services.db.transaction() as session:
        visit = book(session, desk.scene, name, at=near(700))
        session.flush()
        place, number = visit_place(visit), visit.id
    assert place

    def work(tables):
        return services.db.run(
            lambda session: planning.book_visit(
                session,
                session.get_one(Visit, number),
                window(desk.site.today, 14, 16),
                tables=tables,
                now=now,
                actor="test",
            )
        )

    territory, today = desk.scene.territory.id, desk.site.today
    with_travel(services.db, services.tables, territory, [today], [place], now=now, work=work)
