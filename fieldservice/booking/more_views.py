"""Parts of the page on which a window is picked: further windows of a day, and why others are missing.

The same for a draft and for a promised visit. A GET looks with what a web process can do; a POST asks the
planner, and the next GET has its answer.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.booking import drafts, edge, manage, picking, time_pages
from fieldservice.booking.picking import Picker
from fieldservice.planning.rooms import request_rooms

type Find = Callable[[Session, str, datetime], Picker]

draft_bp = Blueprint("more", __name__)
visit_bp = Blueprint("more", __name__)


def _of_draft(session: Session, token: str, now: datetime) -> Picker:
    return picking.of_draft(session, drafts.find(session, token, now=now))


def _of_visit(session: Session, token: str, now: datetime) -> Picker:
    visit = links.find_visit(session, token, now=now)
    manage.require_changeable(visit, now=now)
    return picking.of_visit(session, visit, token)


@draft_bp.get("/book/<token>/more-windows", endpoint="show")
@limits.LOOKUP
def draft_more(token: str) -> ResponseReturnValue:
    """Windows that others have to move for."""
    return _more(_of_draft, token)


@draft_bp.post("/book/<token>/more-windows", endpoint="search")
@limits.FORM
def draft_search(token: str) -> ResponseReturnValue:
    """Have the planner look for them."""
    return _search(_of_draft, token)


@draft_bp.get("/book/<token>/missing-windows", endpoint="gone")
@limits.LOOKUP
def draft_gone(token: str) -> ResponseReturnValue:
    """Windows that are not offered, and why."""
    return _gone(_of_draft, token)


@visit_bp.get("/visit/<token>/more-windows", endpoint="show")
@limits.LOOKUP
def visit_more(token: str) -> ResponseReturnValue:
    """Windows that others have to move for."""
    return _more(_of_visit, token)


@visit_bp.post("/visit/<token>/more-windows", endpoint="search")
@limits.FORM
def visit_search(token: str) -> ResponseReturnValue:
    """Have the planner look for them."""
    return _search(_of_visit, token)


@visit_bp.get("/visit/<token>/missing-windows", endpoint="gone")
@limits.LOOKUP
def visit_gone(token: str) -> ResponseReturnValue:
    """Windows that are not offered, and why."""
    return _gone(_of_visit, token)


def _more(find: Find, token: str) -> ResponseReturnValue:
    now, turn = clock.now(), web.row_of(request.args.get("turn", "")) or 0
    with web.services().db.reading() as session:
        picker = find(session, token, now)
        day = _day(picker, now)
        choice = time_pages.more_choice(picker, day, picker.more(session, day, now), turn=turn)
    return render_template("booking/_more_windows.html", more=choice)


def _search(find: Find, token: str) -> ResponseReturnValue:
    now = clock.now()

    def work(session: Session) -> ResponseReturnValue:
        picker = find(session, token, now)
        day = _day(picker, now)
        request_rooms(session, picker.ask, day, now=now, without=picker.without)
        part = request.form.get("then") == "part"
        where = picker.address("more.show", day) if part else picker.address("time", day, more="1")
        return redirect(where, 303)

    return web.once(work, now=now, scope=token)


def _gone(find: Find, token: str) -> ResponseReturnValue:
    now = clock.now()
    with web.services().db.reading() as session:
        picker = find(session, token, now)
        day = _day(picker, now)
        missing = picker.missing(session, day, now)
    return render_template("booking/_gone_windows.html", gone=time_pages.gone_list(picker, day, missing))


def _day(picker: Picker, now: datetime) -> date:
    """The day that the address names; today when it names none."""
    return edge.wanted_day() or picker.wish.territory.local_day(now)
