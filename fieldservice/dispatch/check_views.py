"""What a drop would do, asked while something is dragged. Nothing changes."""

from __future__ import annotations

from datetime import date, datetime, time

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.dispatch import edge, service
from fieldservice.dispatch.edge import staff
from fieldservice.dispatch.wording import Wording
from fieldservice.models import Visit
from fieldservice.planning.judge import Move
from fieldservice.planning.preview import preview
from fieldservice.planning.problem import Day, build, visit_id
from fieldservice.planning.rows import load_day, visit_place
from fieldservice.planning.travel import known_table
from fieldservice.planning.workforce import technicians_of

bp = Blueprint("check", __name__)


@bp.get("/visits/<int:visit_id>/check")
@staff
def check(visit_id: int) -> ResponseReturnValue:
    """Whether a visit may go to `technician` at `start` (HH:MM) of the day `on`, and what it costs."""
    start = _time(request.args.get("start", ""))
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        technician_id = request.args.get("technician", type=web.row_of) or abort(422)
        if not service.can_be_placed(visit):
            abort(409)
        on = request.args.get("on", type=web.day_of) or edge.shown_on(session, visit)
        day = _narrow_day(session, visit, on, technician_id)
        starts_at = datetime.combine(on, start, visit.territory.zone) if start else None
        instead = request.args.get("instead", type=web.row_of)
        found = preview(day, visit, Move(technician_id, on, starts_at, instead=instead))
        return render_template(
            "board/_check.html",
            visit=visit,
            found=found,
            technician_id=technician_id,
            wording=Wording(day, technicians_of(session, visit.territory_id)),
            zone=visit.territory.zone,
        )


def _narrow_day(session: Session, visit: Visit, on: date, technician_id: int) -> Day:
    """The day without the visit, as far as the move touches it: two routes, for a quick answer."""
    touched = {technician_id, *(technician.id for technician in visit.made_by)}
    only = touched if visit.crew == 1 else None  # anybody may join a crew
    rows = load_day(session, visit.territory, on, now=clock.now(), only=only)
    place = visit_place(visit)
    table = known_table(web.services().tables, rows, [place] if place else [])
    return build(rows, table, without=[visit_id(visit)])


def _time(text: str) -> time | None:
    try:
        return time.fromisoformat(text) if len(text) == len("HH:MM") else None
    except ValueError:
        return None
