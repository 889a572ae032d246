"""The hours of the technicians of a territory: a week on a page, and as a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.dispatch import edge, hours_file
from fieldservice.dispatch.edge import staff
from fieldservice.models import Territory
from fieldservice.planning import time_sheets
from fieldservice.planning.time_sheets import SheetWeek
from fieldservice.sheets import csv_file

bp = Blueprint("hours", __name__)


@bp.get("/<day:on>/hours")
@staff
def week(on: date) -> ResponseReturnValue:
    """Who worked how long in the week of a day, by taps and corrections."""
    now = clock.now()
    with web.services().db.reading() as session:
        territory = edge.territory_of(session)
        return render_template(
            "board/hours.html",
            on=on,
            days=time_sheets.days_of_week(on),
            weeks=_weeks(session, territory, on, now),
            territory=territory,
            zone=territory.zone,
            today=territory.local_day(now),
            before=on - timedelta(days=7),
            after=on + timedelta(days=7),
        )


@bp.get("/<day:on>/hours.csv")
@staff
def file(on: date) -> ResponseReturnValue:
    """The same as a file, a line for each technician and day."""
    with web.services().db.reading() as session:
        territory = edge.territory_of(session)
        rows = hours_file.rows(_weeks(session, territory, on, clock.now()), territory.zone)
        return csv_file(f"hours-{time_sheets.days_of_week(on)[0]}", hours_file.COLUMNS, rows)


def _weeks(session: Session, territory: Territory, on: date, now: datetime) -> Sequence[SheetWeek]:
    people = time_sheets.who_worked(session, territory, on)
    return time_sheets.weeks(session, people, on, now=now)
