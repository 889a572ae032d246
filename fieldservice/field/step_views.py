"""What is said about a visit beside the taps: running late, and a step that was at another time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.field import corrections, edge, lateness, pages, service
from fieldservice.field.corrections import Correction
from fieldservice.field.forms import CorrectionForm, LateForm
from fieldservice.field.lateness import Late
from fieldservice.field.service import Tap
from fieldservice.geo.types import TravelTable
from fieldservice.models import NotAllowed, UserRole
from fieldservice.typed import cards

bp = Blueprint("steps", __name__)


@bp.post("/visits/<int:visit_id>/late")
@auth.require(UserRole.TECHNICIAN)
def late(visit_id: int) -> ResponseReturnValue:
    """Ten, twenty or thirty minutes later: the office and the customers concerned are told."""
    now, form = clock.now(), LateForm()
    if not form.validate():
        flash(_("Nothing was recorded: choose 10, 20 or 30 minutes."))
        return redirect(url_for("field.route"), 303)

    def work(session: Session, tables: Mapping[date, TravelTable]) -> ResponseReturnValue:
        said = Late(form.idempotency_key.data, visit_id, form.minutes.data, form.moment(now))
        technician, actor = edge.technician_of(session), auth.actor().label
        told = lateness.run_late(session, technician, said, tables=tables, now=now, actor=actor)
        flash(_told(told))
        return redirect(url_for("field.route"), 303)

    return edge.once_on_route(visit_id, work, now=now)


def _told(told: int | None) -> str:
    if told is None:
        return str(_("This is kept, and changes nothing any more."))
    if not told:
        return str(_("The office knows. Every customer can still expect you as promised."))
    return str(
        ngettext(
            "The office knows, and %(num)d customer is told.",
            "The office knows, and %(num)d customers are told.",
            told,
        )
    )


@bp.route("/visits/<int:visit_id>/correct", methods=["GET", "POST"])
@auth.require(UserRole.TECHNICIAN)
def correct(visit_id: int) -> ResponseReturnValue:
    """A step was at another time, or by mistake: say so with a reason."""
    now, form = clock.now(), CorrectionForm()

    def work(session: Session, tables: Mapping[date, TravelTable]) -> ResponseReturnValue:
        technician, actor = edge.technician_of(session), auth.actor().label
        wanted = _correction(session, visit_id, form)
        corrections.correct(session, technician, wanted, tables=tables, now=now, actor=actor)
        flash(_("Corrected. What was tapped before stays in the history."))
        return redirect(url_for("field.visit", visit_id=visit_id), 303)

    if form.validate_on_submit():
        try:
            return edge.once_on_route(visit_id, work, now=now)
        except corrections.BadOrder:
            form.at.errors = [
                _("That is before the step that came before it, after the next one, or not yet.")
            ]
        except NotAllowed:
            form.step.errors = [_("Only the last step can be taken back.")]
    return _page(visit_id, form), 422 if form.errors else 200


def _correction(session: Session, visit_id: int, form: CorrectionForm) -> Correction:
    visit = service.own_visit(session, edge.technician_of(session), visit_id)
    moment = None
    if form.do.data != "back":
        local = datetime.combine(service.planned_on(visit), form.at.data, visit.territory.zone)
        moment = local.astimezone(UTC)
    return Correction(
        form.idempotency_key.data, visit_id, Tap(form.step.data), moment, reason=form.reason.data
    )


def _page(visit_id: int, form: CorrectionForm) -> str:
    with web.services().db.reading() as session:
        technician = edge.technician_of(session)
        visit = service.own_visit(session, technician, visit_id)
        steps = corrections.steps_of(visit)
        names = pages.tap_names()
        form.step.choices = cards(
            (step.value, f"{names[step]} · {web.clock_time(at, technician.territory.zone)}")
            for step, at in steps.items()
        )
        return render_template("field/correct.html", visit=visit, form=form, steps=steps)
