"""A day that does not go as planned stays a plan: nothing is dropped, nothing becomes later unasked."""

from __future__ import annotations

import time as clock
from datetime import time, timedelta

import pytest
from sqlalchemy import delete, select

import scheduler
from fieldservice.db import Database
from fieldservice.models import OutboxMessage, ShiftPattern, TechnicianSkill, Visit, VisitState
from fieldservice.planning import delays
from fieldservice.planning import service as planning
from fieldservice.planning.problem import RUNNING_CHANGE
from fieldservice.planning.progress import follow
from tests.factories import NOW, TODAY, TOMORROW, make_company, near, window
from tests.fieldservice.planning.scenes import Scene

NOON = NOW + timedelta(hours=4)


def on_the_way(scene: Scene, visit: int, *steps: VisitState, at) -> None:
    """Tap through states at a moment."""

    def work(session, tables):
        found = session.get_one(Visit, visit)
        planning.lock_territory(session, found.territory)
        for state in steps:
            found.advance(state, occurred_at=at, now=at, actor="test")
        session.flush()
        follow(session, found, tables=tables, now=at)

    scene.change(work, days=[TODAY], now=at)


def test_a_late_start_pushes_the_rest_of_the_day(db: Database) -> None:
    """A visit that begins an hour late moves the next one to its real end, and both stay on the route."""
    scene = Scene(db, lambda session: make_company(session, 1))
    first = scene.book(window(TODAY, 10, 12), now=NOW - timedelta(days=1))
    second = scene.book(window(TODAY, 10, 12), now=NOW - timedelta(days=1))
    planned = scene.stops()[second][1]
    late = scene.stops()[first][1] + timedelta(hours=1)
    on_the_way(scene, first, VisitState.EN_ROUTE, VisitState.ON_SITE, at=late)
    assert scene.stops()[second][1] == late + timedelta(hours=1)
    assert scene.stops()[second][1] > planned


def test_an_overdue_plan_is_feasible_as_it_is(db: Database) -> None:
    """Hours after its windows, an untouched day still passes the scheduler's check, just as late as it is."""
    scene = Scene(db, lambda session: make_company(session, 1))
    for hour in (8, 10):
        scene.book(window(TODAY, hour, hour + 2), at=near(hour * 500), now=NOW - timedelta(days=1))
    with db.reading() as session:
        day = scene.day(session, TODAY, now=NOON)
        assert scheduler.check(day.problem, day.plan) == []
        assert len(day.plan.routes[0].visit_ids) == 2


def test_a_dispatched_day_is_changed_less_readily(db: Database) -> None:
    """Once technicians know their day, another technician for a visit weighs twenty minutes of driving."""
    scene = Scene(db, lambda session: make_company(session, 1))
    scene.book(window(TODAY, 10, 12), now=NOW - timedelta(days=1))

    def dispatch(session, tables):
        day = scene.day(session, TODAY, now=NOW)
        day.rows.plan.dispatched_at = NOW

    with db.reading() as session:
        assert scene.day(session, TODAY, now=NOW).problem.weights.change == scheduler.Weights().change
    scene.change(dispatch, days=[TODAY], now=NOW)
    with db.reading() as session:
        assert scene.day(session, TODAY, now=NOW).problem.weights.change == RUNNING_CHANGE


def test_nobody_is_made_later_by_a_booking_on_a_late_day(db: Database) -> None:
    """A technician who is late already is not offered for a visit that would come before the late ones."""
    scene = Scene(db, lambda session: make_company(session, 1, lead_time=timedelta(0)))
    late = scene.book(window(TODAY, 8, 10), now=NOW - timedelta(days=1))
    with db.reading() as session:
        before = scene.day(session, TODAY, now=NOON).plan.routes[0].stops[0].start_s
    scene.book(window(TODAY, 14, 16), now=NOON)
    with db.reading() as session:
        day = scene.day(session, TODAY, now=NOON)
        starts = {stop.visit: stop.start_s for stop in day.plan.routes[0].stops}
    assert starts[f"v{late}"] <= before


@pytest.mark.parametrize("lost", ["skill", "shift"])
def test_a_booking_does_not_drop_what_its_technician_may_not_do_any_more(db: Database, lost: str) -> None:
    """After the skill or the shift went, a change of the same route keeps the promised visit on it."""
    scene = Scene(db, lambda session: make_company(session, 1))
    promised, other = scene.book(window(starts=8, ends=10)), scene.book(window(starts=12, ends=14))
    kind = TechnicianSkill if lost == "skill" else ShiftPattern
    db.run(lambda session: session.execute(delete(kind)))

    def cancel(session, tables):
        planning.release_visit(session, session.get_one(Visit, other), tables=tables, now=NOW)

    scene.change(cancel)
    assert set(scene.stops()) == {promised}


def test_a_search_takes_such_a_visit_off_the_route_and_finds_it_a_technician(db: Database) -> None:
    """Lifted, the visit counts as unassigned, so that a search may give it to somebody qualified."""
    scene = Scene(db, lambda session: make_company(session, 1))
    visit = scene.book()
    db.run(lambda session: session.execute(delete(TechnicianSkill)))
    with db.reading() as session:
        day = scene.day(session, TOMORROW, lift=True)
        assert [left.visit for left in day.plan.unassigned] == [f"v{visit}"]


def test_whose_estimate_leaves_the_window_is_told_once(db: Database) -> None:
    """More than the service allows after it, near it, and only while taps say where the technician is."""
    scene = Scene(db, lambda session: make_company(session, 1, late_after=timedelta(minutes=20)))
    first = scene.book(window(TODAY, 10, 12), now=NOW - timedelta(days=1))
    second = scene.book(window(TODAY, 10, 12), at=near(4000), now=NOW - timedelta(days=1))
    noon = window(TODAY, 10, 12).ends_at

    def told(at) -> list[str]:
        delays.tell_all(db, scene.tables, now=at)
        with db.reading() as session:
            found = session.get_one(Visit, second).messages
            return [message.payload["arrives_at"] for message in found if message.kind == "late"]

    assert told(noon + timedelta(hours=1)) == [], "nobody tapped anything: perhaps they do not use the phone"
    on_the_way(scene, first, VisitState.EN_ROUTE, VisitState.ON_SITE, at=noon - timedelta(minutes=75))
    assert told(noon - timedelta(minutes=70)) == [], "it ends before noon"
    assert told(noon + timedelta(minutes=10)) == [], (
        "eighteen minutes with the drive are within what is allowed"
    )
    assert len(told(noon + timedelta(minutes=25))) == 2, "e-mail and text"
    assert len(told(noon + timedelta(minutes=30))) == 2, "the time that was told is still about right"
    assert len(told(noon + timedelta(minutes=60))) == 4, "it is not any more: e-mail and text once more"


def told_late(db: Database) -> set[int]:
    """The visits whose customers hear that they have to wait."""
    with db.reading() as session:
        late = session.scalars(select(OutboxMessage.visit_id).where(OutboxMessage.kind == "late"))
        return set(late)


def test_a_break_that_is_over_says_not_where_somebody_is(db: Database) -> None:
    """It is a fact by the clock alone: nobody is told before somebody has tapped something."""
    pause = (time(10), time(11), timedelta(minutes=30))
    scene = Scene(db, lambda session: make_company(session, 1, breaks=[pause], late_after=timedelta(0)))
    scene.book(window(TODAY, 8, 10), now=NOW - timedelta(days=1))
    scene.book(window(TODAY, 12, 14), now=NOW - timedelta(days=1))
    at = window(TODAY, 12, 14).ends_at + timedelta(hours=1)
    with db.reading() as session:
        assert [fact.stop.kind for facts in scene.day(session, TODAY, now=at).done.values() for fact in facts]
    assert delays.tell_all(db, scene.tables, now=at) == 0
    assert told_late(db) == set()


def late_company(db: Database) -> tuple[Scene, int]:
    """A technician who is at the first visit for far too long; the second one waits."""
    scene = Scene(db, lambda session: make_company(session, 1, late_after=timedelta(0)))
    first = scene.book(window(TODAY, 10, 12), now=NOW - timedelta(days=1))
    second = scene.book(window(TODAY, 10, 12), now=NOW - timedelta(days=1))
    late = window(TODAY, 10, 12).ends_at - timedelta(minutes=10)
    on_the_way(scene, first, VisitState.EN_ROUTE, VisitState.ON_SITE, at=late)
    return scene, second


def test_an_error_in_one_territory_keeps_no_customer_of_another_waiting(db: Database) -> None:
    """A site of the first lost its place on the map: customers of the second hear it, the error comes out."""
    broken, _ = late_company(db)
    scene, second = late_company(db)

    def lose_the_coordinates(session) -> None:
        for visit in session.scalars(select(Visit).where(Visit.territory_id == broken.territory_id)):
            visit.site.lat = visit.site.lon = None

    db.run(lose_the_coordinates)
    with pytest.raises(ValueError, match="no coordinates"):
        delays.tell_all(db, scene.tables, now=window(TODAY, 10, 12).ends_at)
    assert told_late(db) == {second}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_where_nobody_is_late_nobody_waits_for_the_look(db: Database) -> None:
    """Somebody writes all the while: SQLite has one writer at a time, and the look is no writer."""
    scene = Scene(db, lambda session: make_company(session, 1))
    first = scene.book(window(TODAY, 8, 10), now=NOW - timedelta(days=1))
    scene.book(window(TODAY, 10, 12), now=NOW - timedelta(days=1))
    on_the_way(scene, first, VisitState.EN_ROUTE, VisitState.ON_SITE, at=NOW)
    with db.transaction() as session:
        session.get_one(Visit, first).priority = 20
        session.flush()
        began = clock.monotonic()
        assert delays.tell_all(db, scene.tables, now=NOW + timedelta(hours=1)) == 0
        assert clock.monotonic() - began < 3
