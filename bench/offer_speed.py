"""How long the server takes for the windows of 14 days: 50 technicians with full routes, a stored company.

    python -m bench.offer_speed                       # on SQLite
    python -m bench.offer_speed --database postgresql://…/empty_database
    python -m bench.offer_speed --map var/map         # by road, at addresses of an imported map

Exit status 1 when the 95th percentile of both pages together is above the bar. On a machine that does
something else as well look at the processor's time alone.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import clock, migrate
from fieldservice.app import create_app, make_services
from fieldservice.booking import drafts
from fieldservice.booking.drafts import DraftAnswers, SiteAnswers
from fieldservice.booking.offer import STRIP
from fieldservice.config import Settings
from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.manifest import ADDRESSES, load_manifest
from fieldservice.geo.types import Coordinates
from fieldservice.models import (
    ContactRole,
    Customer,
    Plan,
    Role,
    Route,
    Service,
    ServiceSkill,
    ShiftPattern,
    Site,
    Skill,
    Stop,
    StopKind,
    Technician,
    TechnicianSkill,
    Territory,
    Visit,
    VisitState,
    WorkOrder,
)
from fieldservice.processes import settle_memory

TECHNICIANS, DAYS, STOPS, PLACES = 50, 14, 7, 1000
BAR_S = 0.300
CENTRE = (39.2904, -76.6122)
_SPREAD = 0.15  # degrees: a town and what lies around it
_WORK = timedelta(minutes=45)
_EVERY = timedelta(minutes=60)
_MORNING = 8


@dataclass(frozen=True)
class Offers:
    """Seconds of each request; both strips of one customer together, and the first alone.

    `worked` is the processor's time for both, for a machine that does something else as well.
    """

    together: Sequence[float]
    first: Sequence[float]
    worked: Sequence[float]
    windows: int

    def share(self, seconds: Sequence[float], share: float) -> float:
        """The value that `share` of all do not exceed."""
        ordered = sorted(seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    @property
    def kept(self) -> bool:
        """Whether the bar was kept."""
        return self.share(self.together, 0.95) <= BAR_S

    def lines(self) -> list[str]:
        """The figures for a terminal."""
        return [
            f"{name}: median {statistics.median(seconds) * 1e3:.0f} ms,"
            f" p95 {self.share(seconds, 0.95) * 1e3:.0f} ms, slowest {max(seconds) * 1e3:.0f} ms"
            for name, seconds in (
                ("windows of 14 days", self.together),
                ("of that the processor's", self.worked),
                ("the page's first days", self.first),
            )
        ] + [
            f"{self.windows / len(self.first):.0f} windows a customer; bar {BAR_S * 1e3:.0f} ms: {self.kept}"
        ]


def _where_it_is_eight(now: datetime) -> str:
    """A zone in which the day has just begun, so that the present day is asked for windows as well."""
    ahead = (_MORNING - now.hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}"  # the sign of these names is that of the way back to Greenwich


class Town:
    """Writes a company whose technicians have full routes; the same seed gives the same company."""

    def __init__(
        self,
        session: Session,
        now: datetime,
        *,
        technicians: int = TECHNICIANS,
        places: Sequence[Coordinates] = (),
    ) -> None:
        self.session, self.now, self.draw, self.places = session, now, random.Random(1), places
        centre = (places[0].lat, places[0].lon) if places else CENTRE
        self.territory = Territory(
            name="Town",
            time_zone=_where_it_is_eight(now),
            centre_lat=centre[0],
            centre_lon=centre[1],
            radius_m=60_000,
        )
        skill = Skill(code="heating", name="Heating")
        self.service = Service(
            code="heating", name="Heating", duration=_WORK, skills=[ServiceSkill(skill=skill, level=1)]
        )
        session.add_all([self.territory, skill, self.service])
        session.flush()
        people = [self._technician(number, skill) for number in range(technicians)]
        today = self.territory.local_day(now)
        for offset in range(DAYS + 1):
            self._day(today + timedelta(days=offset), people)

    def place(self) -> Coordinates:
        """Somewhere in the town, at one of its addresses if they are known."""
        if self.places:
            return self.draw.choice(self.places)
        lat, lon = (at + self.draw.uniform(-_SPREAD, _SPREAD) for at in CENTRE)
        return Coordinates(lat, lon)

    def draft(self) -> str:
        """A customer who is about to pick a time."""
        at = self.place()
        site = SiteAnswers(address="1 Bench Street", city="Town", coordinates=at, match="exact")
        answers = DraftAnswers(service=self.service.code, site=site, territory_id=self.territory.id)
        return drafts.start(self.session, answers, now=self.now).token

    def _technician(self, number: int, skill: Skill) -> Technician:
        home = self.place()
        technician = Technician(
            territory_id=self.territory.id, name=f"Technician {number}", home_lat=home.lat, home_lon=home.lon
        )
        technician.skills = [TechnicianSkill(skill_id=skill.id, level=1)]
        technician.shift_patterns = [
            ShiftPattern(weekday=day, starts=clock_time(8), ends=clock_time(17), valid_from=date(2020, 1, 1))
            for day in range(7)
        ]
        self.session.add(technician)
        self.session.flush()
        return technician

    def _day(self, on: date, people: Sequence[Technician]) -> None:
        plan = Plan(territory_id=self.territory.id, on=on)
        self.session.add(plan)
        begins = self.territory.midnight(on) + timedelta(hours=8)
        for technician in people:
            route = Route(plan=plan, technician=technician)
            self.session.add(route)
            self.session.flush()
            for number in range(STOPS):
                self._stop(route, technician, begins + number * _EVERY + timedelta(minutes=15))
        self.session.flush()
        self.session.expunge_all()  # the bench writes thousands of rows and looks at none of them again
        self.session.add_all([self.territory, self.service, *people])

    def _stop(self, route: Route, technician: Technician, at: datetime) -> None:
        lat, lon = (x + self.draw.uniform(-0.01, 0.01) for x in (technician.home_lat, technician.home_lon))
        at_site = self.place() if self.places else Coordinates(lat, lon)
        customer = Customer(name="Customer", created_at=self.now)
        site = Site(customer=customer, address="A street", lat=at_site.lat, lon=at_site.lon)
        order = WorkOrder(customer=customer, site=site, service_id=self.service.id, created_at=self.now)
        order.contacts = [ContactRole(role=Role.REQUESTER, name="Customer")]
        opens = at.replace(minute=0)
        visit = Visit(
            reference=f"B-{route.id}-{at:%H}",
            work_order=order,
            territory_id=self.territory.id,
            state=VisitState.BOOKED,
            setup=timedelta(0),
            service_duration=_WORK,
            cleanup=timedelta(0),
            window_starts_at=opens,
            window_ends_at=opens + timedelta(hours=2),
            promise_version=1,
            created_at=self.now,
        )
        self.session.add(visit)
        self.session.flush()
        stop = Stop(route_id=route.id, technician_id=technician.id, kind=StopKind.VISIT, visit_id=visit.id)
        stop.arrives_at, stop.starts_at, stop.ends_at = at, at, at + _WORK
        self.session.add(stop)


def measure(settings: Settings, *, customers: int, technicians: int = TECHNICIANS) -> Offers:
    """Ask for the windows of 14 days as that many customers, one after another, through the whole server."""
    services = make_services(settings)
    migrate.upgrade(services.db.engine)
    now = clock.now()

    def fill(session: Session) -> list[str]:
        town = Town(session, now, technicians=technicians, places=_places(settings))
        return [town.draft() for _ in range(customers + 1)]

    tokens = services.db.run(fill)
    with services.db.reading() as session:
        today = session.scalars(select(Territory)).one().local_day(now)
    app = create_app(settings, services)
    app.config.update(LIMIT_LOOKUP="1000000/minute")
    settle_memory()  # as a server does before it answers
    _ask(app, tokens.pop(), today)  # the first one makes the travel tables, as after every start
    found = [_ask(app, token, today) for token in tokens]
    services.db.dispose()
    return Offers(
        [first + second for first, second, _, _ in found],
        [first for first, *_ in found],
        [worked for _, _, worked, _ in found],
        sum(count for *_, count in found),
    )


def _places(settings: Settings) -> list[Coordinates]:
    """Addresses of the settings' map on its road network; none without a map."""
    if settings.map_dir is None:
        return []
    index = AddressIndex(load_manifest(settings.map_dir).path(settings.map_dir, ADDRESSES))
    step = max(1, len(index) // PLACES)
    return [address.coordinates for address in index.sample(list(range(0, len(index), step)))]


def _ask(app: Flask, token: str, today: date) -> tuple[float, float, float, int]:
    client = app.test_client()
    seconds, windows, worked = [], 0, time.process_time()
    for first in (today, today + timedelta(days=STRIP)):
        began = time.perf_counter()
        answer = client.get(f"/book/{token}/time?day={first.isoformat()}")
        seconds.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise AssertionError(f"the page answers {answer.status_code}")
        windows += answer.text.count('name="window"')
    return seconds[0], seconds[1], time.process_time() - worked, windows


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.offer_speed")
    parser.add_argument(
        "--database", default="", help="address of an empty database; a new SQLite file without"
    )
    parser.add_argument("--map", type=Path, help="folder of an imported map: travel goes by road")
    parser.add_argument("--customers", type=int, default=60)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            database_url=chosen.database,
            secret_key="only-for-this-bench",
            map_tiles="none",
            map_dir=chosen.map,
        )
        offers = measure(settings, customers=chosen.customers)
    print("\n".join(offers.lines()))
    return 0 if offers.kept else 1


if __name__ == "__main__":
    sys.exit(main())
