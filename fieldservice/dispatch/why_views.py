"""What lets a visit in that has no place: somebody works longer, or its customer takes another window."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, letting_in, pages, service
from fieldservice.dispatch.action_views import UNDO
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.forms import BoardForm
from fieldservice.dispatch.letting_in import End, Longer
from fieldservice.dispatch.why_forms import AskForm, LetInForm
from fieldservice.models import NoShift, Technician, Visit, Window
from fieldservice.planning import asking, judge
from fieldservice.planning.service import SlotTaken

bp = Blueprint("why", __name__)


@bp.post("/<day:on>/let-in")
@staff
def let_in(on: date) -> ResponseReturnValue:
    """Somebody works longer on this day, and the visit has its place."""
    form = LetInForm()
    if not form.validate():
        abort(422)
    try:
        return edge.change_visit(form.visit.data, [on], partial(_let_in, form, on))
    except (judge.RuleBroken, NoShift) as error:
        with web.services().db.reading() as session:
            territory = edge.visit_of(session, form.visit.data).territory
            broken = getattr(error, "violations", ())
            return pages.refused_page(session, territory, on, broken), 422


def _let_in(form: LetInForm, on: date, session: Session, tables: Tables) -> ResponseReturnValue:
    visit = edge.visit_of(session, form.visit.data)
    technician = edge.technician_of(session, form.technician.data)
    change = letting_in.let_in(
        session,
        visit,
        Longer(technician, on, End(form.longer.data), form.by),
        plan_version=form.plan_version.data,
        tables=tables,
        now=clock.now(),
        actor=auth.actor().label,
    )
    _tell_let_in(visit, technician, form, service.start_of(change))
    return redirect(url("dispatch.day", on=on, visit=visit.id), code=303)


def _tell_let_in(visit: Visit, technician: Technician, form: LetInForm, starts_at: datetime) -> None:
    said = {
        "name": technician.name,
        "time": web.clock_time(starts_at, visit.territory.zone),
        "length": web.minutes_words(form.by),
    }
    if form.longer.data == End.OVERTIME:
        flash(_("%(name)s may work %(length)s more overtime and comes at %(time)s.", **said), UNDO)
    else:
        flash(_("The shift of %(name)s ends %(length)s later; they come at %(time)s.", **said), UNDO)


@bp.route("/visits/<int:visit_id>/ask", methods=["GET", "POST"])
@staff
def ask(visit_id: int) -> ResponseReturnValue:
    """The windows that a customer could choose from, then the message that offers them."""
    form = AskForm()
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        windows = _windows(session, visit)
        form.among(windows, visit.territory)
        if not form.validate_on_submit():
            return _ask_page(session, visit, form, windows), 422 if form.errors else 200
        chosen = form.chosen(windows)
        days = [visit.territory.local_day(window.starts_at) for window in chosen]
    try:
        return edge.change_visit(visit_id, days, partial(_ask, visit_id, chosen))
    except SlotTaken:
        return _gone(visit_id, form)


def _ask(visit_id: int, windows: list[Window], session: Session, tables: Tables) -> ResponseReturnValue:
    visit = edge.visit_of(session, visit_id)
    asking.offer_windows(
        session,
        visit,
        windows,
        tables=tables,
        now=clock.now(),
        until=_until(),
        actor=auth.actor().label,
    )
    until = web.clock_time(_until(), visit.territory.zone)
    name = visit.work_order.customer.name
    flash(_("%(name)s is asked. The windows are reserved until %(time)s.", name=name, time=until))
    return redirect(url("dispatch.day", on=edge.shown_on(session, visit), visit=visit.id), code=303)


@bp.post("/visits/<int:visit_id>/ask/withdraw")
@staff
def withdraw(visit_id: int) -> ResponseReturnValue:
    """Take the question back; the windows are free again."""
    if not BoardForm().validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        visit = edge.visit_of(session, visit_id)
        asking.withdraw(session, visit, now=clock.now())
        flash(_("The windows are free again."))
        return redirect(url("dispatch.day", on=edge.shown_on(session, visit), visit=visit.id), code=303)

    return edge.once(work)


def _until() -> datetime:
    return clock.now() + timedelta(minutes=web.services().settings.offer_minutes)


def _windows(session: Session, visit: Visit) -> list[Window]:
    tables = web.services().tables
    return asking.windows_to_offer(session, visit, tables=tables, now=clock.now(), until=_until())


def _gone(visit_id: int, form: AskForm) -> ResponseReturnValue:
    """One of the windows was booked meanwhile: what is free now, and nothing chosen."""
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        windows = _windows(session, visit)
        form.among(windows, visit.territory)
        form.windows.data = []
        form.windows.errors = [_("One of these windows was booked meanwhile. These are free now.")]
        return _ask_page(session, visit, form, windows), 409


def _ask_page(session: Session, visit: Visit, form: AskForm, windows: list[Window]) -> str:
    return render_template(
        "board/ask.html",
        visit=visit,
        form=form,
        windows=windows,
        on=edge.shown_on(session, visit),
        zone=visit.territory.zone,
        until=web.clock_time(_until(), visit.territory.zone),
    )
