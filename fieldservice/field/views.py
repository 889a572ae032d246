"""The technician's pages: today's route, one visit, and the taps."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.field import service
from fieldservice.field.forms import TapForm
from fieldservice.field.service import Tap, TapEvent
from fieldservice.models import NotAllowed, Technician, UserRole, Visit, VisitState
from fieldservice.models.visit import ENDED
from fieldservice.planning.lines import collection, features
from fieldservice.planning.service import with_travel

bp = Blueprint("field", __name__)

_NEXT_TAP = {
    VisitState.BOOKED: Tap.ON_MY_WAY,
    VisitState.DISPATCHED: Tap.ON_MY_WAY,
    VisitState.EN_ROUTE: Tap.ARRIVED,
    VisitState.ON_SITE: Tap.DONE,
}
_STEPS = [VisitState.EN_ROUTE, VisitState.ON_SITE, VisitState.DONE]


@bp.get("/")
@auth.require(UserRole.TECHNICIAN)
def route() -> ResponseReturnValue:
    """Today's route: the next visit on top, then the day in order."""
    now, joined = clock.now(), web.services()
    with joined.db.reading() as session:
        technician = _technician(session)
        today = technician.territory.local_day(now)
        day = service.phone_day(session, technician, today, tables=joined.tables, now=now)
        undo = _undoable(day, now)
        following = None if day.visits else service.next_day(session, technician, now=now)
        zone = technician.territory.zone
        return render_template("field/route.html", day=day, zone=zone, undo=undo, following=following)


@bp.get("/visits/<int:visit_id>")
@auth.require(UserRole.TECHNICIAN)
def visit(visit_id: int) -> ResponseReturnValue:
    """One visit with all that the technician needs at the door."""
    with web.services().db.reading() as session:
        return _visit_page(session, visit_id, TapForm())


@bp.post("/visits/<int:visit_id>/taps")
@auth.require(UserRole.TECHNICIAN)
def tap(visit_id: int) -> ResponseReturnValue:
    """Record a tap and go back to the route."""
    now, form, joined = clock.now(), TapForm(), web.services()
    if not form.validate():
        with joined.db.reading() as session:
            return _visit_page(session, visit_id, form), 422
    with joined.db.reading() as session:
        technician = _technician(session)
        days = _days(session, technician, visit_id)
        territory_id = technician.territory_id

    def work(tables: Any) -> Response:
        return web.once(lambda session: _tap(session, visit_id, form, tables, now), now=now, scope=_scope())

    return with_travel(joined.db, joined.tables, territory_id, days, [], now=now, work=work)


@bp.get("/route.geojson")
@auth.require(UserRole.TECHNICIAN)
def geojson() -> Response:
    """The way to the next visit and on through the day, for the map."""
    now, joined = clock.now(), web.services()
    with joined.db.reading() as session:
        technician = _technician(session)
        today = technician.territory.local_day(now)
        day = service.phone_day(session, technician, today, tables=joined.tables, now=now)
        found = features(joined.travel, technician, day.agenda)
    return jsonify(collection(found))


def navigation_url(visit: Visit) -> str:
    """A link that the phone's map application opens for turn-by-turn directions."""
    place = service.place(visit)
    target = f"{place.lat:.6f},{place.lon:.6f}" if place else visit.site.one_line
    return "https://www.google.com/maps/dir/?" + urlencode(
        {"api": 1, "destination": target, "travelmode": "driving"}
    )


def _tap(session: Session, visit_id: int, form: TapForm, tables: Any, now: datetime) -> ResponseReturnValue:
    event = TapEvent(form.idempotency_key.data, visit_id, Tap(form.kind.data), form.moment(now))
    visit = service.tap(
        session, _technician(session), event, tables=tables, now=now, actor=auth.actor().label
    )
    return redirect(
        url_for(".route") if visit.state in ENDED else url_for(".visit", visit_id=visit_id), code=303
    )


def _visit_page(session: Session, visit_id: int, form: TapForm) -> str:
    now = clock.now()
    technician = _technician(session)
    shown = service.own_visit(session, technician, visit_id)
    return render_template(
        "field/visit.html",
        visit=shown,
        form=form,
        zone=shown.territory.zone,
        next_tap=_NEXT_TAP.get(VisitState(shown.state)),
        step=_step(shown),
        steps=[_("On my way"), _("Arrived"), _("Done")],
        navigation_url=navigation_url(shown),
        may_undo=bool(shown.events) and _last_state_change(shown, now),
    )


def _step(visit: Visit) -> int:
    """How many of the steps are behind the technician."""
    return _STEPS.index(VisitState(visit.state)) + 1 if visit.state in _STEPS else 0


def _undoable(day: service.PhoneDay, now: datetime) -> Visit | None:
    """The visit whose last tap can still be taken back on the route page."""
    changed = [entry.visit for entry in day.visits if entry.visit and _last_state_change(entry.visit, now)]
    return max(changed, key=lambda visit: visit.events[-1].recorded_at, default=None)


def _last_state_change(visit: Visit, now: datetime) -> bool:
    """Whether the newest event is a tap that is young enough to take back."""
    last = next((event for event in reversed(visit.events) if event.to_state), None)
    if last is None or last.kind == "undone" or last.to_state not in _STEPS:
        return False
    return now - last.recorded_at <= service.UNDO_OFFERED


def _technician(session: Session) -> Technician:
    return service.technician_of(session, auth.actor().technician_id)


def _days(session: Session, technician: Technician, visit_id: int) -> list[date]:
    on = service.planned_on(session, service.own_visit(session, technician, visit_id))
    return [on] if on else []


def _scope() -> str:
    return f"user:{auth.actor().id}"


@bp.errorhandler(service.NotYourVisit)
def _not_yours(_error: service.NotYourVisit) -> ResponseReturnValue:
    return render_template("errors/404.html"), 404


@bp.errorhandler(NotAllowed)
def _not_allowed(error: NotAllowed) -> ResponseReturnValue:
    flash(_("This visit has changed meanwhile. Please look again."))
    return redirect(url_for(".visit", visit_id=error.visit.id), code=303)


@bp.errorhandler(service.AnotherUnderway)
def _another(error: service.AnotherUnderway) -> ResponseReturnValue:
    flash(_("Finish this visit first, then go on to the next."))
    return redirect(url_for(".visit", visit_id=error.visit.id), code=303)


@bp.errorhandler(service.WrongTime)
def _wrong_time(_error: service.WrongTime) -> ResponseReturnValue:
    return render_template("errors/422.html", text=_("The time of the tap is not of today.")), 422


@bp.app_context_processor
def _helpers() -> dict[str, Any]:
    return {"navigation_url_of": navigation_url}
