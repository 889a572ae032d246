"""Finding the way to a day: the week with its load, and the search over visits."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from fieldservice import clock, web
from fieldservice.dispatch import edge
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.search import LONGEST, SHOWN, visits_found
from fieldservice.dispatch.week import week_of

bp = Blueprint("find", __name__)


@bp.get("/<day:on>/week")
@staff
def week(on: date) -> ResponseReturnValue:
    """The week of a day: what every technician has to do on each of its days."""
    with web.services().db.reading() as session:
        territory = edge.territory_of(session)
        return render_template(
            "board/week.html",
            on=on,
            week=week_of(session, territory, on),
            territory=territory,
            today=territory.local_day(clock.now()),
            before=on - timedelta(days=7),
            after=on + timedelta(days=7),
        )


@bp.get("/search")
@staff
def search() -> ResponseReturnValue:
    """The visits in which the words of `q` occur, each with the way to its day."""
    text = request.args.get("q", "").replace("\x00", " ").strip()[:LONGEST]
    with web.services().db.reading() as session:
        visits = visits_found(session, text)
        days = {visit.id: edge.shown_on(session, visit) for visit in visits}
        return render_template("board/search.html", text=text, visits=visits, days=days, most=SHOWN)
