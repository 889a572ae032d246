"""A better plan arrives while customers book and cancel and a dispatcher moves: nothing is overwritten."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.booking import drafts, manage
from fieldservice.booking import service as booking
from fieldservice.db import Database
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Plan, Service, Stop, Territory, Visit, VisitState, Window
from fieldservice.planning import adoption, changes, improve, judge
from fieldservice.planning import service as planning
from fieldservice.planning.problem import build
from fieldservice.planning.rows import load_day
from fieldservice.planning.travel import table_of, with_travel
from tests.factories import NOW, TOMORROW, Company, make_company, near, number, window
from tests.races import all_at_once, overlaps

ROUNDS = 5
WINDOWS = [window(TOMORROW, hour, hour + 3) for hour in (8, 11, 14)]

type Tables = Mapping[date, TravelTable]


@dataclass
class World:
    """A day with promised visits, and everybody who changes it."""

    db: Database
    company: Company
    dice: random.Random
    tables: TravelTables = field(default_factory=lambda: TravelTables(EstimatedTravelTimes()))

    def change[T](self, work: Callable[[Session, Tables], T], *extra: Coordinates) -> T:
        """One transaction with the day's travel table."""
        return with_travel(
            self.db,
            self.tables,
            self.company.territory.id,
            [TOMORROW],
            extra,
            now=NOW,
            work=lambda tables: self.db.run(lambda session: work(session, tables)),
        )

    def book(self, wanted: Window | None = None) -> int | None:
        """A customer somewhere within 8 km books; None when nobody can come."""
        at = near(self.dice.uniform(-8_000, 8_000), self.dice.uniform(-8_000, 8_000))
        wanted, serial = wanted or self.dice.choice(WINDOWS), number()

        def work(session: Session, tables: Tables) -> int:
            site = drafts.SiteAnswers(address=f"{serial} Main Street", coordinates=at, match="exact")
            answers = booking.Answers(
                service=session.get_one(Service, self.company.service.id),
                territory=session.get_one(Territory, self.company.territory.id),
                site=site,
                requester=drafts.Contact(name="A", email=f"a{serial}@example.com"),
                window=wanted,
            )
            company = booking.Company(prefix="HH", secret_key="only-for-tests")
            return booking.book(session, answers, company=company, tables=tables, now=NOW).id

        try:
            return self.change(work, at)
        except planning.SlotTaken:
            return None

    def cancel(self, visit_id: int) -> None:
        """A customer cancels."""

        def work(session: Session, tables: Tables) -> None:
            manage.cancel(session, session.get_one(Visit, visit_id), reason="", tables=tables, now=NOW)

        self.change(work)

    def move(self, visit_id: int, technician_id: int) -> str:
        """A dispatcher gives a visit to somebody; looks again when the plan has changed meanwhile."""
        wanted = judge.Move(technician_id, TOMORROW, None)

        def work(session: Session, tables: Tables, version: int) -> None:
            changes.move_visit(
                session,
                session.get_one(Visit, visit_id),
                wanted,
                plan_version=version,
                confirmed=False,
                tables=tables,
                now=NOW,
                actor="dispatcher",
            )

        for _ in range(10):
            with self.db.reading() as session:
                version = session.scalars(select(Plan.version).where(Plan.on == TOMORROW)).one()
            try:
                self.change(partial(work, version=version))
            except changes.StalePlan:
                continue
            except (judge.RuleBroken, changes.NeedsConfirmation):
                return "refused"
            return "moved"
        return "stale"

    def search(self) -> improve.Found:
        """The optimiser's look at the day and what it makes of it, without any lock."""
        with self.db.reading() as session:
            territory = session.get_one(Territory, self.company.territory.id)
            rows = load_day(session, territory, TOMORROW, now=NOW)
            table = table_of(self.tables, rows)
            day = improve.snapshot(session, territory, TOMORROW, table=table, now=NOW)
        return improve.search(day, seconds=None, iterations=40)

    def adopt(self, found: improve.Found, based_on: Mapping[str, Any] | None = None) -> adoption.Adoption:
        """The optimiser's last step."""

        def work(session: Session, tables: Tables) -> adoption.Adoption:
            plan = session.scalars(select(Plan).where(Plan.on == TOMORROW)).one()
            return adoption.adopt(
                session,
                plan,
                orders=found.orders(),
                based_on=based_on or found.based_on(),
                tables=tables,
                now=NOW,
                actor="system",
            )

        return self.change(work)

    def stops(self) -> dict[int, tuple[int, Any]]:
        """Visit -> technician and start."""
        with self.db.reading() as session:
            stops = session.scalars(select(Stop).where(Stop.visit_id.is_not(None)))
            return {stop.visit_id: (stop.technician_id, stop.starts_at) for stop in stops if stop.visit_id}

    def booked(self) -> list[int]:
        """The visits that are promised."""
        with self.db.reading() as session:
            query = select(Visit.id).where(Visit.state == VisitState.BOOKED).order_by(Visit.id)
            return list(session.scalars(query))

    def require_sound(self) -> None:
        """Every promised visit has a stop that keeps its window, and the scheduler's judge finds no fault."""
        assert overlaps(self.db) == 0
        with self.db.reading() as session:
            for visit in session.scalars(select(Visit).where(Visit.state == VisitState.BOOKED)):
                assert visit.stop is not None, f"{visit.reference} was promised and has no stop"
                assert visit.window is not None
                kept = visit.window.starts_at <= visit.stop.starts_at <= visit.window.ends_at
                assert kept, f"{visit.reference} is late"
            territory = session.get_one(Territory, self.company.territory.id)
            rows = load_day(session, territory, TOMORROW, now=NOW)
            day = build(rows, table_of(self.tables, rows))
        assert scheduler.check(day.problem, day.plan) == []


@pytest.fixture
def world(db: Database) -> World:
    """Three technicians and nine promised visits."""
    company = db.run(
        lambda session: make_company(
            session, technicians=3, duration=timedelta(minutes=40), window_length=timedelta(hours=3)
        )
    )
    world = World(db, company, random.Random(7))
    for position in range(9):
        world.book(WINDOWS[position % 3])
    return world


def test_nothing_is_lost_or_overwritten(world: World) -> None:
    """Booking, move, cancel and adoption at the same instant: each holds, and every promise is kept."""
    adopted = 0
    outcomes: Counter[str] = Counter()
    for _ in range(ROUNDS):
        found = world.search()
        cancelled, moved = world.dice.sample(world.booked(), 2)
        technician = world.dice.choice(world.company.technicians).id
        works: dict[str, Callable[[], Any]] = {
            "adopted": partial(world.adopt, found),
            "booked": world.book,
            "moved": partial(world.move, moved, technician),
            "cancelled": partial(world.cancel, cancelled),
        }
        results = all_at_once([partial(named, name, work) for name, work in works.items()])
        by_name = dict(outcome.result for outcome in results)
        world.require_sound()
        stops = world.stops()
        assert cancelled not in stops
        if by_name["booked"] is not None:
            assert by_name["booked"] in stops
        if by_name["moved"] == "moved":
            assert stops[moved][0] == technician
        assert by_name["moved"] != "stale"
        adopted += len(by_name["adopted"].adopted)
        outcomes[by_name["moved"]] += 1
    print(f"{adopted} visits adopted in the race; {outcomes}")
    assert outcomes["moved"] > 0


def test_what_nobody_touched_is_adopted(world: World) -> None:
    """A plan found for a day that stayed as it was is taken over, and drives no longer than before."""
    before = driving(world)
    found = world.search()
    taken = world.adopt(found)
    world.require_sound()
    assert taken.left_out == frozenset()
    assert driving(world) <= before


def test_a_touched_route_is_left_alone(world: World) -> None:
    """After a cancel the routes that the search saw otherwise are not stored, and it says which visits."""
    found = scattered(world)
    world.cancel(world.booked()[0])
    before = world.stops()
    taken = world.adopt(found)
    assert taken.left_out
    assert world.stops() == before
    world.require_sound()


def test_without_the_versions_a_move_is_overwritten(world: World) -> None:
    """Positive control: told that its snapshot were still true, adoption undoes a dispatcher's move."""
    found = scattered(world)
    visit, technician = movable(world, found)
    taken = world.adopt(found)
    assert visit in taken.left_out
    assert world.stops()[visit][0] == technician
    forged = replace(world).search().based_on()
    with world.db.transaction() as session:
        session.get_one(Visit, visit).pin = None
        forged["visits"][f"v{visit}"] = session.get_one(Visit, visit).version + 1
        session.get_one(Visit, visit).priority += 1
    world.adopt(found, based_on=forged)
    assert world.stops()[visit][0] != technician


def scattered(world: World) -> improve.Found:
    """A plan that moves visits between technicians: the search's, on a day that was filled badly by hand."""
    ids = [technician.id for technician in world.company.technicians]
    for position, visit in enumerate(world.booked()):
        world.move(visit, ids[position % len(ids)])
    with world.db.transaction() as session:
        for stored in session.scalars(select(Visit).where(Visit.id.in_(world.booked()))):
            stored.pin = None
    found = world.search()
    stops = world.stops()
    assert any(
        int(name[1:]) in stops and stops[int(name[1:])][0] != int(technician)
        for technician, names in found.orders().items()
        for name in names
    ), "the search found nothing to exchange"
    return found


def movable(world: World, found: improve.Found) -> tuple[int, int]:
    """A visit that the dispatcher gives to somebody else than the search would; and who that is."""
    for technician, names in found.orders().items():
        for name in names:
            for other in world.company.technicians:
                visit = int(name[1:])
                elsewhere = other.id not in (int(technician), world.stops()[visit][0])
                if elsewhere and world.move(visit, other.id) == "moved":
                    return visit, other.id
    raise AssertionError("no visit can be moved")


def named(name: str, work: Callable[[], Any]) -> tuple[str, Any]:
    """A result with its name."""
    return name, work()


def driving(world: World) -> int:
    """Seconds of travel on the stored routes."""
    with world.db.reading() as session:
        territory = session.get_one(Territory, world.company.territory.id)
        rows = load_day(session, territory, TOMORROW, now=NOW)
        day = build(rows, table_of(world.tables, rows))
    return sum(stop.travel_s for route in day.plan.routes for stop in route.stops)
