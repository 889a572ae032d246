"""A plan found on a snapshot is adopted where nobody touched anything since; the rest is listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

import scheduler
from fieldservice.geo.types import TravelTable
from fieldservice.models import Plan, PlanChange, Stop, Territory
from fieldservice.planning.history import ChangeLog
from fieldservice.planning.names import visit_number, whole
from fieldservice.planning.problem import Day, StaleTravel, build, row_id
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import lock_territory
from fieldservice.planning.store import write_routes
from scheduler import timeline


@dataclass(frozen=True)
class Adoption:
    """What became of a plan: the stored change, and the visits whose changes no longer held.

    `before` says which technician was to make the visits of the changed routes.
    """

    change: PlanChange | None
    adopted: frozenset[int]
    left_out: frozenset[int] = field(default_factory=frozenset)
    before: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What an adoption may do: leave visits without a stop, and move nothing that begins within `freeze`."""

    may_unassign: bool = False
    freeze: timedelta = timedelta(0)


def adopt(
    session: Session,
    plan: Plan,
    *,
    orders: Mapping[str, Sequence[str]],
    based_on: Mapping[str, Any],
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
    limits: Limits = Limits(),
) -> Adoption:
    """Store the new order of every group of routes that nobody touched since the search began.

    Routes that exchange visits stand or fall together. A group is left out when one of its routes or visits
    changed, when its times no longer hold, or when it would leave a planned visit without a stop (unless a
    person says so), or when it would move one that is frozen. Nothing that happened since is overwritten.
    Raises StaleTravel.
    """
    territory = session.get_one(Territory, plan.territory_id)
    lock_territory(session, territory)
    if plan.on not in tables:
        raise StaleTravel
    day = build(load_day(session, territory, plan.on, now=now), tables[plan.on], freeze=limits.freeze)
    merge = _Merge(day, orders, based_on, may_unassign=limits.may_unassign)
    routes = merge.routes()
    left_out = frozenset(row_id(name) for name in merge.left_out if name.startswith("v"))
    if not routes:
        return Adoption(None, frozenset(), left_out)
    return replace(store_changed(session, plan, day, routes, now=now, actor=actor), left_out=left_out)


def store_changed(
    session: Session,
    plan: Plan,
    day: Day,
    routes: Sequence[scheduler.Route],
    *,
    now: datetime,
    actor: str,
) -> Adoption:
    """Store judged routes of a day as one change. The technicians are locked."""
    changed = _moved(day, routes)
    log = ChangeLog(session, {plan.on: day}, now=now, actor=actor)
    log.remember_routes([(plan.on, row_id(route.shift)) for route in routes], ())
    ids = [row_id(name) for route in routes for name in route.visit_ids if name.startswith("v")]
    session.execute(delete(Stop).where(Stop.visit_id.in_(ids)))
    write_routes(session, day, routes)
    change = log.store("optimise", plan, {"visits": len(changed)})
    before = {
        row_id(name): row_id(route.shift)
        for route in routes
        for name in day.plan.route_of(route.shift).visit_ids
        if name.startswith("v")
    }
    adopted = frozenset(row_id(name) for name in changed if name.startswith("v"))
    return Adoption(change, adopted, before=before)


class _Merge:
    """Decides which routes of a found plan still fit the day as it is now."""

    def __init__(
        self,
        day: Day,
        orders: Mapping[str, Sequence[str]],
        based_on: Mapping[str, Any],
        *,
        may_unassign: bool,
    ) -> None:
        self.day, self.based_on, self.may_unassign = day, based_on, may_unassign
        self.left_out: set[str] = set()
        self.new = {f"t{key}": self._present(names) for key, names in orders.items()}
        self.old = {route.shift: list(route.visit_ids) for route in day.plan.routes}

    def routes(self) -> list[scheduler.Route]:
        """The routes to store: whole groups, timed as of now, that pass the check."""
        found: list[scheduler.Route] = []
        for group in self._groups():
            routes = self._timed(group)
            if all(self.new.get(shift, []) == self.old.get(shift, []) for shift in group):
                continue
            if routes is None:
                names = {name for shift in group for name in self.new.get(shift, [])}
                self.left_out |= (
                    _moved(self.day, [_bare(shift, self.new.get(shift, [])) for shift in group]) & names
                )
            else:
                found += routes
        return found

    def _present(self, names: Sequence[str]) -> list[str]:
        known = self.day.problem.visit_by_id
        # a hold that ran out needs no place; a visit that is gone makes its whole group stale
        return [name for name in names if name in known or name.startswith("v")]

    def _groups(self) -> list[set[str]]:
        """Shifts that exchange visits, are the two ends of one visit's way, or have members of one crew."""
        place: dict[int | str, set[str]] = {}
        for orders in (self.old, self.new):
            for shift, names in orders.items():
                for name in names:
                    place.setdefault(visit_number(name) or whole(name), set()).add(shift)
        groups = [{shift} for shift in {*self.old, *self.new}]
        for shifts in place.values():
            joined = [group for group in groups if group & shifts]
            groups = [group for group in groups if not group & shifts]
            groups.append(set().union(*joined))
        return groups

    def _timed(self, group: Iterable[str]) -> list[scheduler.Route] | None:
        shifts = sorted(group)
        if not all(self._untouched(shift) for shift in shifts):
            return None
        before = {name for shift in shifts for name in self.old.get(shift, [])}
        after = {name for shift in shifts for name in self.new.get(shift, [])}
        if before - after and not self.may_unassign:
            return None
        routes = [timeline.schedule(self.day.problem, shift, self.new.get(shift, [])) for shift in shifts]
        timed = [route for route in routes if route is not None]
        if len(timed) < len(shifts) or scheduler.check(self.day.problem, scheduler.Plan(routes=tuple(timed))):
            return None
        return timed

    def _untouched(self, shift: str) -> bool:
        if shift not in self.day.problem.shift_by_id:
            return not self.new.get(shift)
        if self.day.rows.version(row_id(shift)) != self.based_on["routes"].get(shift[1:]):
            return False
        known, seen = self.day.visits, self.based_on["visits"]
        return all(
            row_id(name) in known and known[row_id(name)].version == seen.get(name)
            for name in self.new.get(shift, [])
            if name.startswith("v")
        )


def _bare(shift: str, names: Sequence[str]) -> scheduler.Route:
    stops = [scheduler.Stop(visit=name, arrival_s=0, start_s=0, departure_s=0, travel_s=0) for name in names]
    return scheduler.Route(shift=shift, stops=tuple(stops))


def _moved(day: Day, routes: Iterable[scheduler.Route]) -> set[str]:
    """The visits that change their technician or their place in the order."""
    moved: set[str] = set()
    for route in routes:
        old, new = day.plan.route_of(route.shift).visit_ids, route.visit_ids
        moved |= set(old) ^ set(new)
        moved |= {name for name, other in zip(old, new, strict=False) if name != other}
    return moved
