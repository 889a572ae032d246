"""Visits that two or three technicians make together: how many, who, and from when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from flask import Blueprint, flash, redirect, render_template
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, service
from fieldservice.dispatch.action_views import UNDO
from fieldservice.dispatch.crew_forms import CrewForm
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.pages import frame
from fieldservice.dispatch.wording import Broken
from fieldservice.models import Visit
from fieldservice.planning import changes, judge
from fieldservice.planning.problem import Day

bp = Blueprint("crew", __name__)


@bp.route("/<day:on>/visits/<int:visit_id>/crew", methods=["GET", "POST"])
@staff
def show(on: date, visit_id: int) -> ResponseReturnValue:
    """Say how many make a visit, and who comes; those who are left open are found."""
    form = CrewForm()
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        day = edge.day_of(session, visit.territory, on)
        form.who.choices = _working(day)
        if not form.is_submitted():
            _as_it_is(form, visit)
    if not form.is_submitted():
        return _page(form, on, visit_id)
    if not form.validate():
        return _page(form, on, visit_id), 422
    try:
        return edge.change_visit(visit_id, [on], partial(_change, form, on, visit_id))
    except judge.RuleBroken as error:
        return _page(form, on, visit_id, error.violations), 422
    except changes.NeedsConfirmation as error:
        form.reason.errors = [_("Say why, so that others understand it later.")]
        return _page(form, on, visit_id, error.judgement.soft, asks=True), 422


def _change(form: CrewForm, on: date, visit_id: int, session: Session, tables: Tables) -> ResponseReturnValue:
    visit = edge.visit_of(session, visit_id)
    lead = visit.stop.technician_id if visit.stop else None
    move = form.move(visit.territory, on, lead)
    now, actor, version = clock.now(), auth.actor().label, form.plan_version.data
    if move is None:
        changes.change_crew(
            session, visit, form.size, on=on, plan_version=version, tables=tables, now=now, actor=actor
        )
        flash(_("Noted. Place the visit, and as many technicians are found for it."), UNDO)
    else:
        confirmed = bool(form.reason.data)
        service.place_visit(
            session,
            visit,
            move,
            plan_version=version,
            confirmed=confirmed,
            tables=tables,
            now=now,
            actor=actor,
        )
        session.expire(visit, ["stop", "crew_stops"])
        names = [technician.name for technician in visit.made_by]
        start = web.clock_time(visit.stop.starts_at, visit.territory.zone) if visit.stop else ""
        flash(_("%(names)s begin at %(time)s.", names=", ".join(names), time=start), UNDO)
    return redirect(url("dispatch.day", on=on, visit=visit.id), code=303)


def _working(day: Day) -> list[tuple[str, str]]:
    """Those who work on the day."""
    entries = [entry for entry in day.rows.technicians if entry.working_day is not None]
    return [(str(entry.technician.id), entry.technician.name) for entry in entries]


def _as_it_is(form: CrewForm, visit: Visit) -> None:
    form.people.data = str(visit.crew)
    form.who.data = [str(technician.id) for technician in visit.made_by]
    if visit.stop is not None:
        form.start.data = visit.stop.starts_at.astimezone(visit.territory.zone).time()


def _page(
    form: CrewForm, on: date, visit_id: int, broken: Sequence[Broken] = (), *, asks: bool = False
) -> str:
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        day = edge.day_of(session, visit.territory, on)
        return render_template(
            "board/crew.html", visit=visit, form=form, broken=broken, asks=asks, **frame(day)
        )
