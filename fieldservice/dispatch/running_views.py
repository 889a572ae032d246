"""What goes wrong on a running day: each POST records it and asks for a plan that mends it."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, abort, flash, redirect, render_template
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import absences, edge
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.forms import BoardForm
from fieldservice.dispatch.running_forms import SickForm, VehicleForm
from fieldservice.models import Absence, Technician

bp = Blueprint("running", __name__)


@bp.route("/<day:on>/technicians/<int:technician_id>/sick", methods=["GET", "POST"])
@staff
def sick(on: date, technician_id: int) -> ResponseReturnValue:
    """A technician is sick: from now on when nothing else is said."""
    form = SickForm()

    def work(session: Session) -> ResponseReturnValue:
        technician = edge.technician_of(session, technician_id)
        away = absences.report_sick(
            session,
            technician,
            on,
            starts_at=form.starts_at(on, technician.territory.zone),
            until=form.until.data,
            now=clock.now(),
            actor=auth.actor().label,
        )
        _tell_away(technician, away, _("%(name)s is off sick."))
        return redirect(url("dispatch.day", on=on), code=303)

    if form.validate_on_submit():
        try:
            return edge.once(work)
        except absences.BadTime:
            form.start.errors = [_("Choose a time from now on, and an end within a month.")]
    return _page("board/sick.html", on, technician_id, form)


@bp.route("/<day:on>/technicians/<int:technician_id>/vehicle", methods=["GET", "POST"])
@staff
def vehicle(on: date, technician_id: int) -> ResponseReturnValue:
    """A technician cannot drive from now on."""
    form = VehicleForm()

    def work(session: Session) -> ResponseReturnValue:
        technician = edge.technician_of(session, technician_id)
        away = absences.report_vehicle(
            session, technician, hours=form.length, now=clock.now(), actor=auth.actor().label
        )
        _tell_away(technician, away, _("%(name)s cannot drive."))
        return redirect(url("dispatch.day", on=on), code=303)

    if form.validate_on_submit():
        try:
            return edge.once(work)
        except absences.StillAtWork:
            form.hours.errors = [_("The visit in progress takes longer than that. Nothing changes.")]
        except absences.BadTime:
            form.hours.errors = [_("This day is over.")]
    return _page("board/vehicle.html", on, technician_id, form)


@bp.post("/<day:on>/absences/<int:absence_id>/end")
@staff
def end(on: date, absence_id: int) -> ResponseReturnValue:
    """The technician works again."""
    if not BoardForm().validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        absence = session.get(Absence, absence_id) or abort(404)
        technician = edge.technician_of(session, absence.technician_id)
        absences.end_absence(session, absence, technician, now=clock.now(), actor=auth.actor().label)
        flash(_("%(name)s is back at work.", name=technician.name))
        return redirect(url("dispatch.day", on=on), code=303)

    return edge.once(work)


def _page(template: str, on: date, technician_id: int, form: SickForm | VehicleForm) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        technician = edge.technician_of(session, technician_id)
        page = render_template(template, form=form, technician=technician, on=on)
    return page, 422 if form.errors else 200


def _tell_away(technician: Technician, away: absences.Away, words: str) -> None:
    flash(words % {"name": technician.name})
    if away.visit_ids:
        lost = len(away.visit_ids)
        flash(
            ngettext(
                "A plan for %(num)d visit is on its way.", "A plan for %(num)d visits is on its way.", lost
            )
        )
    else:
        flash(_("No visit is affected."))


@bp.errorhandler(absences.AlreadyAway)
@bp.errorhandler(absences.AlreadyBack)
def _known(_error: Exception) -> ResponseReturnValue:
    return render_template("board/stale.html"), 409
