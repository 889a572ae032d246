"""The technician's own time on the phone: hours of the week, and wishes for days to come."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.field import edge, hours, outbox, wishes
from fieldservice.field.days import NoSuchDay
from fieldservice.field.forms import OutboxForm
from fieldservice.field.time_forms import HoursForm, ShiftWishForm
from fieldservice.models import UserRole
from fieldservice.planning import time_sheets

bp = Blueprint("time", __name__)


@bp.get("/hours")
@auth.require(UserRole.TECHNICIAN)
def week() -> ResponseReturnValue:
    """The own hours of this week and the one before."""
    now = clock.now()
    with web.services().db.reading() as session:
        technician = edge.technician_of(session)
        today = technician.territory.local_day(now)
        weeks = [
            time_sheets.week(session, technician, today - timedelta(days=ago), now=now) for ago in (0, 7)
        ]
        zone = technician.territory.zone
        return render_template("field/hours.html", weeks=weeks, today=today, zone=zone)


@bp.route("/hours/<day:on>", methods=["GET", "POST"])
@auth.require(UserRole.TECHNICIAN)
def day(on: date) -> ResponseReturnValue:
    """The hours of one day, and what they really were."""
    now, form = clock.now(), HoursForm()

    def work(session: Session) -> ResponseReturnValue:
        technician = edge.technician_of(session)
        said = form.correction(on, technician.territory.zone, now=now)
        hours.correct(session, technician, said, now=now)
        flash(_("Saved. What was tapped stays beside it."))
        return redirect(url_for(".week"), 303)

    with web.services().db.reading() as session:
        technician = edge.technician_of(session)
        if not timedelta(0) <= technician.territory.local_day(now) - on <= timedelta(days=14):
            raise NoSuchDay
    if form.validate_on_submit():
        try:
            return edge.once(work, now=now)
        except hours.BadHours:
            form.ends.errors = [_("Enter a time after the beginning and the breaks, and not in the future.")]
    with web.services().db.reading() as session:
        technician = edge.technician_of(session)
        line, zone = time_sheets.sheet(session, technician, on, now=now), technician.territory.zone
        form.show(line, zone)
        twice = hours.came_twice(on, zone)
        page = render_template("field/hours_day.html", line=line, form=form, zone=zone, twice=twice)
    return outbox.unfit(form.errors, page) if form.errors else page


@bp.route("/wishes", methods=["GET", "POST"])
@auth.require(UserRole.TECHNICIAN)
def wish() -> ResponseReturnValue:
    """What the technician asks for, and what the office said."""
    now, form = clock.now(), ShiftWishForm()

    def work(session: Session) -> ResponseReturnValue:
        wishes.ask(session, edge.technician_of(session), form.wish(now=now), now=now)
        flash(_("Asked. The office decides, and you see it here."))
        return redirect(url_for(".wish"), 303)

    if form.validate_on_submit():
        try:
            return edge.once(work, now=now)
        except wishes.BadDays:
            form.first_on.errors = [_("Choose days from today on, at most a month.")]
    with web.services().db.reading() as session:
        found = wishes.wishes_of(session, edge.technician_of(session), now=now)
        page = render_template("field/wishes.html", wishes=found, form=form)
    return outbox.unfit(form.errors, page) if form.errors else page


@bp.post("/wishes/<int:wish_id>/withdraw")
@auth.require(UserRole.TECHNICIAN)
def withdraw(wish_id: int) -> ResponseReturnValue:
    """Take a wish back."""
    now, form = clock.now(), OutboxForm()
    if not form.validate():
        words = {"heading": _("Not recorded"), "text": _("The server did not accept this.")}
        return outbox.unfit(form.errors, render_template("field/refused.html", **words))

    def work(session: Session) -> ResponseReturnValue:
        if not wishes.withdraw(session, edge.technician_of(session), wish_id, now=now):
            abort(404)
        return redirect(url_for(".wish"), 303)

    return edge.once(work, now=now)
