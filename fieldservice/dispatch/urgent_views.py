"""A visit that takes longer, and one to which somebody has to come at once: shown first, then done."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, service
from fieldservice.dispatch.action_views import UNDO
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.pages import frame
from fieldservice.dispatch.running_forms import WITHIN, EmergencyForm, OverrunForm
from fieldservice.models import Technician, VisitState
from fieldservice.planning import changes, emergency, judge, overrun

bp = Blueprint("urgent", __name__)


@bp.route("/visits/<int:visit_id>/overrun", methods=["GET", "POST"])
@staff
def longer(visit_id: int) -> ResponseReturnValue:
    """What a quarter, half or whole hour more would do to the rest of the route; one of them is planned."""
    if request.method == "POST":
        return _extend(visit_id)
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        day = edge.day_of(session, visit.territory, edge.shown_on(session, visit))
        underway = visit.state == VisitState.ON_SITE
        choices = [timedelta(minutes=minutes) for minutes in (15, 30, 60)]
        return render_template(
            "board/overrun.html",
            visit=visit,
            outlooks=[(extra, overrun.outlook(day, visit, extra)) for extra in choices] if underway else [],
            **frame(day),
        )


def _extend(visit_id: int) -> ResponseReturnValue:
    form = OverrunForm()
    if not form.validate():
        abort(422)

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        visit = edge.visit_of(session, visit_id)
        late = overrun.extend_visit(
            session,
            visit,
            form.extra,
            plan_version=form.plan_version.data,
            tables=tables,
            now=clock.now(),
            actor=auth.actor().label,
        )
        _tell_longer(form.extra, len(late))
        return redirect(url("dispatch.day", on=edge.shown_on(session, visit)), code=303)

    return edge.change_visit(visit_id, [], work)


def _tell_longer(extra: timedelta, late: int) -> None:
    flash(_("Planned %(minutes)s longer.", minutes=web.minutes_words(extra)))
    if late:
        one = "%(num)d promise would break: a plan is on its way."
        flash(ngettext(one, "%(num)d promises would break: a plan is on its way.", late))


@bp.route("/visits/<int:visit_id>/emergency", methods=["GET", "POST"])
@staff
def who(visit_id: int) -> ResponseReturnValue:
    """The best three who can be there in time, and what each would have to leave; one of them is sent."""
    if request.method == "POST":
        return _sent(visit_id)
    asked = request.args.get("minutes", type=web.row_of)
    return _who(visit_id, asked if asked in WITHIN else 60)


def _who(visit_id: int, minutes: int, note: str = "") -> str:
    now = clock.now()
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        day = edge.day_of(session, visit.territory, visit.territory.local_day(now), without=visit)
        can = service.can_be_placed(visit)
        found = emergency.options(day, visit, timedelta(minutes=minutes)) if can else []
        return render_template(
            "board/emergency.html",
            visit=visit,
            minutes=minutes,
            choices=WITHIN,
            options=[(option, json.dumps(option.orders)) for option in found],
            now=now,
            note=note,
            **frame(day),
        )


def _sent(visit_id: int) -> ResponseReturnValue:
    form = EmergencyForm()
    if not form.validate():
        abort(422)
    with web.services().db.reading() as session:
        today = edge.visit_of(session, visit_id).territory.local_day(clock.now())
    minutes = int(form.minutes.data)
    try:
        return edge.change_visit(visit_id, [today], partial(_send, form, visit_id))
    except changes.StalePlan:
        return _who(visit_id, minutes, _("Somebody changed the plan meanwhile. These are the ways now.")), 409
    except judge.RuleBroken:
        return _who(visit_id, minutes, _("That is no longer possible. These are the ways now.")), 422


def _send(form: EmergencyForm, visit_id: int, session: Session, tables: Tables) -> ResponseReturnValue:
    visit = edge.visit_of(session, visit_id)
    change = emergency.take(
        session,
        visit,
        form.choice(),
        plan_version=form.plan_version.data,
        tables=tables,
        now=clock.now(),
        actor=auth.actor().label,
    )
    technician = session.get_one(Technician, form.technician.data)
    starts = web.clock_time(service.start_of(change), visit.territory.zone)
    flash(_("%(name)s comes at %(time)s.", name=technician.name, time=starts), UNDO)
    if told := change.summary["told"]:
        flash(ngettext("%(num)d other customer is told.", "%(num)d other customers are told.", told))
    today = visit.territory.local_day(service.start_of(change))
    return redirect(url("dispatch.day", on=today, visit=visit.id), code=303)
