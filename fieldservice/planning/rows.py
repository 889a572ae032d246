"""What is stored about a territory's day, read with a fixed number of queries."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from fieldservice.geo.types import Coordinates
from fieldservice.models import (
    Approval,
    ApprovalState,
    Hold,
    Occurrence,
    OfficeTask,
    Place,
    Plan,
    Route,
    Service,
    Stop,
    Technician,
    Territory,
    Visit,
    WorkingDay,
    WorkOrder,
)
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.linked import Link, links_of
from fieldservice.planning.workforce import technicians_of


def place_of(service: Service, territory: Territory, site_at: Coordinates | None) -> Coordinates | None:
    """Where a technician has to be: the site, or the branch; a remote visit is planned from the branch."""
    if service.place == Place.ON_SITE:
        return site_at
    branch = service.branch or next(iter(territory.branches), None)
    if branch is not None:
        return Coordinates(branch.lat, branch.lon)
    return Coordinates(territory.centre_lat, territory.centre_lon)


def visit_place(visit: Visit) -> Coordinates | None:
    """Where a visit takes place; None while its site has no coordinates."""
    site = visit.site
    at = Coordinates(site.lat, site.lon) if site.lat is not None and site.lon is not None else None
    return place_of(visit.service, visit.territory, at)


@dataclass(frozen=True)
class TechnicianDay:
    """One technician's day as the rows have it."""

    technician: Technician
    working_day: WorkingDay | None
    route: Route | None
    stops: tuple[Stop, ...]

    @property
    def home(self) -> Coordinates:
        """Where the route starts and ends."""
        return Coordinates(self.technician.home_lat, self.technician.home_lon)


@dataclass(frozen=True)
class DayRows:
    """Everything stored about a territory's day, read in one transaction."""

    territory: Territory
    on: date
    now: datetime
    plan: Plan | None
    technicians: tuple[TechnicianDay, ...]
    unassigned: tuple[Visit, ...]
    only: tuple[int, ...] | None = None  # those technicians alone whose day was read
    links: tuple[Link, ...] = ()  # of the visits of the day, to those of any day

    @cached_property
    def epoch(self) -> datetime:
        """The scheduler's second 0: the local midnight, in UTC so that adding seconds stays exact."""
        return self.territory.midnight(self.on).astimezone(UTC)

    def places(self) -> list[Coordinates]:
        """Every place that a travel table of this day has to cover."""
        found = [day.home for day in self.technicians]
        for day in self.technicians:
            found += [place for stop in day.stops if (place := stop_place(stop, self.territory))]
        found += [place for visit in self.unassigned if (place := visit_place(visit))]
        return found

    def version(self, technician_id: int) -> int:
        """The version of a technician's route; 0 while there is none."""
        for day in self.technicians:
            if day.technician.id == technician_id:
                return day.route.version if day.route else 0
        return 0


def stop_place(stop: Stop, territory: Territory) -> Coordinates | None:
    """Where a stop is; None for a break, which is taken wherever the technician is."""
    if stop.work is not None:
        return visit_place(stop.work)
    if stop.hold is not None:
        return Coordinates(stop.hold.lat, stop.hold.lon)
    return None


def plan_of(session: Session, territory: Territory, on: date) -> Plan | None:
    """The plan of a day; None when nothing was ever planned."""
    return session.scalar(select(Plan).where(Plan.territory_id == territory.id, Plan.on == on))


def load_days(
    session: Session,
    territory: Territory,
    days: Sequence[date],
    *,
    now: datetime,
    only: Collection[int] | None = None,
) -> list[DayRows]:
    """Read the stored state of several days with a fixed number of queries.

    With `only` it is the routes of those technicians alone, for what touches no other: a tenth of the rows.
    """
    technicians = [one for one in technicians_of(session, territory.id) if only is None or one.id in only]
    plans = session.scalars(
        select(Plan)
        .where(Plan.territory_id == territory.id, Plan.on.in_(days))
        .options(selectinload(Plan.routes))
        .execution_options(populate_existing=True)
    ).all()
    by_day = {plan.on: plan for plan in plans}
    routes = [route for plan in plans for route in plan.routes if only is None or route.technician_id in only]
    stops = _stops(session, [route.id for route in routes], now)
    unassigned = _unassigned(session, territory, days) if only is None else ()
    planned = [stop.work.id for each in stops.values() for stop in each if stop.work is not None]
    links = links_of(session, [*planned, *(visit.id for visit in unassigned)])
    return [
        DayRows(
            territory=territory,
            on=on,
            now=now,
            plan=by_day.get(on),
            technicians=tuple(
                _technician_day(technician, territory, on, by_day.get(on), stops)
                for technician in technicians
            ),
            unassigned=tuple(visit for visit in unassigned if _belongs_to(visit, territory, on)),
            only=None if only is None else tuple(sorted(only)),
            links=links,
        )
        for on in days
    ]


def load_day(
    session: Session,
    territory: Territory,
    on: date,
    *,
    now: datetime,
    only: Collection[int] | None = None,
) -> DayRows:
    """Read the stored state of one day, or of the day of some technicians."""
    return load_days(session, territory, [on], now=now, only=only)[0]


def _technician_day(
    technician: Technician,
    territory: Territory,
    on: date,
    plan: Plan | None,
    stops: Mapping[int, Sequence[Stop]],
) -> TechnicianDay:
    routes = plan.routes if plan else ()
    route = next((route for route in routes if route.technician_id == technician.id), None)
    return TechnicianDay(
        technician=technician,
        working_day=technician.working_day(on, territory.zone),
        route=route,
        stops=tuple(stops.get(route.id, ())) if route else (),
    )


def visit_options() -> list[Any]:
    """Load with a visit what planning and showing it take."""
    order = joinedload(Visit.work_order)
    return [
        order.joinedload(WorkOrder.site),
        order.joinedload(WorkOrder.customer),
        order.joinedload(WorkOrder.service).selectinload(Service.skills),
        order.joinedload(WorkOrder.service).joinedload(Service.branch),
        joinedload(Visit.pin),
        joinedload(Visit.territory).selectinload(Territory.branches),
    ]


def _stops(session: Session, route_ids: Sequence[int], now: datetime) -> dict[int, list[Stop]]:
    if not route_ids:
        return {}
    found = session.scalars(
        select(Stop)
        .outerjoin(Hold, Stop.hold_id == Hold.id)
        .where(Stop.route_id.in_(route_ids), or_(Hold.id.is_(None), Hold.expires_at > now))
        .order_by(Stop.starts_at, Stop.id)
        .options(
            joinedload(Stop.hold),
            joinedload(Stop.visit).options(*visit_options()),
            selectinload(Stop.crew_visit).options(*visit_options(), joinedload(Visit.stop)),
        )
        .execution_options(populate_existing=True)
    ).all()
    _load_histories(session, [stop.work for stop in found if stop.work and stop.work.state not in PLANNABLE])
    by_route: dict[int, list[Stop]] = {}
    for stop in found:
        by_route.setdefault(stop.route_id, []).append(stop)
    return by_route


def _load_histories(session: Session, begun: Sequence[Visit]) -> None:
    """The taps of visits that have begun, with one query; what is still planned has none that matter."""
    if begun:
        session.scalars(
            select(Visit)
            .where(Visit.id.in_([visit.id for visit in begun]))
            .options(selectinload(Visit.events))
            .execution_options(populate_existing=True)
        ).all()


def _unassigned(session: Session, territory: Territory, days: Sequence[date]) -> Sequence[Visit]:
    first, last = territory.midnight(min(days)), territory.midnight(max(days) + timedelta(days=1))
    promised = and_(Visit.window_starts_at >= first, Visit.window_starts_at < last)
    wanted = and_(Visit.window_starts_at.is_(None), Visit.wanted_on.in_(days))
    return session.scalars(
        select(Visit)
        .where(
            Visit.territory_id == territory.id,
            Visit.state.in_(PLANNABLE),
            or_(promised, wanted),
            ~select(Stop.id).where(Stop.visit_id == Visit.id).exists(),
        )
        .order_by(Visit.id)
        .options(*visit_options())
        .execution_options(populate_existing=True)
    ).all()


def unplanned_visits(session: Session, territory: Territory) -> Sequence[Visit]:
    """Visits that wait for a day: requested without a window, and nobody has said when they are wanted.

    A visit of a service plan is its customer's to pick until the office is given the task.
    """
    invited = select(Occurrence.id).where(Occurrence.visit_id == Visit.id).exists()
    handed_over = select(OfficeTask.id).where(OfficeTask.visit_id == Visit.id).exists()
    return session.scalars(
        select(Visit)
        .where(
            Visit.territory_id == territory.id,
            Visit.state.in_(PLANNABLE),
            Visit.window_starts_at.is_(None),
            Visit.wanted_on.is_(None),
            or_(~invited, handed_over),
            ~select(Stop.id).where(Stop.visit_id == Visit.id).exists(),
            ~_awaits_approval(),
        )
        .order_by(Visit.id)
        .options(*visit_options())
    ).all()


def _awaits_approval() -> ColumnElement[bool]:
    """Whether somebody has to agree first: its window is reserved, and nobody shall place it twice."""
    asked = select(Approval.id).join(WorkOrder, WorkOrder.request_key == Approval.request_key)
    waiting = WorkOrder.id == Visit.work_order_id, Approval.state == ApprovalState.PENDING
    return asked.where(*waiting).correlate(Visit).exists()


def _belongs_to(visit: Visit, territory: Territory, on: date) -> bool:
    if visit.window_starts_at is not None:
        return territory.local_day(visit.window_starts_at) == on
    return visit.wanted_on == on
