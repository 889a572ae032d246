"""Every flow of the board with the mouse, whose clicks are counted, and by keyboard alone.

axe looks at every state on the way, in light and dark, and plain pages are looked at narrow too.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from fieldservice.models import Conversation, OfficeTask
from tests.browser.board.conftest import Desk
from tests.browser.board.flows import FLOWS
from tests.browser.board.hands import Hand, Keys, Mouse
from tests.fieldservice.dispatch.scene import set_up

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
HALF = len(FLOWS) // 2
halves = pytest.mark.parametrize(
    "names", [list(FLOWS)[:HALF], list(FLOWS)[HALF:]], ids=["what went wrong", "the plan and messages"]
)


def new_day(desk: Desk) -> None:
    """The same morning again, in a territory of its own; nothing waits in the inbox from those before."""
    with desk.site.services.db.transaction() as session:
        session.execute(update(OfficeTask).where(OfficeTask.done_at.is_(None)).values(done_at=desk.site.now))
        session.execute(update(Conversation).values(waiting_since=None))
        desk.scene = set_up(session, desk.site.today)


def walk(desk: Desk, name: str, hand: Hand) -> None:
    """From the board of a new day to what is told, in as many presses as promised."""
    flow = FLOWS[name]
    flow.arrange(desk)
    desk.open()
    flow.steps(hand)
    expect(desk.page.locator("#main, #toast, #inspector").filter(has_text=flow.told).first).to_be_visible()
    assert hand.presses <= flow.most, name


@halves
def test_with_the_mouse(desk: Desk, names: list[str]) -> None:
    """Clicks are counted, and axe finds nothing on any state on the way."""
    seen: set[str] = set()
    for name in names:
        new_day(desk)
        hand = Mouse(desk, seen)
        walk(desk, name, hand)
        hand.done()
    assert len(seen) > len(names)


@halves
def test_by_keyboard_alone(desk: Desk, names: list[str]) -> None:
    """Tab, arrows, space bar and Enter reach everything that the mouse does."""
    for name in names:
        new_day(desk)
        walk(desk, name, Keys(desk))
