"""Windows that can be kept once others have moved, and the booking that adopts both at once.

Nobody's promise breaks: who moves stays inside the window that they were told, with a qualified technician.
What is pinned, begun or reserved for a customer who is booking now stays where it is, and so does a day whose
technicians have been told their routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import TravelTable
from fieldservice.models import BookingDraft, Hold, Stop, Visit, Window
from fieldservice.planning.history import audit
from fieldservice.planning.judge import Shifted
from fieldservice.planning.limits import bookable_windows
from fieldservice.planning.problem import Day, StaleTravel, build, hold_id, row_id, visit_id
from fieldservice.planning.rows import DayRows, load_day
from fieldservice.planning.service import (
    Ask,
    Slot,
    SlotTaken,
    add_hold,
    ask_of,
    lock_territory,
    release_hold,
    release_visit,
)
from fieldservice.planning.store import write_routes
from fieldservice.planning.travel import table_of
from scheduler import timeline
from scheduler.repair import Rearrange, RepairedPlace, repair

REPAIR_S = 1.0
"""Seconds in which a worker makes room on a day."""
WAITED_FOR_S = 0.7
"""The same in a web process: the page has a second for all of it."""
_WISH = "wish"


@dataclass(frozen=True)
class Room:
    """A window that can be kept once others have moved.

    `moves` are the visits whose technician or start changes. `orders` is what each technician of a changed
    route would do, and `seen` the version that each of these routes had.
    """

    slot: Slot
    moves: tuple[Shifted, ...]
    changed_technician: frozenset[int]
    orders: Mapping[str, tuple[str, ...]]
    seen: Mapping[int, int]


@dataclass(frozen=True)
class RoomsOfDay:
    """Rooms in order of time; `more`: windows are left and somebody can, so a longer search may help."""

    rooms: tuple[Room, ...]
    more: bool


def repair_slots(
    session: Session,
    ask: Ask,
    on: date,
    *,
    now: datetime,
    tables: TravelTables,
    without: Iterable[str] = (),
    search: bool = False,
) -> RoomsOfDay:
    """The windows of a day that `slots` does not offer, and that can be kept once others have moved.

    In order of time. `without` names what the customer already has and would give up. `search` also looks
    for what simple moves cannot do; it is compiled, and never for a web process, where a customer waits.
    """
    rows = load_day(session, ask.territory, on, now=now)
    windows = bookable_windows(session, ask.service, rows, without=without, also=ask.also)
    if not windows or is_settled(rows) or ask.crew > 1:  # nobody moves for a crew
        return RoomsOfDay((), more=False)
    day = build(rows, table_of(tables, rows, [ask.place]), without=without)
    return _rooms(day, ask, windows, search=search)


def room_for(
    session: Session,
    ask: Ask,
    window: Window,
    *,
    now: datetime,
    tables: TravelTables,
    without: Iterable[str] = (),
) -> Room | None:
    """Room for one window as of now; None when there is none, or when it can be kept as it is."""
    on = ask.territory.local_day(window.starts_at)
    rows = load_day(session, ask.territory, on, now=now)
    if window not in bookable_windows(session, ask.service, rows, without=without, also=ask.also) or (
        is_settled(rows) or ask.crew > 1
    ):
        return None
    day = build(rows, table_of(tables, rows, [ask.place]), without=without)
    return next(iter(_rooms(day, ask, [window], search=False).rooms), None)


def is_settled(rows: DayRows) -> bool:
    """Whether the technicians of a day know their routes: then nothing moves without a dispatcher."""
    return rows.plan is not None and rows.plan.dispatched_at is not None


def book_room(
    session: Session,
    visit: Visit,
    room: Room,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> Stop:
    """Move who makes room, give the visit its stop and promise its window, all or nothing.

    Raises SlotTaken when one of the routes changed since the room was found or it does not hold any more,
    NotAllowed when the visit has begun, StaleTravel when `tables` miss a place.
    """
    window, ask = room.slot.window, ask_of(visit)
    if ask is None:
        raise SlotTaken(window)
    lock_territory(session, visit.territory)
    on = ask.territory.local_day(window.starts_at)
    name, rows = visit_id(visit), load_day(session, ask.territory, on, now=now)
    require_unchanged(session, rows, ask, room, without=[name])
    release_visit(session, visit, tables=tables, now=now)
    adopt_room(session, ask, room, name, tables=tables, now=now, actor=actor)
    visit.pin = None
    visit.promise(window, now=now, actor=actor)
    session.flush()
    return session.scalars(select(Stop).where(Stop.visit_id == visit.id)).one()


def hold_room(
    session: Session,
    draft: BookingDraft,
    ask: Ask,
    room: Room,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    until: datetime,
) -> Hold:
    """Move who makes room and reserve the window for a draft until `until`, in place of what it held.

    Who moved stays there when the hold runs out. Raises SlotTaken, StaleTravel.
    """
    window = room.slot.window
    lock_territory(session, ask.territory)
    on = ask.territory.local_day(window.starts_at)
    rows = load_day(session, ask.territory, on, now=now)
    old = session.scalar(select(Hold).where(Hold.draft_id == draft.id))
    require_unchanged(session, rows, ask, room, without=[hold_id(old)] if old else [])
    if old is not None:
        release_hold(session, old, tables=tables, now=now)
    hold = add_hold(session, draft, ask, window, until=until)
    adopt_room(session, ask, room, hold_id(hold), tables=tables, now=now, actor="customer")
    return hold


def require_unchanged(
    session: Session, rows: DayRows, ask: Ask, room: Room, *, without: Iterable[str] = ()
) -> None:
    """Refuse a room whose routes somebody touched since it was found. Raises SlotTaken."""
    window = room.slot.window
    touched = any(rows.version(key) != version for key, version in room.seen.items())
    allowed = bookable_windows(session, ask.service, rows, without=without, also=ask.also)
    if touched or is_settled(rows) or window not in allowed:
        raise SlotTaken(window)


def adopt_room(
    session: Session,
    ask: Ask,
    room: Room,
    name: str,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> None:
    """Write the changed routes, with a visit or a hold of this name in the room; the territory is locked.

    The routes are timed and judged as the rows are now. Raises SlotTaken, StaleTravel.
    """
    window = room.slot.window
    on = ask.territory.local_day(window.starts_at)
    if on not in tables:
        raise StaleTravel
    day = build(load_day(session, ask.territory, on, now=now), tables[on], without=[name])
    day = day.adding(ask.visit(day, name, window))
    routes = _timed(day, room, name)
    if routes is None:
        raise SlotTaken(window)
    write_routes(session, day, routes)
    detail = {"window": window.starts_at.isoformat(), "moved": sorted(each.visit_id for each in room.moves)}
    subject = row_id(name) if name.startswith("v") else None
    session.add(audit("repair", subject, detail, now=now, actor=actor))


def _timed(day: Day, room: Room, name: str) -> list[scheduler.Route] | None:
    """The changed routes as of now; None unless they keep every visit of theirs, every rule and promise."""
    orders = {
        shift: [name if each == _WISH else each for each in names] for shift, names in room.orders.items()
    }
    if not orders.keys() <= day.problem.shift_by_id.keys():
        return None
    before = [each for shift in orders for each in day.plan.route_of(shift).visit_ids]
    if sorted([*before, name]) != sorted(each for names in orders.values() for each in names):
        return None
    routes = [timeline.schedule(day.problem, shift, names) for shift, names in orders.items()]
    timed = [route for route in routes if route is not None]
    if len(timed) < len(routes) or scheduler.check(day.problem, scheduler.Plan(routes=tuple(timed))):
        return None
    return timed


def _rooms(day: Day, ask: Ask, windows: Sequence[Window], *, search: bool) -> RoomsOfDay:
    rearrange: Rearrange | None = None
    if search:
        from scheduler.engines.rearrange import rearranged  # the compiler is slow to load

        rearrange = rearranged
    spans = [(day.seconds(window.starts_at), day.seconds(window.ends_at)) for window in windows]
    wish = ask.visit(day, _WISH, windows[0])
    seconds = REPAIR_S if search else WAITED_FOR_S
    places = repair(day.problem, day.plan, wish, spans, seconds=seconds, rearrange=rearrange)
    rooms = tuple(
        _room(day, ask, window, place)
        for window, place in zip(windows, places, strict=True)
        if place is not None and not _is_free(day, place)
    )
    skilled = any(
        all(shift.skills.get(skill, 0) >= level for skill, level in wish.skills.items())
        for shift in day.problem.shifts
    )
    return RoomsOfDay(rooms, more=skilled and None in places and not search)


def _is_free(day: Day, place: RepairedPlace) -> bool:
    """Whether the visit fits as the routes are: `slots` offers that already."""
    if len(place.routes) > 1:
        return False
    others = tuple(name for name in place.routes[0].visit_ids if name != _WISH)
    return others == day.plan.route_of(place.shift).visit_ids


def _room(day: Day, ask: Ask, window: Window, place: RepairedPlace) -> Room:
    slot = Slot(
        window=window,
        technician_id=row_id(place.technician),
        starts_at=day.instant(place.start_s),
        added_travel=timedelta(seconds=place.added_travel_s),
        estimated=bool(day.table.estimated_cells[day.location(ask.place)].any()),
    )
    moved = [move for move in place.moves if move.visit.startswith("v")]
    return Room(
        slot=slot,
        moves=tuple(
            Shifted(row_id(move.visit), day.instant(move.from_start_s), day.instant(move.to_start_s))
            for move in moved
        ),
        changed_technician=frozenset(
            row_id(move.visit) for move in moved if move.from_shift != move.to_shift
        ),
        orders={route.shift: route.visit_ids for route in place.routes},
        seen={row_id(route.shift): day.rows.version(row_id(route.shift)) for route in place.routes},
    )
