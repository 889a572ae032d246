"""What the board's views share: whose day it is, which visit, POSTs with travel times fetched before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import cast

from flask import Response, abort, g, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import service
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Plan, PlanChange, Technician, Territory, UserRole, Visit
from fieldservice.planning.problem import Day, build, row_id, visit_id
from fieldservice.planning.rows import load_day, visit_place
from fieldservice.planning.service import days_of_visit
from fieldservice.planning.travel import table_of, with_travel

_FLASHES = "_flashes"  # where Flask keeps what `flash` was told

type Tables = Mapping[date, TravelTable]
type Work = Callable[[Session, Tables], ResponseReturnValue]


class NoTerritory(Exception):
    """The company has not been set up yet, so there is no board."""


staff = auth.require(UserRole.DISPATCHER, UserRole.ADMIN)


def territory_of(session: Session) -> Territory:
    """The territory that the board shows: the one asked for or the first. Raises NoTerritory without any."""
    asked = request.args.get("territory", type=web.row_of)
    query = select(Territory).where(Territory.active).order_by(Territory.id)
    if asked:
        return session.scalar(query.where(Territory.id == asked)) or abort(404)
    first = session.scalar(query.limit(1))
    if first is None:
        raise NoTerritory
    return first


def as_list() -> bool:
    """Whether the day is looked at as a list."""
    return request.args.get("view") == "list"


def kept_arguments() -> dict[str, str]:
    """What of the present address the links of the board keep: the territory, and how the list is shown."""
    if "kept_arguments" not in g:
        g.kept_arguments = _kept_arguments()  # a list has some thousand links
    return cast(dict[str, str], g.kept_arguments)


def _kept_arguments() -> dict[str, str]:
    territory = request.args.get("territory", type=web.row_of)
    names = ("view", "show", "who", "what", "find", "sort") if as_list() else ()
    kept = {name: request.args[name][:80] for name in names if request.args.get(name)}
    return kept | ({"territory": str(territory)} if territory else {})


def visit_of(session: Session, number: int) -> Visit:
    """The visit with this number; 404 for none."""
    return session.get(Visit, number) or abort(404)


def technician_of(session: Session, number: int) -> Technician:
    """The active technician with this number; 404 for none."""
    found = session.get(Technician, number) if number <= web.MAX_ROW else None
    return found if found is not None and found.active else abort(404)


def shown_on(session: Session, visit: Visit) -> date:
    """The day on whose board a visit is found."""
    days = days_of_visit(visit)
    return days[0] if days else service.wanted_day(visit, now=clock.now())


def day_of(session: Session, territory: Territory, on: date, *, without: Visit | None = None) -> Day:
    """A day as of now; `without` a visit that is to be placed on it, whose place its travel times cover."""
    rows = load_day(session, territory, on, now=clock.now())
    place = visit_place(without) if without else None
    table = table_of(web.services().tables, rows, [place] if place else [])
    return build(rows, table, without=[visit_id(without)] if without else [])


def once(work: Callable[[Session], ResponseReturnValue]) -> Response:
    """A POST's work in one transaction; the same form again changes nothing.

    The transaction may be tried again, or fail: what a try said that was not stored is forgotten.
    """
    said = list(cookie.get(_FLASHES, []))

    def anew(session: Session) -> ResponseReturnValue:
        cookie[_FLASHES] = list(said)
        return work(session)

    try:
        return web.once(anew, now=clock.now(), scope=f"user:{auth.actor().id}")
    except Exception:
        cookie[_FLASHES] = said
        raise


def change_visit(number: int, days: Iterable[date], work: Work) -> ResponseReturnValue:
    """Work that takes a visit from its present day to others."""
    with web.services().db.reading() as session:
        visit = visit_of(session, number)
        place = visit_place(visit)
        wanted = [*days, shown_on(session, visit)]
        territory_id = visit.territory_id
    return with_tables(territory_id, wanted, work, places=[place] if place else [])


def change_back(number: int, work: Work) -> ResponseReturnValue:
    """Work that brings back what was before a change of the plan."""
    with web.services().db.reading() as session:
        change = session.get(PlanChange, number) or abort(404)
        plan = session.get_one(Plan, change.plan_id)
        territory_id, on = plan.territory_id, plan.on
        routes = change.before["routes"]
        ids = [row_id(name) for route in routes for name in route["visits"] if name[0] in "vc"]
        found = session.scalars(select(Visit).where(Visit.id.in_(ids)))
        places = [place for visit in found if (place := visit_place(visit))]
    days = [on, *(date.fromisoformat(route["on"]) for route in routes)]
    return with_tables(territory_id, days, work, places=places)


def with_tables(
    territory_id: int, days: Iterable[date], work: Work, *, places: Iterable[Coordinates] = ()
) -> ResponseReturnValue:
    """`once` for work that needs travel times, which are fetched before its transaction begins."""
    joined = web.services()
    return with_travel(
        joined.db,
        joined.tables,
        territory_id,
        days,
        list(places),
        now=clock.now(),
        work=lambda tables: once(lambda session: work(session, tables)),
    )
