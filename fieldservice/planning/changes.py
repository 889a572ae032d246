"""What a dispatcher changes by hand, stored with its history and undone as a change."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.geo.types import TravelTable
from fieldservice.models import Pin, Plan, PlanChange, Route, Stop, Territory, Visit
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.crews import drop_stops, places_of
from fieldservice.planning.history import ChangeLog, restore_crews, restore_marks, restore_pins
from fieldservice.planning.judge import SOFT_RULES, Judgement, Move, RuleBroken, judge
from fieldservice.planning.linked import Link, links_of, restore_links
from fieldservice.planning.order import broken_rules, link_violations
from fieldservice.planning.problem import (
    Day,
    StaleTravel,
    build,
    row_id,
    shift_id,
    visit_id,
    wish,
)
from fieldservice.planning.relaxing import as_member, pinned_to
from fieldservice.planning.rows import load_day, visit_place
from fieldservice.planning.service import lock_territory
from fieldservice.planning.store import ensure_plan, write_routes
from fieldservice.planning.teams import begun_together, project_together
from fieldservice.planning.undo import REDO, UNDO, stands


class StalePlan(Exception):
    """Somebody changed the plan since the page was made."""


class NeedsConfirmation(Exception):
    """The change breaks a rule that a person may break, and nobody has said yes yet."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__("; ".join(violation.text for violation in judgement.soft))
        self.judgement = judgement


class NotPlannable(Exception):
    """The visit has begun or ended, or its site has no coordinates."""


class NothingToUndo(Exception):
    """The change was undone before, its routes have changed since, or a visit of it has another place."""


def move_visit(
    session: Session,
    visit: Visit,
    move: Move,
    *,
    plan_version: int,
    confirmed: bool,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Put a visit where a dispatcher wants it; it is pinned there, later stops cascade.

    Raises StalePlan, NotPlannable, RuleBroken for a hard rule, NeedsConfirmation for a soft one that is not
    `confirmed`, StaleTravel. A confirmed violation is stored on the visit, with the reason that was given.
    """
    lock_territory(session, visit.territory)
    session.refresh(visit)
    if visit.state not in PLANNABLE or visit_place(visit) is None:
        raise NotPlannable
    plan = ensure_plan(session, visit.territory, move.on)
    if plan.version != plan_version:
        raise StalePlan
    sources = places_of(session, visit)
    routes = {(move.on, move.technician_id), *sources}
    size = visit.crew
    only = None if max(size, move.crew or 1) > 1 else {who for _, who in routes}  # anybody may join a crew
    days = _days(session, visit.territory, {on for on, _ in routes}, tables, now, only=only)
    visit.crew = move.crew or size
    without = {on: _without(day, visit) for on, day in days.items()}
    judgement = judge(without[move.on], visit, move)
    if judgement.hard:
        raise RuleBroken(judgement.hard)
    if judgement.soft and not confirmed:
        raise NeedsConfirmation(judgement)
    targets = [(move.on, technician) for technician in judgement.each]
    change = ChangeLog(session, days, now=now, actor=actor)
    change.remember(visit, [*targets, *sources])
    change.before["crews"] = {visit_id(visit): size}
    drop_stops(session, [visit.id])
    for on, technician in sources:
        if (on, technician) not in targets:
            _write(session, without[on], technician)
    write_routes(session, without[move.on].adding(*judgement.each.values()), judgement.routes)
    _pin(session, visit, move, judgement, now=now)
    visit.accepted_violations = _accepted(judgement, by=actor, at=now, reason=move.reason)
    detail = _told(judgement, move)
    visit.record("moved", occurred_at=now, now=now, actor=actor, payload=detail)
    return change.store("move", plan, {"visit_id": visit.id, **detail})


def _told(judgement: Judgement, move: Move) -> dict[str, Any]:
    """What the histories keep of a move."""
    lead, *others = judgement.each
    return {
        "technician_id": lead,
        "starts_at": judgement.starts_at.isoformat(),
        **({"others": others} if others else {}),
        **({"reason": move.reason} if judgement.soft else {}),
    }


def change_crew(
    session: Session,
    visit: Visit,
    size: int,
    *,
    on: date,
    plan_version: int,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """How many make a visit that has no place: whoever places it then takes so many technicians for it.

    Raises StalePlan, NotPlannable, StaleTravel.
    """
    lock_territory(session, visit.territory)
    session.refresh(visit)
    if visit.state not in PLANNABLE or places_of(session, visit):
        raise NotPlannable
    plan = ensure_plan(session, visit.territory, on)
    if plan.version != plan_version:
        raise StalePlan
    change = ChangeLog(session, _days(session, visit.territory, [on], tables, now), now=now, actor=actor)
    change.remember(visit, ())
    visit.crew = size
    plan.version += 1
    return change.store("crew", plan, {"visit_id": visit.id, "crew": size})


def unassign_visit(
    session: Session,
    visit: Visit,
    *,
    plan_version: int,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Take a visit off its route; its promise stays and is now at risk. Raises StalePlan, NotPlannable."""
    lock_territory(session, visit.territory)
    session.refresh(visit)
    sources = places_of(session, visit)
    if visit.state not in PLANNABLE or not sources:
        raise NotPlannable
    on = sources[0][0]
    plan = ensure_plan(session, visit.territory, on)
    if plan.version != plan_version:
        raise StalePlan
    days = _days(session, visit.territory, {on}, tables, now, only={who for _, who in sources})
    change = ChangeLog(session, days, now=now, actor=actor)
    change.remember(visit, sources)
    visit.pin = None
    drop_stops(session, [visit.id])
    without = _without(days[on], visit)
    for _, technician in sources:
        _write(session, without, technician)
    visit.record("unassigned", occurred_at=now, now=now, actor=actor)
    return change.store("unassign", plan, {"visit_id": visit.id})


class PinTo(StrEnum):
    """What a pin holds a visit to."""

    TECHNICIAN = "technician"
    TIME = "time"
    BOTH = "both"


def pin_visit(
    session: Session,
    visit: Visit,
    to: PinTo | None,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Pin a visit to its technician, its start or both, or (None) let the optimiser have it again.

    Raises NotPlannable, StaleTravel.
    """
    lock_territory(session, visit.territory)
    session.refresh(visit)
    stop = session.scalar(select(Stop).where(Stop.visit_id == visit.id))
    if stop is None or visit.state not in PLANNABLE:
        raise NotPlannable
    plan = stop.route.plan
    days = _days(session, visit.territory, {plan.on}, tables, now, only={stop.technician_id})
    change = ChangeLog(session, days, now=now, actor=actor)
    change.remember(visit, [(plan.on, stop.technician_id)])
    visit.pin = None
    session.flush()
    if to is not None:
        visit.pin = Pin(
            technician_id=stop.technician_id if to != PinTo.TIME else None,
            starts_at=stop.starts_at if to != PinTo.TECHNICIAN else None,
            created_at=now,
        )
    stop.route.version += 1
    plan.version += 1
    return change.store("pin" if to else "unpin", plan, {"visit_id": visit.id, **({"to": to} if to else {})})


def undo_change(
    session: Session,
    change: PlanChange,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Bring back the orders from before a change, as a new change that is checked like any other.

    Taking back an undo is a redo.
    Raises NothingToUndo when its routes have changed since or one of its visits was placed elsewhere,
    RuleBroken when the old orders no longer hold.
    """
    plan = session.get_one(Plan, change.plan_id)
    territory = session.get_one(Territory, plan.territory_id)
    lock_territory(session, territory)
    session.refresh(change)
    entries = change.before["routes"]
    wanted = {(date.fromisoformat(entry["on"]), entry["technician_id"]): entry["visits"] for entry in entries}
    days = _days(session, territory, {plan.on, *(on for on, _ in wanted)}, tables, now)
    if change.undone_by_id is not None:
        raise NothingToUndo
    if not all(stands(session, day.rows, change.after) for day in days.values()):
        raise NothingToUndo
    if _placed_elsewhere(session, wanted):
        raise NothingToUndo
    again = ChangeLog(session, days, now=now, actor=actor)
    again.remember_routes(wanted, change.after["pins"])
    again.remember_links(change.after.get("links", {}))
    restore_links(session, change.before.get("links", {}), now)
    restore_pins(session, change.before["pins"], now=now)
    restore_marks(session, change.before.get("marks", {}))
    restore_crews(session, change.before.get("crews", {}))
    days = _days(session, territory, days, tables, now)  # as the pins are now
    visits = plannable_visits(
        session, {f"v{row_id(name)}" for names in wanted.values() for name in names if name[0] in "vc"}
    )
    moved = [name for name in visits if any(name in day.problem.visit_by_id for day in days.values())]
    drop_stops(session, [row_id(name) for name in moved])
    for on, day in days.items():
        orders = {technician: names for (when, technician), names in wanted.items() if when == on}
        write_orders(session, day, orders, visits, soft=True)
    require_links(next(iter(days.values())), links_of(session, [row_id(name) for name in again.linked]))
    told = {"what": change.kind, **change.summary, "change_id": change.id}
    undone = again.store(REDO if change.kind == UNDO else UNDO, plan, told)
    change.undone_by_id = undone.id
    if not wanted:
        plan.version += 1  # nothing was written that would tell the boards
    return undone


def write_orders(
    session: Session,
    day: Day,
    orders: Mapping[int, Sequence[str]],
    visits: Mapping[str, Visit],
    *,
    soft: bool,
) -> None:
    """Time and store whole routes. Raises RuleBroken when they break a rule (with `soft`: a hard one)."""
    known = dict(day.problem.visit_by_id)
    for technician, names in orders.items():
        for name in names:
            if name not in day.order(technician):  # where it is says nothing about there
                known |= _as_wished(day, name, visits)
    shifts = day.problem.shift_by_id
    problem = replace(day.problem, visits=tuple(pinned_to(shifts, visit) for visit in known.values()))
    routes = project_together(
        problem, {shift_id(key): [name for name in names if name in known] for key, names in orders.items()}
    )
    problem = begun_together(problem, routes)
    changed = replace(day, problem=problem)
    rows = {**day.visits, **{row_id(name): visit for name, visit in visits.items()}}
    broken = broken_rules(day, problem, scheduler.Plan(routes=tuple(routes)), routes, rows)
    broken = [violation for violation in broken if not (soft and violation.rule in SOFT_RULES)]
    if broken:
        raise RuleBroken(broken)
    write_routes(session, changed, routes)


def _as_wished(day: Day, name: str, visits: Mapping[str, Visit]) -> dict[str, scheduler.Visit]:
    """A visit that comes to a route; what a crew makes is made by each of them."""
    visit = visits.get(f"v{row_id(name)}") if name[0] in "vc" else None
    if visit is None:
        return {}
    asked = wish(day.rows, day.table, visit)
    if visit.crew == 1:
        return {name: asked} if name[0] == "v" else {}
    pin = scheduler.Pin(start_s=asked.pinned.start_s) if asked.pinned and asked.pinned.start_s else None
    return {name: replace(as_member(asked, name), pinned=pin)}


def require_links(day: Day, links: Iterable[Link]) -> None:
    """Raise RuleBroken for a link that does not hold where its visits are."""
    broken = [found for link in links for found in link_violations(day, link, seen_from=link.then.visit_id)]
    if broken:
        raise RuleBroken(broken)


def _pin(session: Session, visit: Visit, move: Move, judgement: Judgement, *, now: datetime) -> None:
    visit.pin = None
    session.flush()
    starts_at = judgement.starts_at if move.starts_at else None
    visit.pin = Pin(technician_id=move.technician_id, starts_at=starts_at, created_at=now)
    session.flush()


def _accepted(judgement: Judgement, *, by: str, at: datetime, reason: str) -> list[dict[str, Any]]:
    """What the visit keeps of the rules that a person has broken for it."""
    return [
        {
            "rule": violation.rule,
            "text": violation.text,
            "numbers": dict(violation.numbers),
            "by": by,
            "at": at.isoformat(),
            "reason": reason,
        }
        for violation in judgement.soft
    ]


def _days(
    session: Session,
    territory: Territory,
    days: Iterable[Any],
    tables: Mapping[date, TravelTable],
    now: datetime,
    *,
    only: Collection[int] | None = None,
) -> dict[date, Day]:
    """The days; with `only` the routes of these technicians alone: all that such a change touches."""
    wanted = sorted(set(days))
    if any(on not in tables for on in wanted):
        raise StaleTravel
    return {on: build(load_day(session, territory, on, now=now, only=only), tables[on]) for on in wanted}


def _without(day: Day, visit: Visit) -> Day:
    return build(day.rows, day.table, without=[visit_id(visit)])


def _write(session: Session, day: Day, technician_id: int) -> None:
    write_routes(session, day, [day.plan.route_of(shift_id(technician_id))])


def plannable_visits(session: Session, names: Collection[str]) -> dict[str, Visit]:
    """The visits behind these names that have not begun."""
    found = session.scalars(
        select(Visit).where(Visit.id.in_([row_id(name) for name in names]), Visit.state.in_(PLANNABLE))
    )
    return {visit_id(visit): visit for visit in found}


def _placed_elsewhere(session: Session, wanted: Mapping[tuple[date, int], Sequence[str]]) -> bool:
    """Whether a visit of these orders has come to a route that is not one of them."""
    ids = [row_id(name) for names in wanted.values() for name in names if name[0] == "v"]
    places = session.execute(
        select(Plan.on, Stop.technician_id)
        .join(Route, Route.plan_id == Plan.id)
        .join(Stop, Stop.route_id == Route.id)
        .where(Stop.visit_id.in_(ids))
    )
    return any((on, technician) not in wanted for on, technician in places)
