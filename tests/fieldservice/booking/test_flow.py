"""The booking flow as a customer without JavaScript walks it."""

from __future__ import annotations

from sqlalchemy import select

from fieldservice.models import OutboxMessage, Visit, VisitState
from fieldservice.web import Services
from tests.fieldservice.booking.walker import Walker


def test_a_walk_through_four_screens_makes_a_promised_visit(walker: Walker, services: Services) -> None:
    """Problem, address, window and contact lead to a visit on a route, with its messages written."""
    walker.choose_problem(**{"about-heating-symptoms": ["No heat"], "problem": "Boiler shows F28"})
    assert "Where should we come?" in walker.page.text
    walker.give_address(access_notes="Ring the side door.")
    assert "When suits you?" in walker.page.text
    assert "window" not in walker.page.checked
    walker.pick_window(1)
    assert "Check and confirm" in walker.page.text
    walker.confirm()
    assert walker.status == 200
    assert "You’re booked" in walker.page.text
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.state == VisitState.BOOKED
        assert visit.stop is not None
        assert visit.window is not None
        assert visit.window.starts_at <= visit.stop.starts_at <= visit.window.ends_at
        assert visit.work_order.problem == "Boiler shows F28"
        assert visit.work_order.answers == {"symptoms": ["No heat"]}
        assert visit.site.access_notes == "Ring the side door."
        assert visit.site.geocode_match == "exact"
        kinds = {message.kind for message in session.scalars(select(OutboxMessage))}
        assert "confirmation" in kinds
        assert visit.reference in walker.page.text
