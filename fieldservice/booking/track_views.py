"""The page that follows the technician, until the visit is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.booking.pages import gettext, state_words
from fieldservice.models import Visit
from fieldservice.planning import track

bp = Blueprint("track", __name__)

WORTH_SAYING = timedelta(minutes=5)


@bp.get("/visit/<token>/track")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """The arrival as the biggest text, then the window, then who comes."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        return render_template("booking/track.html", **_values(session, visit, token, now))


@bp.get("/visit/<token>/track/part")
@limits.POLL
def part(token: str) -> ResponseReturnValue:
    """What changes, for the poll; it stops asking when the visit is over."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        return render_template("booking/_track.html", **_values(session, visit, token, now))


def _values(session: Session, visit: Visit, token: str, now: datetime) -> dict[str, Any]:
    tracking = track.tracking(session, visit, tables=web.services().tables, now=now)
    told = _told(request.args.get("told", ""))
    news = told is not None and _is_news(tracking, told)
    shown = tracking.arrives_at if told is None or news else told
    return {
        "visit": visit,
        "token": token,
        "zone": visit.territory.zone,
        "tracking": tracking,
        "people": len(visit.made_by),
        "names": web.names_words([technician.name for technician in visit.made_by]),
        "now": now,
        "told": shown.isoformat() if shown and tracking.arrives_at else "",
        "news": _news_words(tracking, visit) if news else "",
        "state": state_words(tracking.state),
    }


def _told(text: str) -> datetime | None:
    """The arrival that was said last, as the page's own address has it."""
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        return None
    return told if told.tzinfo is not None and 2000 <= told.year <= 2200 else None


def _is_news(tracking: track.Tracking, told: datetime) -> bool:
    """A screen reader is told a change of five minutes or more, and that the technician is there."""
    return tracking.arrives_at is None or abs(tracking.arrives_at - told) >= WORTH_SAYING


def _news_words(tracking: track.Tracking, visit: Visit) -> str:
    if tracking.arrives_at is None:
        return state_words(tracking.state)
    return gettext("Arriving around %(time)s", time=web.clock_time(tracking.arrives_at, visit.territory.zone))
