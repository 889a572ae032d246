"""What the views share: a POST's work with travel times fetched before its transaction, offers, links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import language, web
from fieldservice.auth import links
from fieldservice.booking import orders, service
from fieldservice.booking.drafts import Draft
from fieldservice.booking.forms import ContactForm, Internal
from fieldservice.booking.new_visits import Company, company_of
from fieldservice.booking.several import Leg
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Visit, Window
from fieldservice.planning.travel import with_travel

type Tables = Mapping[date, TravelTable]
type Work = Callable[[Session, Tables], ResponseReturnValue]


@dataclass(frozen=True)
class Where:
    """Which routes a change touches: a territory's, on some days, and the places that are new there."""

    territory_id: int
    days: Sequence[date]
    places: Sequence[Coordinates] = ()


def once_with_travel(work: Work, where: Where, *, now: datetime, scope: str) -> Response:
    """`web.once` for work that changes routes; it is given the travel tables of their days."""
    services = web.services()
    return with_travel(
        services.db,
        services.tables,
        where.territory_id,
        where.days,
        where.places,
        now=now,
        work=lambda tables: web.once(lambda session: work(session, tables), now=now, scope=scope),
    )


def recall_language() -> None:
    """Before a private page is made: speak as its customer chose."""
    if request.url_rule is not None and request.url_rule.rule.startswith("/visit/<token>"):
        with web.services().db.reading() as session:
            language.speak(links.find_locale(session, (request.view_args or {})["token"]))


def wanted_day() -> date | None:
    """The day that the page's address asks for; None when it names none."""
    return web.day_of(request.args.get("day", ""))


def company() -> Company:
    """What the settings say about references and private links."""
    return company_of(web.services().settings)


def answers_of(draft: Draft, form: ContactForm, windows: Sequence[Window]) -> list[service.Answers]:
    """All that the draft's visits are made from: what it says, and who asks; without windows none has one."""
    chosen: Sequence[Window | None] = windows or [None] * len(draft.legs)
    each = [_answers(draft, leg, form, window) for leg, window in zip(draft.legs, chosen, strict=True)]
    return orders.asked_together(each, follow=not draft.at_sites) if len(each) > 1 else each


def _answers(draft: Draft, leg: Leg, form: ContactForm, window: Window | None) -> service.Answers:
    first = leg.wanted[0]
    return service.Answers(
        service=leg.service,
        also=leg.wanted[1:],
        territory=draft.area,
        site=leg.site or draft.site,
        window=window,
        preferred_technician_id=draft.technician_id if len(draft.legs) == 1 else None,
        only_preferred=draft.technician_id is not None and len(draft.legs) == 1,
        requester=form.requester,
        site_contact=form.site_contact,
        payer=form.payer,
        cost_centre=form.cost_centre.data if form.internal.asked else "",
        internal=form.internal.includes(form.requester.email),
        problem=first.problem,
        questions=first.questions,
        tried=draft.answers.tried if leg is draft.legs[0] else {},
        locale=language.locale(),
    )


def contact_form(draft: Draft, **values: Any) -> ContactForm:
    """The form of the draft's customer, as the settings and what is known of them want it."""
    settings = web.services().settings
    internal = Internal(draft.answers.internal, settings.internal_mail_domains, settings.cost_centre_pattern)
    calls_back = any(leg.service.calls_back for leg in draft.legs)
    return ContactForm(country=settings.country, internal=internal, calls_back=calls_back, **values)


def visit_url(endpoint: str, visit: Visit) -> str:
    """The address of one of the visit's private pages."""
    token = links.token_of(visit.links[-1], web.services().settings.secret_key)
    return url_for(f"booking.visit.{endpoint}", token=token)
