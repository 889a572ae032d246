"""What the views share: a POST's work with travel times fetched before its transaction, offers, links."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.auth import links
from fieldservice.booking import service
from fieldservice.booking.drafts import Draft
from fieldservice.booking.forms import ContactForm
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


def wanted_day() -> date | None:
    """The day that the page's address asks for; None when it names none."""
    return web.day_of(request.args.get("day", ""))


def company() -> service.Company:
    """What the settings say about references and private links."""
    settings = web.services().settings
    return service.Company(
        prefix=service.reference_prefix(settings.company_name), secret_key=settings.secret_key
    )


def answers_of(draft: Draft, form: ContactForm, window: Window | None) -> service.Answers:
    """All that a visit is made from: what the draft says, and who asks."""
    return service.Answers(
        service=draft.service,
        territory=draft.area,
        site=draft.site,
        window=window,
        preferred_technician_id=draft.technician_id,
        only_preferred=draft.technician_id is not None,
        requester=form.requester,
        site_contact=form.site_contact,
        payer=form.payer,
        problem=draft.answers.problem,
        questions=draft.answers.questions,
        tried=draft.answers.tried,
        locale=web.services().settings.locale,
    )


def visit_url(endpoint: str, visit: Visit) -> str:
    """The address of one of the visit's private pages."""
    token = links.token_of(visit.links[-1], web.services().settings.secret_key)
    return url_for(f"booking.visit.{endpoint}", token=token)
