"""What is offered can be kept."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from fieldservice.db import Database
from fieldservice.models import BookingDraft, Hold, Service, Stop, StopKind, Territory, Visit
from fieldservice.planning import service as planning
from fieldservice.planning.travel import with_travel
from tests.factories import CENTRE, NOW, TODAY, TOMORROW, make_company, make_draft, near, window
from tests.fieldservice.planning.scenes import Scene


def offers(scene: Scene, days: list[date], *, now=NOW, at=CENTRE, without=()):
    """What a customer at a place is offered."""
    with scene.db.reading() as session:
        ask = planning.ask_for(
            session.get_one(Service, scene.service_id), session.get_one(Territory, scene.territory_id), at
        )
        return planning.slots(session, ask, days, now=now, tables=scene.tables, without=without)


def test_every_offered_window_can_be_booked(db: Database) -> None:
    """Each window that is offered on a filling day is then really promised, until none is left."""
    scene = Scene(db, lambda session: make_company(session, 2))
    booked = 0
    while slots := offers(scene, [TOMORROW], at=near(3000, -2000))[TOMORROW].slots:
        scene.book(slots[-1].window, at=near(3000, -2000))
        booked += 1
    assert booked >= 8
    with pytest.raises(planning.SlotTaken):
        scene.book(window(starts=10, ends=12), at=near(3000, -2000))


def test_nothing_is_offered_before_the_lead_time(db: Database) -> None:
    """At 8:00 with two hours' lead, the window from 8 is not offered today; the one from 10 is."""
    scene = Scene(db, lambda session: make_company(session, lead_time=timedelta(hours=2)))
    starts = [slot.window.starts_at for slot in offers(scene, [TODAY])[TODAY].slots]
    assert min(starts) == window(TODAY, 10, 12).starts_at


def test_a_technician_without_the_skill_is_not_offered(db: Database) -> None:
    """A service that needs more than anybody has offers nothing, and its day counts as full, not closed."""
    scene = Scene(db, lambda session: make_company(session, skills={"heating": 9}))
    offer = offers(scene, [TOMORROW])[TOMORROW]
    assert offer.slots == ()
    assert not offer.closed


def test_holidays_and_days_beyond_the_horizon_are_closed(db: Database) -> None:
    """On a public holiday of the territory and after the horizon, no window exists."""

    def make(session):
        company = make_company(session, horizon_days=400)
        company.territory.holidays = "US-MD"
        return company

    scene = Scene(db, make)
    new_year, later = date(2027, 1, 1), TODAY + timedelta(days=401)
    found = offers(scene, [TOMORROW, new_year, later])
    assert [found[on].closed for on in (TOMORROW, new_year, later)] == [False, True, True]


@pytest.mark.parametrize("on", [date(2026, 3, 8), date(2026, 11, 1)])
def test_windows_keep_their_local_hours_when_the_clock_changes(db: Database, on: date) -> None:
    """On both days on which New York changes its clock, the first window is 8 to 10 by the wall clock."""
    scene = Scene(db, lambda session: make_company(session, horizon_days=300))
    zone = ZoneInfo("America/New_York")
    first = offers(scene, [on])[on].slots[0].window
    assert (first.starts_at.astimezone(zone).hour, first.ends_at.astimezone(zone).hour) == (8, 10)
    visit = scene.book(first)
    assert scene.stops()[visit][1] == first.starts_at


def hold(scene: Scene, *, now=NOW, minutes: int = 15) -> int:
    """Reserve 10 to 12 tomorrow for a new draft."""

    def work(session, tables):
        draft = make_draft(session)
        ask = planning.ask_for(
            session.get_one(Service, scene.service_id), session.get_one(Territory, scene.territory_id), CENTRE
        )
        planning.hold_slot(
            session,
            session.get_one(BookingDraft, draft.id),
            ask,
            window(),
            tables=tables,
            now=now,
            until=now + timedelta(minutes=minutes),
        )
        return draft.id

    return scene.change(work, extra=[CENTRE], now=now)


def one_visit_company(session):
    """One technician who has time for just one visit between 10 and 12."""
    return make_company(session, 1, duration=timedelta(hours=3))


def test_a_hold_keeps_others_out_until_it_expires(db: Database) -> None:
    """While the hold counts nobody else gets the window; a minute after its end it is free again."""
    scene = Scene(db, one_visit_company)
    hold(scene)
    with pytest.raises(planning.SlotTaken):
        scene.book(window())
    later = NOW + timedelta(minutes=16)
    scene.book(window(), now=later)
    with scene.db.reading() as session:
        assert session.scalar(select(func.count()).where(Stop.kind == StopKind.HOLD)) == 0


def test_expired_holds_are_tidied_away(db: Database) -> None:
    """The tidy task removes what ran out and leaves what still counts."""
    scene = Scene(db, lambda session: make_company(session, 2))
    hold(scene, minutes=1)
    hold(scene, minutes=30)
    now = NOW + timedelta(minutes=2)
    assert scene.db.run(lambda session: planning.drop_expired_holds(session, now=now)) == 1
    with scene.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Hold)) == 1


def test_the_travel_table_is_made_again_when_a_place_is_new(db: Database) -> None:
    """A booking at a place that came after the table was made is not refused: the table is fetched again."""
    scene = Scene(db, lambda session: make_company(session, 2))
    scene.book()
    tries = []

    def work(tables):
        tries.append(len(tables[TOMORROW].points))
        if len(tries) == 1:
            scene.book(at=near(5000, 5000))
        return scene.db.run(
            lambda session: planning.release_visit(session, session.merge(visit), tables=tables, now=NOW)
        )

    with scene.db.reading() as session:
        visit = session.get_one(Visit, scene.book(at=near(100, 100)))
    with_travel(scene.db, scene.tables, scene.territory_id, [TOMORROW], [], now=NOW, work=work)
    assert len(tries) == 2
