"""What a service and its territory allow is kept by the offer and by the booking, each rule alone."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fieldservice.db import Database
from fieldservice.models import Service, Territory, Window
from fieldservice.planning import service as planning
from fieldservice.planning.service import SlotTaken
from tests.factories import CENTRE, NOW, TODAY, TOMORROW, make_company, make_draft, make_service, window
from tests.fieldservice.planning.scenes import Scene
from tests.races import all_at_once


def offered(scene: Scene, on: date) -> planning.DayOffer:
    """What a new customer at the centre is offered on a day."""
    with scene.db.reading() as session:
        ask = planning.ask_for(
            session.get_one(Service, scene.service_id), session.get_one(Territory, scene.territory_id), CENTRE
        )
        assert ask is not None
        return planning.slots(session, ask, [on], now=NOW, tables=scene.tables)[on]


def is_offered(scene: Scene, wanted: Window) -> bool:
    """Whether the window is among them."""
    on = wanted.starts_at.date()
    return wanted in [slot.window for slot in offered(scene, on).slots]


def keeps(scene: Scene, wanted: Window) -> None:
    """The window is offered, and can be booked."""
    assert is_offered(scene, wanted)
    scene.book(wanted)


def breaks(scene: Scene, wanted: Window) -> None:
    """The window is not offered, and who asks for it nevertheless is refused."""
    assert not is_offered(scene, wanted)
    with pytest.raises(SlotTaken):
        scene.book(wanted)


def company(db: Database, *, territory: dict[str, object] | None = None, **service: object) -> Scene:
    """Two technicians who work every day from 8 to 17, with these rules."""

    def make(session):
        made = make_company(session, 2, **service)
        for name, value in (territory or {}).items():
            setattr(made.territory, name, value)
        return made

    return Scene(db, make)


def test_lead_time(db: Database) -> None:
    """At 8:00 with four hours' notice the window from 12 can be had, the one from 10 cannot."""
    scene = company(db, lead_time=timedelta(hours=4))
    keeps(scene, window(TODAY, 12, 14))
    breaks(scene, window(TODAY, 10, 12))


def test_horizon(db: Database) -> None:
    """With a horizon of five days the fifth can be had, the sixth cannot."""
    scene = company(db, horizon_days=5)
    keeps(scene, window(TODAY + timedelta(days=5)))
    breaks(scene, window(TODAY + timedelta(days=6)))
    assert offered(scene, TODAY + timedelta(days=6)).closed


@pytest.mark.parametrize("whose", ["territory", "service"])
def test_working_days(db: Database, whose: str) -> None:
    """Tuesday is closed, though technicians have a shift then; Wednesday is not."""
    days = {"working_days": "023456"}
    scene = company(db, territory=days) if whose == "territory" else company(db, **days)
    assert TOMORROW.weekday() == 1
    breaks(scene, window(TOMORROW))
    assert offered(scene, TOMORROW).closed
    keeps(scene, window(TOMORROW + timedelta(days=1)))


@pytest.mark.parametrize(
    ("country", "holiday", "elsewhere"),
    [
        ("US-MD", date(2026, 5, 25), date(2026, 4, 27)),  # Memorial Day; King's Day
        ("NL", date(2026, 4, 27), date(2026, 5, 26)),  # King's Day; the day after Whit Monday
        ("DK", date(2026, 4, 3), date(2026, 4, 27)),  # Good Friday
        ("PL", date(2026, 5, 1), date(2026, 4, 27)),  # Labour Day
        ("VN", date(2026, 4, 30), date(2026, 5, 25)),  # Reunification Day
    ],
)
def test_holidays_of_the_country(db: Database, country: str, holiday: date, elsewhere: date) -> None:
    """A public holiday is closed where it is one, and open where another country's is."""
    scene = company(db, territory={"holidays": country}, horizon_days=120)
    breaks(scene, window(holiday))
    keeps(scene, window(elsewhere))


def test_buffers(db: Database) -> None:
    """Three visits of an hour fit between 8 and 11 when nothing surrounds them, two with half an hour."""
    three = window(TOMORROW, 8, 10)

    def one_technician(**buffers: timedelta) -> Scene:
        return Scene(
            db, lambda session: make_company(session, 1, window_length=timedelta(hours=2), **buffers)
        )

    plain = one_technician()
    for _ in range(3):
        keeps(plain, three)
    breaks(plain, three)
    surrounded = one_technician(setup=timedelta(minutes=20), cleanup=timedelta(minutes=25))
    for _ in range(2):
        keeps(surrounded, three)
    breaks(surrounded, three)
    stops = sorted(stop for stop in surrounded.stops().values() if stop[0] == surrounded.technicians[0])
    assert [end - start for _, start, end in stops] == [timedelta(minutes=105)] * 2


def test_a_limit_a_day(db: Database) -> None:
    """The second of two is the last on its day; other days and other services have their own."""
    scene = company(db, max_per_day=2)
    keeps(scene, window(TOMORROW, 8, 10))
    first = scene.book(window(TOMORROW, 10, 12))
    breaks(scene, window(TOMORROW, 14, 16))
    assert not offered(scene, TOMORROW).closed  # it is full
    keeps(scene, window(TOMORROW + timedelta(days=1), 14, 16))
    scene.book(window(TOMORROW, 14, 16), visit=first)  # whoever has one of the two may move it on the day
    other = scene.db.run(lambda session: make_service(session).id)
    scene.service_id = other
    keeps(scene, window(TOMORROW, 8, 10))


def test_a_reserved_window_counts_until_it_runs_out(db: Database) -> None:
    """Who is filling in the form has the last of the day; a minute after their time it is free again."""
    scene = company(db, max_per_day=1)

    def hold(session, tables) -> None:
        ask = planning.ask_for(
            session.get_one(Service, scene.service_id), session.get_one(Territory, scene.territory_id), CENTRE
        )
        until = NOW + timedelta(minutes=15)
        planning.hold_slot(session, make_draft(session), ask, window(), tables=tables, now=NOW, until=until)

    scene.change(hold, extra=[CENTRE])
    breaks(scene, window(TOMORROW, 14, 16))
    scene.book(window(TOMORROW, 14, 16), now=NOW + timedelta(minutes=16))


def test_a_limit_holds_against_many_at_once(db: Database) -> None:
    """Six customers at the same instant for different windows of a day that takes two: two get theirs."""
    scene = company(db, max_per_day=2)
    visits = [scene.visit() for _ in range(6)]

    def book(number: int) -> bool:
        starts = 8 + 2 * (number % 4)
        try:
            scene.book(window(TOMORROW, starts, starts + 2), visit=visits[number])
        except SlotTaken:
            return False
        return True

    outcomes = all_at_once([lambda number=number: book(number) for number in range(6)])
    assert sum(outcome.result for outcome in outcomes) == 2
