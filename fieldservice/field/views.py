"""The technician's pages: today's route, one visit, and the taps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.attachments import serving
from fieldservice.field import (
    asset_views,
    calendar_views,
    checklist,
    closing_views,
    day_views,
    days,
    edge,
    ending_views,
    kept_views,
    news,
    offline_views,
    outbox,
    pages,
    position,
    position_views,
    push_views,
    service,
    step_views,
    time_views,
    ways,
)
from fieldservice.field.forms import TapForm
from fieldservice.field.service import PhoneDay, Tap, TapEvent
from fieldservice.geo.types import TravelTable
from fieldservice.models import NotAllowed, UserRole, Visit
from fieldservice.models.visit import ENDED
from fieldservice.planning.lines import collection, features
from fieldservice.planning.problem import StaleTravel

bp = Blueprint("field", __name__)
bp.register_blueprint(position_views.bp)
bp.register_blueprint(offline_views.bp)
bp.register_blueprint(push_views.bp)
bp.register_blueprint(kept_views.bp)
bp.register_blueprint(day_views.bp)
bp.register_blueprint(step_views.bp)
bp.register_blueprint(closing_views.bp)
bp.register_blueprint(ending_views.bp)
bp.register_blueprint(time_views.bp)
bp.register_blueprint(asset_views.bp)
bp.register_blueprint(calendar_views.bp)
bp.after_request(position_views.allow)
bp.after_app_request(outbox.answer)


@bp.get("/")
@auth.require(UserRole.TECHNICIAN)
def route() -> ResponseReturnValue:
    """Today's route: the next visit on top, then the day in order."""
    now = clock.now()
    with web.services().db.reading() as session:
        technician = edge.technician_of(session)
        day = edge.day_of(session, technician, technician.territory.local_day(now), now)
        following = None if day.visits else service.next_stop(session, technician, now=now)
        return render_template(
            "field/route.html",
            day=day,
            zone=technician.territory.zone,
            following=following,
            shared=position.is_shared(session, technician),
            chosen=ways.chosen(session, technician),
            tomorrow=day.on + timedelta(days=1),
            **_news(session, day),
        )


@bp.get("/visits/<int:visit_id>")
@auth.require(UserRole.TECHNICIAN)
def visit(visit_id: int) -> ResponseReturnValue:
    """One visit with all that the technician needs at the door."""
    with web.services().db.reading() as session:
        return _visit_page(session, visit_id, TapForm())


@bp.post("/visits/<int:visit_id>/taps")
@auth.require(UserRole.TECHNICIAN)
def tap(visit_id: int) -> ResponseReturnValue:
    """Record a tap and go on: to the visit, or back to the route when the visit is over."""
    now, form = clock.now(), TapForm()
    if not form.validate():
        with web.services().db.reading() as session:
            return _visit_page(session, visit_id, form), 422
    return edge.once_on_route(
        visit_id, lambda session, tables: _tap(session, visit_id, form, tables, now), now=now
    )


@bp.get("/photos/<int:attachment_id>")
@auth.require(UserRole.TECHNICIAN)
def attachment(attachment_id: int) -> Response:
    """A photo or document of an own visit; `?size=small` is the small picture of a photo."""
    with web.services().db.reading() as session:
        found = service.own_attachment(session, edge.technician_of(session), attachment_id)
        return serving.send(found, small=request.args.get("size") == serving.SMALL)


@bp.get("/route.geojson")
@auth.require(UserRole.TECHNICIAN)
def geojson() -> Response:
    """Today's route as a line with numbered stops, for the map."""
    now, joined = clock.now(), web.services()
    with joined.db.reading() as session:
        technician = edge.technician_of(session)
        day = edge.day_of(session, technician, technician.territory.local_day(now), now)
        found = features(joined.travel, technician, day.agenda)
    return jsonify(collection(found))


def _tap(
    session: Session, visit_id: int, form: TapForm, tables: Mapping[date, TravelTable], now: datetime
) -> ResponseReturnValue:
    kind, moment = Tap(form.kind.data), form.moment(now)
    event = TapEvent(form.idempotency_key.data, visit_id, kind, moment, form.phone_at.instant)
    visit = service.tap(
        session, edge.technician_of(session), event, tables=tables, now=now, actor=auth.actor().label
    )
    over = visit.state in ENDED
    return redirect(url_for(".route") if over else url_for(".visit", visit_id=visit_id), code=303)


def _visit_page(session: Session, visit_id: int, form: TapForm) -> str:
    now, technician = clock.now(), edge.technician_of(session)
    shown = service.seen_visit(session, technician, visit_id)
    day = edge.day_of(session, technician, service.planned_on(shown), now)
    entry = day.entry_of(shown)
    return render_template(
        "field/visit.html",
        visit=shown,
        entry=entry,
        day=day,
        today=technician.territory.local_day(now),
        form=form,
        zone=technician.territory.zone,
        undoable=service.undoable_step(shown, now) if entry.leads else None,
        shared=position.is_shared(session, technician),
        chosen=ways.chosen(session, technician),
        **_news(session, day),
        **closing_views.on_page(session, shown),
        **asset_views.on_page(session, visit_id),
    )


def _news(session: Session, day: PhoneDay) -> dict[str, Any]:
    """What the office changed on a day, and what the page shows of it."""
    return {
        "news": news.news(session, day),
        "shown": news.token(day, web.services().settings.secret_key),
    }


def _refused(heading: str, text: str, code: int) -> ResponseReturnValue:
    if outbox.item():
        return {"error": text}, code
    return render_template("field/refused.html", heading=heading, text=text), code


@bp.errorhandler(service.NoTechnician)
def _no_technician(_error: service.NoTechnician) -> ResponseReturnValue:
    text = _("Your account is not linked to a technician who works here. Ask the office to link it.")
    return _refused(_("No route for you"), text, 403)


@bp.errorhandler(service.NotYourVisit)
def _not_yours(_error: service.NotYourVisit) -> ResponseReturnValue:
    text = _("The visit may have been cancelled, or moved to another day or technician. Ask the office.")
    return _refused(_("Not on your route"), text, 404)


@bp.errorhandler(days.NoSuchDay)
def _no_such_day(_error: days.NoSuchDay) -> ResponseReturnValue:
    return _refused(_("Not shown"), _("The phone shows a week back and two weeks ahead."), 404)


@bp.errorhandler(service.WrongTime)
def _wrong_time(_error: service.WrongTime) -> ResponseReturnValue:
    text = _(
        "Your phone says that this was tapped in the future, or more than three days ago. Check its clock."
    )
    return _refused(_("The time cannot be right"), text, 422)


@bp.errorhandler(service.EventReused)
def _reused(_error: service.EventReused) -> ResponseReturnValue:
    text = _("This tap was sent before, for another visit. Go back to the route and tap again.")
    return _refused(_("Not recorded"), text, 409)


@bp.errorhandler(NotAllowed)
def _not_allowed(_error: NotAllowed) -> ResponseReturnValue:
    text = _("Nothing was recorded: this visit has changed meanwhile. Please look again.")
    return outbox.refuse(text, url_for(".visit", **(request.view_args or {})))


@bp.errorhandler(service.NotToday)
def _not_today(_error: service.NotToday) -> ResponseReturnValue:
    text = _("Nothing was recorded: this visit is not planned for today.")
    return outbox.refuse(text, url_for(".visit", **(request.view_args or {})))


@bp.errorhandler(checklist.ChecklistOpen)
def _checklist_open(error: checklist.ChecklistOpen) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        found = session.get_one(Visit, error.visit_id)
        text = closing_views.open_words(checklist.missing(session, found))
    return outbox.refuse(text, url_for(".visit", visit_id=error.visit_id))


@bp.errorhandler(service.AnotherUnderway)
def _another(error: service.AnotherUnderway) -> ResponseReturnValue:
    text = _("Finish this visit first, then go on to the next.")
    return outbox.refuse(text, url_for(".visit", visit_id=error.visit_id))


@bp.errorhandler(StaleTravel)
def _stale(_error: StaleTravel) -> ResponseReturnValue:
    text = _("Nothing was recorded: your route has just changed. Please look again.")
    return outbox.refuse(text, url_for(".route"))


def _shown_at() -> str:
    """The minute in which a page was made: the phone says so when it shows the page later."""
    return clock.now().replace(second=0, microsecond=0).isoformat()


@bp.context_processor
def _helpers() -> dict[str, Any]:
    return {"pages": pages, "shown_at": _shown_at}
