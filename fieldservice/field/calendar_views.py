"""A technician's work in their own calendar: a feed behind a token, for what cannot sign in."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.auth.links import LinkUnknown
from fieldservice.models import Plan, Route, Stop, StopKind, Technician
from fieldservice.notify.calendar import Work, work_feed

bp = Blueprint("calendar", __name__)

BACK = timedelta(days=7)
AHEAD = timedelta(days=28)


@bp.get("/calendar/<feed>.ics")
@limits.POLL
def feed(feed: str) -> ResponseReturnValue:
    """The visits of a week back and four ahead; it opens nothing else."""
    settings = web.services().settings
    with web.services().db.reading() as session:
        user = links.find_worker(session, feed, secret_key=settings.secret_key)
        technician = session.scalar(
            select(Technician).where(Technician.user_id == user.id, Technician.active)
        )
        if technician is None:
            raise LinkUnknown
        work = _work(session, technician, now=clock.now())
        name = f"{settings.company_name}: {technician.name}"
        content = work_feed(work, name=name, zone=technician.territory.zone)
    response = Response(content, content_type="text/calendar; charset=utf-8")
    response.add_etag()
    response.cache_control.private, response.cache_control.no_cache = True, True
    return response.make_conditional(request)


def _work(session: Session, technician: Technician, *, now: datetime) -> list[Work]:
    rows = session.execute(
        select(Stop, Plan.dispatched_at)
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .where(Stop.technician_id == technician.id, Stop.kind.in_((StopKind.VISIT, StopKind.CREW)))
        .where(Stop.starts_at >= now - BACK, Stop.starts_at < now + AHEAD)
        .order_by(Stop.starts_at)
    )
    host = web.services().settings.company_email.rpartition("@")[2]
    return [
        Work(
            uid=f"work-{stop.work.reference}@{host}",
            starts_at=stop.starts_at,
            ends_at=stop.ends_at,
            what=stop.work.work_order.title,
            address=stop.work.site.one_line,
            sure=dispatched_at is not None,
        )
        for stop, dispatched_at in rows
        if stop.work is not None
    ]
