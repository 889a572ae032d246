"""What can be offered to a customer, and how an offer becomes a promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from geopy.distance import great_circle
from sqlalchemy import ColumnElement, delete, or_, select
from sqlalchemy.orm import Session

import scheduler
from fieldservice import counted
from fieldservice.db import lock_rows, lock_technicians
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import (
    BookingDraft,
    Hold,
    Plan,
    Route,
    Stop,
    Technician,
    Territory,
    Visit,
    Window,
    WorkingDay,
)
from fieldservice.planning.ask import Ask as Ask
from fieldservice.planning.ask import ask_for as ask_for
from fieldservice.planning.ask import ask_of as ask_of
from fieldservice.planning.kept import AskedDay, asked_days
from fieldservice.planning.limits import bookable_windows, full_days
from fieldservice.planning.offers import DayOffer as DayOffer
from fieldservice.planning.offers import Slot as Slot
from fieldservice.planning.problem import (
    Day,
    StaleTravel,
    build,
    hold_id,
    shift_id,
    visit_id,
)
from fieldservice.planning.rows import load_day
from fieldservice.planning.store import write_routes
from fieldservice.planning.teams import Team, find_team, first_place, parts_for, routes_together
from fieldservice.planning.windows import open_for_all, windows_on
from scheduler.insertion import Board, Place, place


class SlotTaken(Exception):
    """The window can no longer be reached by a qualified technician."""

    def __init__(self, window: Window) -> None:
        super().__init__(f"no technician can come between {window.starts_at} and {window.ends_at}")
        self.window = window
        counted.conflicts.labels("slot_taken").inc()  # here, as each page says it in its own words


def territory_at(session: Session, at: Coordinates) -> Territory | None:
    """The territory that serves a place; None outside the area."""
    found = session.scalars(select(Territory).where(Territory.active).order_by(Territory.id)).all()
    distances = [
        (great_circle((at.lat, at.lon), (territory.centre_lat, territory.centre_lon)).meters, territory)
        for territory in found
    ]
    inside = [(metres, territory) for metres, territory in distances if metres <= territory.radius_m]
    return min(inside, key=lambda entry: entry[0])[1] if inside else None


def offered_days(ask: Ask, *, now: datetime) -> list[date]:
    """The days that the service's horizon lets a customer choose from."""
    today = ask.territory.local_day(now)
    return [today + timedelta(days=offset) for offset in range(ask.service.horizon_days + 1)]


def slots(
    session: Session,
    ask: Ask,
    days: Sequence[date],
    *,
    now: datetime,
    tables: TravelTables,
    without: Iterable[str] = (),
) -> dict[date, DayOffer]:
    """For each day the windows that can be kept on the stored routes, in order of time.

    `without` names what the customer already has (`visit_id`, `hold_id`) and would give up.
    """
    offers: dict[date, DayOffer] = {}
    without = list(without)
    full = {
        on
        for service in (ask.service, *ask.also)
        for on in full_days(session, service, ask.territory, days, now=now, without=without)
    }

    def windows_of(on: date, working: Sequence[WorkingDay]) -> list[Window]:
        found = windows_on(ask.service, ask.territory, on, working, now=now)
        return open_for_all(ask.also, ask.territory, on, found, now=now)

    asked = asked_days(
        session,
        ask.territory,
        days,
        now=now,
        tables=tables,
        wanted=lambda on, working: bool(windows_of(on, working)),
        without=without,
    )
    for on in days:
        day = asked.get(on)
        windows = windows_of(on, day.working) if day is not None else []
        found: list[Slot] = []
        if day is not None and windows and on not in full:
            if ask.crew > 1:
                found = _crew_slots(day.at(ask.place, tables), ask, windows, without)
            else:
                found = _day_slots(day, ask, windows, tables)
        offers[on] = DayOffer(on, tuple(found), closed=not windows)
    return offers


def _day_slots(asked: AskedDay, ask: Ask, windows: Sequence[Window], tables: TravelTables) -> list[Slot]:
    day = asked.day
    wish = ask.visit(day, "wish", windows[0], location=asked.somewhere)
    spans = [(day.seconds(window.starts_at), day.seconds(window.ends_at)) for window in windows]
    places = asked.cheapest(wish, spans, ask.place, tables)
    return [
        _slot(day, window, found.place, estimated=found.estimated)
        for window, found in zip(windows, places, strict=True)
        if found is not None
    ]


def _crew_slots(day: Day, ask: Ask, windows: Sequence[Window], without: Sequence[str]) -> list[Slot]:
    """The windows in which a crew can begin together, with the one that drives least."""
    estimated = bool(day.table.estimated_cells[day.location(ask.place)].any())
    given_up = next((name for name in without if name in day.problem.visit_by_id), None)
    board = Board(day.problem, day.plan, without=given_up)
    found = []
    for window in windows:
        team = find_team(day, ask.visit(day, "wish", window), (), None, board)
        if team is not None:
            added = timedelta(seconds=team.added_s)
            start = day.instant(team.start_s)
            found.append(Slot(window, team.technicians[0], start, added, estimated))
    return found


def _slot(day: Day, window: Window, best: Place, *, estimated: bool) -> Slot:
    return Slot(
        window=window,
        technician_id=int(best.technician[1:]),
        starts_at=day.instant(best.start_s),
        added_travel=timedelta(seconds=best.added_travel_s),
        estimated=estimated,
    )


def days_of_visit(visit: Visit) -> list[date]:
    """The days whose routes change when the visit is moved or cancelled."""
    return [] if visit.stop is None else [visit.stop.route.plan.on]


def days_of_hold(hold: Hold | None, territory: Territory) -> list[date]:
    """The day whose route changes when a hold is given back."""
    return [] if hold is None else [territory.local_day(hold.window_starts_at)]


def hold_slot(
    session: Session,
    draft: BookingDraft,
    ask: Ask,
    window: Window,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    until: datetime,
) -> Hold:
    """Reserve a window for a draft until `until`, in place of what it held before.

    It stands in a route as a stop, in that of each of a crew: nobody else is offered what it takes. Raises
    SlotTaken, StaleTravel.
    """
    lock_territory(session, ask.territory)
    old = session.scalar(select(Hold).where(Hold.draft_id == draft.id))
    if old is not None:
        release_hold(session, old, tables=tables, now=now)
    day = _offered_day(session, ask, window, tables, now)  # before anything is written that would be undone
    hold = add_hold(session, draft, ask, window, until=until)
    _insert(session, day, ask.visit(day, hold_id(hold), window), window)
    return hold


def add_hold(session: Session, draft: BookingDraft, ask: Ask, window: Window, *, until: datetime) -> Hold:
    """A hold that has no stop yet."""
    hold = Hold(
        draft_id=draft.id,
        territory_id=ask.territory.id,
        service_id=ask.service.id,
        lat=ask.place.lat,
        lon=ask.place.lon,
        window_starts_at=window.starts_at,
        window_ends_at=window.ends_at,
        expires_at=until,
        crew=ask.crew,
    )
    session.add(hold)
    session.flush()
    return hold


def book_visit(
    session: Session,
    visit: Visit,
    window: Window,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
    hold: Hold | None = None,
    only_technician_id: int | None = None,
) -> Stop:
    """Give the visit a stop inside the window and promise the window to the customer.

    Looks again at what is stored now, with the technicians locked. What the visit or its hold occupied before
    is given back in the same transaction. `only_technician_id` is who has to come. Raises SlotTaken when
    nobody can keep the window any more, NotAllowed when the visit has begun, StaleTravel when `tables` miss
    a place.
    """
    ask = ask_of(visit)
    if ask is None:
        raise SlotTaken(window)
    ask = ask.of(only_technician_id)
    lock_territory(session, visit.territory)
    if hold is not None:
        release_hold(session, hold, tables=tables, now=now)
    release_visit(session, visit, tables=tables, now=now)
    rows = load_day(session, visit.territory, visit.territory.local_day(window.starts_at), now=now)
    name = visit_id(visit)
    allowed = bookable_windows(session, visit.service, rows, without=[name], also=ask.also)
    if hold is None and window not in allowed:
        raise SlotTaken(window)
    day = build(rows, _table(tables, rows.on), without=[name])
    _insert(session, day, ask.visit(day, name, window), window)
    visit.pin = None
    visit.promise(window, now=now, actor=actor)
    session.flush()
    return session.scalars(select(Stop).where(Stop.visit_id == visit.id)).one()


def release_visit(
    session: Session, visit: Visit, *, tables: Mapping[date, TravelTable], now: datetime
) -> None:
    """Take the visit out of its route, if it is on one; later stops are timed anew. Raises StaleTravel."""
    lock_territory(session, visit.territory)
    its = or_(Stop.visit_id == visit.id, Stop.crew_visit_id == visit.id)
    _take_out(session, visit.territory, its, visit_id(visit), tables, now)


def release_hold(session: Session, hold: Hold, *, tables: Mapping[date, TravelTable], now: datetime) -> None:
    """Give back what a hold reserved. Raises StaleTravel."""
    territory = session.get_one(Territory, hold.territory_id)
    lock_territory(session, territory)
    _take_out(session, territory, Stop.hold_id == hold.id, hold_id(hold), tables, now)
    session.delete(hold)
    session.flush()


def drop_expired_holds(session: Session, *, now: datetime) -> int:
    """Remove holds that ran out; what they reserved was free from that moment. Returns how many."""
    expired = select(Hold.id).where(Hold.expires_at <= now)
    theirs = select(Stop.technician_id).where(Stop.hold_id.in_(expired))
    lock_technicians(session, session.scalars(theirs).all())
    ids = session.scalars(expired).all()
    session.execute(delete(Stop).where(Stop.hold_id.in_(ids)))
    session.execute(delete(Hold).where(Hold.id.in_(ids)))
    return len(ids)


def lock_territory(session: Session, territory: Territory) -> None:
    """Lock a territory and its technicians, in order; what is read afterwards stays true.

    The territory's own row stands for a day that has no technician yet.
    """
    lock_rows(session, "territory", [territory.id])
    ids = session.scalars(select(Technician.id).where(Technician.territory_id == territory.id)).all()
    lock_technicians(session, ids)


def _take_out(
    session: Session,
    territory: Territory,
    which: ColumnElement[bool],
    name: str,
    tables: Mapping[date, TravelTable],
    now: datetime,
) -> None:
    found = session.execute(
        select(Plan.on, Stop).join(Route, Route.plan_id == Plan.id).join(Stop).where(which)
    ).all()
    if not found:
        return
    on = found[0][0]
    day = build(load_day(session, territory, on, now=now), _table(tables, on), without=[name])
    shifts = [shift_id(stop.technician_id) for _, stop in found]
    shifts = [shift for shift in shifts if shift in day.problem.shift_by_id]
    if shifts:
        write_routes(session, day, [day.plan.route_of(shift) for shift in shifts])
    # still there when the route lost its shift, or when the hold had run out and nothing counted it any more
    session.execute(delete(Stop).where(which))


def _table(tables: Mapping[date, TravelTable], on: date) -> TravelTable:
    if on not in tables:
        raise StaleTravel
    return tables[on]


def require_slot(
    session: Session,
    ask: Ask,
    window: Window,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
) -> None:
    """Look whether somebody can keep the window. Raises SlotTaken, StaleTravel.

    With the territory locked it stays so until the transaction ends. In a reading session it sends away who
    is too late before they queue for the technicians; it promises nothing.
    """
    _offered_day(session, ask, window, tables, now)


def _offered_day(
    session: Session, ask: Ask, window: Window, tables: Mapping[date, TravelTable], now: datetime
) -> Day:
    """The day of a window that may be offered and can be kept. Raises SlotTaken, StaleTravel."""
    rows = load_day(session, ask.territory, ask.territory.local_day(window.starts_at), now=now)
    if window not in bookable_windows(session, ask.service, rows, also=ask.also):
        raise SlotTaken(window)
    day = build(rows, _table(tables, rows.on))
    _require_place(day, ask.visit(day, "wish", window), window)
    return day


def _require_place(day: Day, wish: scheduler.Visit, window: Window) -> Place | Team:
    best = first_place(day, wish)
    if best is None:
        raise SlotTaken(window)
    return best


def _insert(session: Session, day: Day, wish: scheduler.Visit, window: Window) -> None:
    best = _require_place(day, wish, window)
    if isinstance(best, Team):
        each = parts_for(wish, best.technicians)
        routes = routes_together(day, each, best.start_s)
        write_routes(session, day.adding(*each.values()), routes)
        return
    day = day.adding(wish)
    changed = place(day.problem, day.plan, wish, best)
    write_routes(session, day, [changed.route_of(best.shift)])
