"""The technician's other pages: a day that is not today, the week, and what they chose for themselves."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.field import days, edge, news, outbox, position, ways
from fieldservice.field.forms import GotItForm, NavigationForm
from fieldservice.models import Navigation, UserRole

bp = Blueprint("days", __name__)


@bp.get("/on/<day:on>")
@auth.require(UserRole.TECHNICIAN)
def day(on: date) -> ResponseReturnValue:
    """Another day of one's own, to read; today leads to the route."""
    now = clock.now()
    with web.services().db.reading() as session:
        technician = edge.technician_of(session)
        if on == technician.territory.local_day(now):
            return redirect(url_for("field.route"))
        days.require_shown(technician, on, now=now)
        return render_template(
            "field/day.html",
            day=edge.day_of(session, technician, on, now),
            working=technician.working_day(on, technician.territory.zone),
            zone=technician.territory.zone,
            today=technician.territory.local_day(now),
            dispatched=days.is_dispatched(session, technician, on),
        )


@bp.post("/on/<day:on>/seen")
@auth.require(UserRole.TECHNICIAN)
def seen(on: date) -> ResponseReturnValue:
    """ "Got it": the technician knows the route as the page showed it."""
    now, form, key = clock.now(), GotItForm(), web.services().settings.secret_key
    if not form.validate():
        return _not_shown()

    def work(session: Session) -> ResponseReturnValue:
        technician, moment = edge.technician_of(session), form.moment(now)
        news.got_it(session, technician, on, form.shown.data, secret_key=key, moment=moment, now=now)
        return redirect(url_for("field.route"), 303)

    return edge.once(work, now=now)


@bp.errorhandler(news.NotShown)
def _not_shown(_error: object = None) -> ResponseReturnValue:
    return outbox.refuse(
        _("Nothing was recorded: your route has just changed. Please look again."), url_for("field.route")
    )


@bp.get("/week")
@auth.require(UserRole.TECHNICIAN)
def week() -> ResponseReturnValue:
    """The own next seven days."""
    now = clock.now()
    with web.services().db.reading() as session:
        technician = edge.technician_of(session)
        lines = days.week(session, technician, now=now)
        return render_template("field/week.html", lines=lines, zone=technician.territory.zone)


@bp.get("/me")
@auth.require(UserRole.TECHNICIAN)
def me() -> ResponseReturnValue:
    """What the technician chose, and signing out."""
    return _me(NavigationForm())


@bp.post("/me/navigation")
@auth.require(UserRole.TECHNICIAN)
def navigation() -> ResponseReturnValue:
    """The application in which directions open from now on."""
    form = NavigationForm()
    if not form.validate():
        return _me(form), 422

    def work(session: Session) -> ResponseReturnValue:
        ways.choose(session, edge.technician_of(session), Navigation(form.navigation.data))
        flash(_("Saved. “On my way” opens your directions as well from now on."))
        return redirect(url_for(".me"), code=303)

    return edge.once(work, now=clock.now())


def _me(form: NavigationForm) -> str:
    with web.services().db.reading() as session:
        technician = edge.technician_of(session)
        form.show(ways.chosen(session, technician))
        return render_template(
            "field/me.html",
            form=form,
            technician=technician,
            shared=position.is_shared(session, technician),
            push_key=web.services().channels.push.public_key,
        )
