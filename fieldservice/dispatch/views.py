"""The board's pages: the day, its live parts, one visit, where it could go. Changes are in `action_views`."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, Response, abort, jsonify, make_response, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.attachments import serving
from fieldservice.dispatch import (
    action_views,
    check_views,
    contact_views,
    crew_views,
    edge,
    ending_views,
    find_views,
    guest_views,
    history_views,
    hours_views,
    inbox_views,
    kept_views,
    link_views,
    optimise_views,
    pages,
    plan_views,
    route_day_views,
    running_views,
    service,
    swap_views,
    urgent_views,
    why_views,
)
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.forms import MoveForm, PresenceForm
from fieldservice.dispatch.presence import Place, as_header, show_presence
from fieldservice.dispatch.wording import goal_details, goal_words, title
from fieldservice.models import Attachment, Technician, UserRole
from fieldservice.notify import words
from fieldservice.planning import changes, proposals
from fieldservice.planning.lines import collection, day_features
from fieldservice.planning.why import minutes_more

bp = Blueprint("dispatch", __name__)
_UTC = ZoneInfo("UTC")
bp.register_blueprint(action_views.bp)
bp.register_blueprint(check_views.bp)
bp.register_blueprint(contact_views.bp)
bp.register_blueprint(find_views.bp)
bp.register_blueprint(history_views.bp)
bp.register_blueprint(hours_views.bp)
bp.register_blueprint(inbox_views.bp)
bp.register_blueprint(guest_views.bp)
bp.register_blueprint(kept_views.bp)
bp.register_blueprint(optimise_views.bp)
bp.register_blueprint(plan_views.bp)
bp.register_blueprint(running_views.bp)
bp.register_blueprint(urgent_views.bp)
bp.register_blueprint(ending_views.bp)
bp.register_blueprint(swap_views.bp)
bp.register_blueprint(why_views.bp)
bp.register_blueprint(route_day_views.bp)
bp.register_blueprint(link_views.bp)
bp.register_blueprint(crew_views.bp)


@bp.get("/")
@staff
def today() -> ResponseReturnValue:
    """The board of today, or of the day that a date field asks for."""
    with web.services().db.reading() as session:
        asked = request.args.get("day", type=web.day_of)
        on = asked or edge.territory_of(session).local_day(clock.now())
    return redirect(url(".day", on=on))


@bp.get("/<day:on>")
@staff
def day(on: date) -> ResponseReturnValue:
    """The whole board, with `view=list` as a list; `visit` selects one, else a waiting proposal is shown."""
    with web.services().db.reading() as session:
        return pages.day_page(session, edge.territory_of(session), on)


@bp.get("/<day:on>/live")
@staff
def live(on: date) -> ResponseReturnValue:
    """The parts that change, for the poll; 304 before the day is read when nothing did."""
    with web.services().db.reading() as session:
        territory = edge.territory_of(session)
        response = _fresh(pages.tag_of(territory, on, service.state_of_day(session, territory.id, on)))
        if response.status_code != 304:
            response.set_data(pages.live_parts(session, territory, on))
        response.headers["X-Presence"] = as_header(pages.others(session, territory, on))
    return response


@bp.post("/<day:on>/presence")
@staff
def presence(on: date) -> ResponseReturnValue:
    """Say at which row one is; it is forgotten by itself, so that sending it again is no second change."""
    form = PresenceForm()
    if not form.validate():
        abort(422)
    web.services().db.run(lambda session: _stay(session, on, form))
    return "", 204


def _stay(session: Session, on: date, form: PresenceForm) -> None:
    technician = session.get(Technician, form.technician.data) if form.technician.data else None
    show_presence(
        session,
        edge.territory_of(session),
        on,
        Place(technician.id if technician else None, form.editing.data == "yes"),
        user_id=auth.actor().id,
        now=clock.now(),
    )


@bp.get("/<day:on>/routes.geojson")
@staff
def routes(on: date) -> ResponseReturnValue:
    """The routes of the day for the map, and what an open `proposal` would make of them."""
    with web.services().db.reading() as session:
        territory = edge.territory_of(session)
        state = service.state_of_day(session, territory.id, on)
        asked = request.args.get("proposal", type=web.row_of)
        looked_at = [each for each in state.proposals if each[0] == asked]
        response = _fresh(f"r-{territory.id}-{on.isoformat()}-{state.version}-{looked_at}")
        if response.status_code == 304:
            return response
        day, freeze = edge.day_of(session, territory, on), web.services().settings.freeze
        then = proposals.routes_then(session, day, looked_at[0][0], freeze=freeze) if looked_at else ()
        found = day_features(day, web.services().travel, then)
    response.set_data(jsonify(collection(found)).get_data())
    response.content_type = "application/geo+json"
    return response


@bp.get("/<day:on>/dispatch")
@staff
def dispatch(on: date) -> ResponseReturnValue:
    """What would be sent to whom, before it is sent; and what was sent, to take it back."""
    with web.services().db.reading() as session:
        return pages.board_page(session, "board/dispatch.html", edge.territory_of(session), on)


@bp.get("/visits/<int:visit_id>")
@staff
def inspector(visit_id: int) -> ResponseReturnValue:
    """The inspector of one visit, a part of the board."""
    with web.services().db.reading() as session:
        return pages.inspector(session, edge.visit_of(session, visit_id))


@bp.get("/visits/<int:visit_id>/move")
@staff
def move(visit_id: int) -> ResponseReturnValue:
    """Where a visit could go, as a page; `on` asks about another day."""
    return _move(visit_id, "board/move.html")


@bp.get("/visits/<int:visit_id>/move/part")
@staff
def move_part(visit_id: int) -> ResponseReturnValue:
    """Where a visit could go, for the dialog."""
    return _move(visit_id, "board/_move.html")


@bp.get("/photos/<int:attachment_id>")
@staff
def attachment(attachment_id: int) -> Response:
    """A photo or document of a visit; `?size=small` is the small picture of a photo."""
    with web.services().db.reading() as session:
        found = session.get(Attachment, attachment_id)
        if found is None or found.visit_id is None or not found.shown_to_others:
            abort(404)
        return serving.send(found, small=request.args.get("size") == serving.SMALL)


def _move(visit_id: int, template: str) -> str:
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        on = request.args.get("on", type=web.day_of) or edge.shown_on(session, visit)
        return pages.move_page(session, visit, on, MoveForm(formdata=None), template)


def _fresh(tag: str) -> Response:
    """An answer with this tag; 304 when the browser has it already."""
    response = make_response()
    response.set_etag(tag)
    response.cache_control.private, response.cache_control.no_cache = True, True
    response.make_conditional(request)
    return response


@bp.url_defaults
def _same_view(_endpoint: str, values: dict[str, Any]) -> None:
    """Links of the board keep the territory that was asked for, and the filters of the list."""
    for name, value in (edge.kept_arguments() if request else {}).items():
        values.setdefault(name, value)


@bp.context_processor
def _helpers() -> dict[str, Any]:
    return {
        "visit_title": title,
        "goal_words": goal_words,
        "goal_details": goal_details,
        "hour_words": _hour_words,
        "minutes_more": minutes_more,
        "short_time": _short_time,
        "seconds_words": _seconds_words,
    }


def _short_time(instant: datetime, zone: ZoneInfo) -> str:
    """A time for where there is little room and the hours are written above."""
    return web.clock_time(instant, zone).removesuffix(" am").removesuffix(" pm")


def _hour_words(minute: int) -> str:
    at = datetime.combine(date(2000, 1, 1), time(minute // 60 % 24), _UTC)
    return words.hour_words(at, _UTC, str(get_locale()))


def _seconds_words(length_s: int) -> str:
    return web.minutes_words(timedelta(seconds=length_s))


@bp.errorhandler(edge.NoTerritory)
def _not_set_up(_error: Exception) -> ResponseReturnValue:
    """The first sign-in to a new installation: nothing is wrong, and something is to be done."""
    may_set_up = auth.actor().role == UserRole.ADMIN
    return render_template("board/no_territory.html", may_set_up=may_set_up)


@bp.errorhandler(changes.StalePlan)
@bp.errorhandler(changes.NothingToUndo)
@bp.errorhandler(changes.NotPlannable)
@bp.errorhandler(proposals.ProposalClosed)
@bp.errorhandler(proposals.PartGone)
def _overtaken(_error: Exception) -> ResponseReturnValue:
    return render_template("board/stale.html"), 409
