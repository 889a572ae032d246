"""A visit that will not take place, and a technician who has time to spare."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, render_template
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge, endings
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.pages import frame
from fieldservice.dispatch.running_forms import CancelVisitForm, MissedForm
from fieldservice.models import Visit
from fieldservice.planning import helping

bp = Blueprint("ending", __name__)


@bp.route("/visits/<int:visit_id>/cancel", methods=["GET", "POST"])
@staff
def cancel(visit_id: int) -> ResponseReturnValue:
    """The customer calls and cancels: until when that was free, and why."""
    form = CancelVisitForm()

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        visit = edge.visit_of(session, visit_id)
        on = edge.shown_on(session, visit)
        endings.cancel_visit(
            session,
            visit,
            reason=form.reason.data or "",
            tables=tables,
            now=clock.now(),
            actor=auth.actor().label,
            charge=form.charge.data,
        )
        flash(_("Cancelled. The customer is told, and the place is free."))
        return redirect(url("dispatch.day", on=on), code=303)

    if form.validate_on_submit():
        return edge.change_visit(visit_id, [], work)
    return _page("board/cancel_visit.html", visit_id, form)


@bp.route("/visits/<int:visit_id>/missed", methods=["GET", "POST"])
@staff
def missed(visit_id: int) -> ResponseReturnValue:
    """Nobody was there: the customer gets a message, and the work ends or waits for another time."""
    form = MissedForm()

    def work(session: Session, tables: Tables) -> ResponseReturnValue:
        visit = edge.visit_of(session, visit_id)
        on = edge.shown_on(session, visit)
        more = endings.record_missed(
            session,
            visit,
            again=form.again.data == "yes",
            secret_key=web.services().settings.secret_key,
            tables=tables,
            now=clock.now(),
            actor=auth.actor().label,
        )
        flash(_("Noted: nobody was there. The customer gets a message."))
        return redirect(url("dispatch.day", on=on, visit=more.id if more else None), code=303)

    if form.validate_on_submit():
        return edge.change_visit(visit_id, [], work)
    return _page("board/missed.html", visit_id, form)


def _page(template: str, visit_id: int, form: CancelVisitForm | MissedForm) -> ResponseReturnValue:
    now = clock.now()
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        page = render_template(template, form=form, now=now, **_facts(session, visit))
    return page, 422 if form.errors else 200


def _facts(session: Session, visit: Visit) -> dict[str, object]:
    now = clock.now()
    return {
        "visit": visit,
        "on": edge.shown_on(session, visit),
        "zone": visit.territory.zone,
        "free_until": endings.free_until(visit),
        "fee": visit.fee_at(now),
        "can_be_missed": endings.can_be_missed(visit, now=now),
    }


@bp.get("/<day:on>/technicians/<int:technician_id>/spare")
@staff
def spare(on: date, technician_id: int) -> ResponseReturnValue:
    """Which visits a technician who finished early could take, and what each is worth."""
    with web.services().db.reading() as session:
        technician = edge.technician_of(session, technician_id)
        day = edge.day_of(session, technician.territory, on)
        return render_template(
            "board/spare.html",
            technician=technician,
            found=[(each, day.visits[each.visit_id]) for each in helping.helpful(day, technician.id)],
            **frame(day),
        )
