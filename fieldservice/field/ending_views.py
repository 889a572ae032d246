"""A visit that cannot be done, and the one that is booked in its place at the door."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.field import checklist, edge, endings, service
from fieldservice.field.ending_forms import CannotForm, FollowUpForm
from fieldservice.field.endings import Ending, Next, Reason
from fieldservice.geo.types import TravelTable
from fieldservice.models import NotAllowed, UserRole
from fieldservice.planning.service import SlotTaken
from fieldservice.planning.travel import with_travel
from fieldservice.typed import cards

bp = Blueprint("endings", __name__)


@bp.route("/visits/<int:visit_id>/cannot", methods=["GET", "POST"])
@auth.require(UserRole.TECHNICIAN)
def cannot(visit_id: int) -> ResponseReturnValue:
    """Why the visit cannot be done, and what comes next."""
    now, form = clock.now(), CannotForm()

    def work(session: Session, tables: Mapping[date, TravelTable]) -> ResponseReturnValue:
        technician, actor = edge.technician_of(session), auth.actor().label
        ending = _ending(visit_id, form, now)
        key = web.services().settings.secret_key
        endings.end(session, technician, ending, secret_key=key, tables=tables, now=now, actor=actor)
        flash(_("Noted. The office knows."))
        follows = ending.following == Next.FOLLOW_UP
        return redirect(url_for(".follow_up", visit_id=visit_id) if follows else url_for("field.route"), 303)

    if form.validate_on_submit():
        return edge.once_on_route(visit_id, work, now=now)
    with web.services().db.reading() as session:
        visit = service.own_visit(session, edge.technician_of(session), visit_id)
        photos = checklist.files_of(session, visit, checklist.CANNOT)
        page = render_template("field/cannot.html", visit=visit, form=form, photos=photos)
    return page, 422 if form.errors else 200


def _ending(visit_id: int, form: CannotForm, now: datetime) -> Ending:
    return Ending(
        form.idempotency_key.data,
        visit_id,
        Reason(form.reason.data),
        form.words.data or "",
        Next(form.following.data),
        form.moment(now),
    )


@bp.route("/visits/<int:visit_id>/follow-up", methods=["GET", "POST"])
@auth.require(UserRole.TECHNICIAN)
def follow_up(visit_id: int) -> ResponseReturnValue:
    """Times at which somebody can come again; the customer beside the phone picks one."""
    form = FollowUpForm()
    if not form.validate_on_submit():
        return _times(visit_id, form), 422 if form.errors else 200
    try:
        return _book(visit_id, form.moment)
    except SlotTaken:
        form.window.errors = [_("That time has just been taken. Choose another one.")]
        return _times(visit_id, form), 409


def _book(visit_id: int, starts_at: datetime) -> Response:
    now, joined = clock.now(), web.services()
    with joined.db.reading() as session:
        more = endings.follow_up_of(session, edge.technician_of(session), visit_id)
        territory, places = more.territory, endings.place_of(more)
        on, territory_id, zone = territory.local_day(starts_at), territory.id, territory.zone

    def work(session: Session, tables: Mapping[date, TravelTable]) -> ResponseReturnValue:
        technician, actor = edge.technician_of(session), auth.actor().label
        window = endings.book(session, technician, visit_id, starts_at, tables=tables, now=now, actor=actor)
        day = web.day_words(window.starts_at.astimezone(zone).date())
        flash(_("Booked: %(day)s, %(window)s.", day=day, window=web.window_words(window, zone)))
        return redirect(url_for("field.route"), 303)

    def attempt(tables: Mapping[date, TravelTable]) -> Response:
        return edge.once(lambda session: work(session, tables), now=now)

    return with_travel(joined.db, joined.tables, territory_id, [on], places, now=now, work=attempt)


def _times(visit_id: int, form: FollowUpForm) -> str:
    now, joined = clock.now(), web.services()
    with joined.db.reading() as session:
        more = endings.follow_up_of(session, edge.technician_of(session), visit_id)
        days = endings.offer(session, more, tables=joined.tables, now=now)
        zone = more.territory.zone
        form.window.choices = cards(
            (
                slot.window.starts_at.astimezone(UTC).isoformat(),
                f"{web.day_words(day.on, short=True)}, {web.window_words(slot.window, zone)}",
            )
            for day in days
            for slot in day.slots
        )
        return render_template("field/follow_up.html", more=more, form=form, days=days, zone=zone)


@bp.errorhandler(NotAllowed)
def _over(_error: NotAllowed) -> ResponseReturnValue:
    flash(_("Nothing was recorded: this visit has changed meanwhile. Please look again."))
    return redirect(url_for("field.route"), code=303)
