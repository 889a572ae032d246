"""What a dispatcher does on the board. Each POST changes one thing and leads back to the board."""

from __future__ import annotations

from datetime import date
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, pages, service, undoing
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.forms import BoardForm, LocateForm, MoveForm, PinForm, PlanForm
from fieldservice.dispatch.pages import Refused
from fieldservice.geo.types import Coordinates
from fieldservice.models import Plan, PlanChange, Technician, Territory, Visit
from fieldservice.planning import changes, judge

bp = Blueprint("actions", __name__)

UNDO = "undo"  # the category of messages beside which the change can be undone


@bp.post("/<day:on>/move")
@staff
def move(on: date) -> ResponseReturnValue:
    """Place or move a visit, from the dialog or from a drop; refused with 422, overtaken with 409.

    With `check` nothing changes: the page says what the move would do.
    """
    form = MoveForm()
    if not form.validate():
        return abort(422) if form.visit.errors else _refused(form, on, Refused())
    if form.check.data:
        return _refused(form, on, Refused(asked=form.move), status=200)
    try:
        return edge.change_visit(form.visit.data, [on], partial(_move, form, on))
    except judge.RuleBroken as error:
        return _refused(form, on, Refused(broken=error.violations))
    except changes.NeedsConfirmation as error:
        return _refused(form, on, Refused(broken=error.judgement.soft, judgement=error.judgement))
    except changes.StalePlan:
        return _refused(form, on, Refused(stale=True), status=409)


def _move(form: MoveForm, on: date, session: Session, tables: Tables) -> ResponseReturnValue:
    visit = edge.visit_of(session, form.visit.data)
    change = service.place_visit(
        session,
        visit,
        form.move(visit.territory, on),
        plan_version=form.plan_version.data,
        confirmed=form.accepted,
        tables=tables,
        now=clock.now(),
        actor=auth.actor().label,
    )
    _tell_moved(session, visit, change)
    return redirect(url("dispatch.day", on=on, visit=visit.id), code=303)


def _tell_moved(session: Session, visit: Visit, change: PlanChange) -> None:
    starts_at = service.start_of(change)
    kept = visit.window is None or visit.window.starts_at <= starts_at <= visit.window.ends_at
    text = (
        _("Moved to %(name)s, %(time)s.") if kept else _("Moved to %(name)s, %(time)s, outside the promise.")
    )
    technician = session.get_one(Technician, change.summary["technician_id"])
    flash(text % {"name": technician.name, "time": web.clock_time(starts_at, visit.territory.zone)}, UNDO)


def _refused(form: MoveForm, on: date, refused: Refused, status: int = 422) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, form.visit.data)
        return pages.move_page(session, visit, on, form, "board/move.html", refused), status


@bp.post("/visits/<int:visit_id>/unassign")
@staff
def unassign(visit_id: int) -> ResponseReturnValue:
    """Take a visit off its route."""
    form = PlanForm()
    if not form.validate():
        abort(422)

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        change = changes.unassign_visit(
            session,
            edge.visit_of(session, visit_id),
            plan_version=form.plan_version.data,
            tables=tables,
            now=clock.now(),
            actor=auth.actor().label,
        )
        flash(_("Unassigned. The promise stands, so find another place."), UNDO)
        on = session.get_one(Plan, change.plan_id).on
        return redirect(url("dispatch.day", on=on, visit=visit_id), code=303)

    return edge.change_visit(visit_id, [], work)


@bp.post("/visits/<int:visit_id>/pin")
@staff
def pin(visit_id: int) -> ResponseReturnValue:
    """Pin a visit to its technician, its start or both, or free it."""
    form = PinForm()
    if not form.validate():
        abort(422)

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        visit = edge.visit_of(session, visit_id)
        changes.pin_visit(session, visit, form.to, tables=tables, now=clock.now(), actor=auth.actor().label)
        flash(_("Pinned: the optimizer leaves it here.") if form.to else _("Unpinned."), UNDO)
        return redirect(url("dispatch.day", on=edge.shown_on(session, visit), visit=visit.id), code=303)

    return edge.change_visit(visit_id, [], work)


@bp.post("/changes/<int:change_id>/undo")
@staff
def undo(change_id: int) -> ResponseReturnValue:
    """Bring back what was before a change, as a new change; what was before an undo is done again."""
    _require_form()

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        change = session.get_one(PlanChange, change_id)
        told = undoing.undo(session, change, tables=tables, now=clock.now(), actor=auth.actor().label)
        flash(_("Done again.") if change.kind == UNDO else _("Undone."))
        if told:
            flash(ngettext("%(num)d customer is told again.", "%(num)d customers are told again.", told))
        back = "dispatch.history.show" if request.args.get("back") == "history" else "dispatch.day"
        return redirect(url(back, on=session.get_one(Plan, change.plan_id).on), code=303)

    try:
        return edge.change_back(change_id, work)
    except judge.RuleBroken as error:
        with web.services().db.reading() as session:
            plan = session.get_one(Plan, session.get_one(PlanChange, change_id).plan_id)
            territory = session.get_one(Territory, plan.territory_id)
            return pages.refused_page(session, territory, plan.on, error.violations), 422


@bp.post("/<day:on>/dispatch")
@staff
def dispatch(on: date) -> ResponseReturnValue:
    """Send the day to its technicians."""
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        territory = edge.territory_of(session)
        sent = service.dispatch_day(session, territory, on, now=clock.now(), actor=auth.actor().label)
        flash(ngettext("%(num)d visit sent.", "%(num)d visits sent.", sent))
        return redirect(url("dispatch.day", on=on), code=303)

    return edge.once(work)


@bp.post("/<day:on>/recall")
@staff
def recall(on: date) -> ResponseReturnValue:
    """Take back what was sent and has not begun."""
    _require_form()

    def work(session: Session) -> ResponseReturnValue:
        territory = edge.territory_of(session)
        back = service.recall_day(session, territory, on, now=clock.now(), actor=auth.actor().label)
        flash(ngettext("%(num)d visit taken back.", "%(num)d visits taken back.", back))
        return redirect(url("dispatch.day", on=on), code=303)

    return edge.once(work)


@bp.route("/visits/<int:visit_id>/locate", methods=["GET", "POST"])
@staff
def locate(visit_id: int) -> ResponseReturnValue:
    """Set the pin of an address that nobody found."""
    form = LocateForm()
    if form.validate_on_submit():
        try:
            answer = edge.once(lambda session: _locate(session, visit_id, form))
            _remember_pin(visit_id)
            return answer
        except service.OutsideArea:
            form.latitude.errors = [_("This place is outside every territory.")]
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        on = edge.shown_on(session, visit)
        page = render_template("board/locate.html", form=form, visit=visit, on=on)
    return page, 422 if form.errors else 200


def _locate(session: Session, visit_id: int, form: LocateForm) -> ResponseReturnValue:
    visit, now = edge.visit_of(session, visit_id), clock.now()
    service.locate_site(
        session,
        visit,
        Coordinates(form.latitude.data, form.longitude.data),
        on=visit.territory.local_day(now),
        now=now,
        user_id=auth.actor().id,
        actor=auth.actor().label,
    )
    flash(_("The address is on the map. The visit can be placed now."))
    return redirect(url("dispatch.day", on=visit.wanted_on, visit=visit.id), code=303)


def _remember_pin(visit_id: int) -> None:
    """Keep the pin for the next customer who types this address; the geocoder's store is not the database."""
    with web.services().db.reading() as session:
        site = edge.visit_of(session, visit_id).site
        if site.lat is None or site.lon is None:
            return
        at = Coordinates(site.lat, site.lon)
        web.services().geocoding.remember_pin(site.written, service.address_of(site, at), at)


def _require_form() -> None:
    """Refuse a POST without the fields that every change carries."""
    if not BoardForm().validate():
        abort(422)
