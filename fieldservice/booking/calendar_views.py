"""The visit in the customer's calendar: as a file, or as a feed that follows every change."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.models import Visit
from fieldservice.models.facts import facts_of
from fieldservice.notify.calendar import calendar_feed

bp = Blueprint("calendar", __name__)


@bp.get("/visit/<token>/calendar")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """The ways into a calendar."""
    settings = web.services().settings
    with web.services().db.reading() as session:
        link = links.find_link(session, token, now=clock.now())
        path = url_for(".feed", feed=links.feed_token(link, settings.secret_key), lang=None)
        address = f"{settings.public_url.rstrip('/')}{path}"
        subscribe = f"webcal://{urlsplit(address).netloc}{urlsplit(address).path}"
        return render_template(
            "booking/calendar.html", visit=link.visit, token=token, address=address, subscribe=subscribe
        )


@bp.get("/calendar/<feed>.ics")
@limits.POLL
def feed(feed: str) -> ResponseReturnValue:
    """What a calendar asks for again and again; it opens nothing else."""
    settings = web.services().settings
    with web.services().db.reading() as session:
        visit = links.find_feed(session, feed, secret_key=settings.secret_key, now=clock.now())
        facts = facts_of(visit, settings, link="") if visit.window else None
        content = calendar_feed(facts, name=settings.company_name, changed_at=_changed_at(visit))
    response = Response(content, content_type="text/calendar; charset=utf-8")
    response.add_etag()
    response.cache_control.private, response.cache_control.no_cache = True, True
    return response.make_conditional(request)


def _changed_at(visit: Visit) -> datetime:
    """When the visit last changed, so that the same visit always makes the same feed."""
    return visit.events[-1].recorded_at if visit.events else visit.created_at
