"""The visits of one booking in words, as each of their pages lists them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.booking import edge, orders
from fieldservice.booking.pages import gettext, state_tag
from fieldservice.language import titled
from fieldservice.models import Visit


@dataclass(frozen=True)
class Line:
    """One visit of a booking; `href` is its own page, empty for the page that one is on."""

    title: str
    when: str
    where: str
    state: tuple[str, str, str]
    href: str


def lines(session: Session, visit: Visit, *, waiting: bool) -> list[Line]:
    """All visits that were booked with this one, in their order; nothing for a visit alone.

    `waiting` says that somebody has to agree to them.
    """
    visits = orders.asked_with(session, visit)
    if len(visits) == 1:
        return []
    several_sites = len({each.work_order.site_id for each in visits}) > 1
    return [
        Line(
            title=titled(each.work_order),
            when=_when(each, waiting=waiting),
            where=each.site.one_line if several_sites else "",
            state=state_tag(each.state),
            href="" if each is visit else edge.visit_url("show", each),
        )
        for each in visits
    ]


def _when(visit: Visit, *, waiting: bool) -> str:
    window, zone = visit.window, visit.territory.zone
    if window is None:
        return gettext("Waiting for approval") if waiting else gettext("No arrival window yet")
    day = web.day_words(window.starts_at.astimezone(zone).date())
    return f"{day}, {web.window_words(window, zone)}"
