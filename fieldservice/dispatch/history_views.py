"""The history of a day: who did what, when and why, with the way back and forth."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from fieldservice import clock, web
from fieldservice.dispatch import edge, past
from fieldservice.dispatch.edge import staff
from fieldservice.planning.rows import load_day
from fieldservice.planning.undo import redoable_change, undoable_change

bp = Blueprint("history", __name__)


@bp.get("/<day:on>/history")
@staff
def show(on: date) -> ResponseReturnValue:
    """What was done to a day, newest first."""
    with web.services().db.reading() as session:
        territory = edge.territory_of(session)
        rows = load_day(session, territory, on, now=clock.now())
        return render_template(
            "board/history.html",
            on=on,
            zone=territory.zone,
            entries=past.entries_of(session, rows.plan, territory.zone) if rows.plan else [],
            undoable=undoable_change(session, rows),
            redoable=redoable_change(session, rows),
        )
