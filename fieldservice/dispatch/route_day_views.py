"""A whole route goes to another day: what each day would mean is shown, then one is chosen."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge
from fieldservice.dispatch.action_views import UNDO
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.pages import frame
from fieldservice.dispatch.running_forms import RouteDayForm
from fieldservice.dispatch.wording import Wording
from fieldservice.geo.types import Coordinates
from fieldservice.models import Technician, Visit
from fieldservice.planning import judge, route_day
from fieldservice.planning.problem import Day, build, row_id
from fieldservice.planning.rows import load_day, plan_of, visit_place
from fieldservice.planning.travel import table_of

bp = Blueprint("route_day", __name__)

DAYS = 3
"""Days that are shown at once: those after the route's own."""


@bp.route("/<day:on>/technicians/<int:technician_id>/another-day", methods=["GET", "POST"])
@staff
def show(on: date, technician_id: int) -> ResponseReturnValue:
    """What the days to come would mean for what a technician has not begun; one of them is taken."""
    if request.method != "POST":
        return _page(on, technician_id)
    form = RouteDayForm()
    if not form.validate():
        abort(422)
    with web.services().db.reading() as session:
        technician = edge.technician_of(session, technician_id)
        day = edge.day_of(session, technician.territory, on)
        territory_id, places = technician.territory_id, _places(day, technician_id)
    try:
        work = partial(_move, form, on, technician_id)
        return edge.with_tables(territory_id, [on, form.to.data], work, places=places)
    except judge.RuleBroken:
        note = _("A rule would break: say why, or choose another day.")
        return _page(on, technician_id, note), 422


def _move(
    form: RouteDayForm, on: date, technician_id: int, session: Session, tables: Tables
) -> ResponseReturnValue:
    technician = edge.technician_of(session, technician_id)
    plan = plan_of(session, technician.territory, on)
    if plan is None:
        raise route_day.NothingToMove
    change = route_day.move_route(
        session,
        plan,
        route_day.Wanted(technician.id, form.to.data, form.reason.data or ""),
        plan_version=form.plan_version.data,
        tables=tables,
        now=clock.now(),
        actor=auth.actor().label,
    )
    day = web.day_words(form.to.data, short=True)
    flash(_("The route of %(name)s is on %(day)s now.", name=technician.name, day=day), UNDO)
    if told := change.summary["told"]:
        flash(ngettext("%(num)d customer is told.", "%(num)d customers are told.", told))
    return redirect(url("dispatch.day", on=on), code=303)


def _page(on: date, technician_id: int, note: str = "") -> str:
    asked = request.args.get("to", type=web.day_of)
    with web.services().db.reading() as session:
        technician = edge.technician_of(session, technician_id)
        day = edge.day_of(session, technician.territory, on)
        days = [asked] if asked else [on + timedelta(days=offset) for offset in range(1, DAYS + 1)]
        outlooks = [found for to in days if (found := _outlook(session, day, technician, to))]
        ids = [moved.visit_id for found, _ in outlooks for moved in found.visits]
        names = {visit.id: visit for visit in session.scalars(select(Visit).where(Visit.id.in_(ids)))}
        return render_template(
            "board/route_day.html",
            technician=technician,
            outlooks=outlooks,
            visits=names,
            asked=asked,
            note=note,
            **frame(day),
        )


def _outlook(
    session: Session, day: Day, technician: Technician, to: date
) -> tuple[route_day.RouteMove, Wording] | None:
    rows = load_day(session, technician.territory, to, now=clock.now())
    other = build(rows, table_of(web.services().tables, rows, _places(day, technician.id)))
    try:
        return route_day.outlook(session, day, other, technician.id), Wording(other)
    except route_day.NothingToMove:
        return None


def _places(day: Day, technician_id: int) -> list[Coordinates]:
    visits = [day.visits[row_id(name)] for name in route_day.movable(day, technician_id)]
    return [place for visit in visits if (place := visit_place(visit))]


@bp.errorhandler(route_day.NothingToMove)
def _nothing(_error: Exception) -> ResponseReturnValue:
    return render_template("board/stale.html"), 409
