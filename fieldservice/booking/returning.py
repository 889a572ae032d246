"""Customers who booked before: a code proves who they are, and then their booking begins filled in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from fieldservice.auth import visitors
from fieldservice.auth.abuse import Level
from fieldservice.auth.visitors import Asked, Reach
from fieldservice.booking import again, drafts, manage, places
from fieldservice.booking.drafts import Draft, DraftAnswers
from fieldservice.models import (
    BookingDraft,
    CodePurpose,
    ContactRole,
    Place,
    Role,
    Service,
    Site,
    VisitorCode,
    WorkOrder,
)

ORDERS_READ = 50
SITES_SHOWN = 5
SERVICES_SHOWN = 3


def ask(
    session: Session, to: Reach, draft: BookingDraft | None, *, locale: str, secret_key: str, now: datetime
) -> VisitorCode:
    """Send a code to an address that a visit was booked with, or seem to. Raises TooManyCodes.

    `draft` is what the customer has answered already.
    """
    newest = session.scalar(_orders(to).limit(1))
    asked = Asked(
        purpose=CodePurpose.RETURNING,
        draft_id=draft.id if draft is not None else None,
        work_order_id=newest.id if newest is not None else None,
        known=newest is not None,
        locale=locale,
    )
    return visitors.send(session, to, asked, secret_key=secret_key, now=now)


def orders_of(session: Session, code: VisitorCode) -> list[WorkOrder]:
    """The orders of whoever reads the address of the code, the newest first; none for an unknown address."""
    newest = session.get(WorkOrder, code.work_order_id) if code.work_order_id is not None else None
    requester = newest.contact(Role.REQUESTER) if newest is not None else None
    if requester is None:
        return []
    address = requester.email if code.channel == "email" else requester.phone
    orders = _orders(Reach(code.channel, address)).limit(ORDERS_READ)
    return list(session.scalars(orders)) if address else []


def resume(
    session: Session,
    code: VisitorCode,
    orders: Sequence[WorkOrder],
    *,
    now: datetime,
    network: str | None = None,
) -> BookingDraft:
    """The draft of the code, or a new one, with all that is known from these orders.

    Its customer has proved an address, so no other check than a refusal is asked of them.
    """
    started = session.get(BookingDraft, code.draft_id) if code.draft_id is not None else None
    open_still = started is not None and started.visit_id is None and started.expires_at > now
    if started is not None and open_still and not started.answers["service"]:
        service = orders[0].service
        known = DraftAnswers(service=service.code, **known_answers(session, orders, service))
        started.answers, started.passed = known.to_json(), Level.CODE
        return started
    if started is not None and open_still:
        draft = drafts.find(session, started.token, now=now, lock=True, even_call_us=True)
        drafts.keep(draft, **known_answers(session, orders, draft.service))
        draft.row.passed = Level.CODE
        return draft.row
    service = orders[0].service
    answers = DraftAnswers(service=service.code, **known_answers(session, orders, service))
    row = drafts.start(session, answers, now=now, network=network)
    row.passed = Level.CODE
    return row


def has_picked(session: Session, code: VisitorCode) -> bool:
    """Whether a service was picked before the code was asked for, and not only photos were chosen."""
    started = session.get(BookingDraft, code.draft_id) if code.draft_id is not None else None
    return started is not None and bool(started.answers["service"])


def known_answers(session: Session, orders: Sequence[WorkOrder], service: Service) -> dict[str, Any]:
    """What the newest of the orders says, with the sites and services of all of them."""
    newest, sites = orders[0], _sites(orders)
    answers: dict[str, Any] = {
        "contact": again.contact_of(newest),
        "saved_sites": [site.id for site in sites],
        "had": list(dict.fromkeys(order.service.code for order in orders))[:SERVICES_SHOWN],
        "known_technician_id": manage.known_technician_id(newest.visits[-1]) if newest.visits else None,
    }
    return answers | (_place(session, sites[0]) if sites and service.place != Place.AT_BRANCH else {})


def keep_site(session: Session, draft: Draft, site: Site) -> bool:
    """Let a locked draft go to one of its customer's sites; says whether we come there."""
    place = _place(session, site)
    drafts.keep(draft, **place)
    return place["territory_id"] is not None


def _place(session: Session, site: Site) -> dict[str, Any]:
    answers = again.site_answers(site)
    territory = places.territory_of(session, answers)  # its borders may have moved since
    return {"site": answers, "territory_id": territory.id if territory is not None else None}


def saved_sites(session: Session, answers: DraftAnswers) -> list[Site]:
    """The sites that a draft's customer may choose from, the last one first."""
    found = {site.id: site for site in session.scalars(select(Site).where(Site.id.in_(answers.saved_sites)))}
    return [found[site_id] for site_id in answers.saved_sites if site_id in found]


def _sites(orders: Sequence[WorkOrder]) -> list[Site]:
    """The places of the orders, each once; where one came to us is no place of theirs."""
    places: dict[tuple[str, ...], Site] = {}
    for order in orders:
        site = order.site
        if site.geocoded_by != "branch":
            places.setdefault((site.address, site.unit, site.city, site.postcode), site)
    return list(places.values())[:SITES_SHOWN]


def _orders(to: Reach) -> Select[WorkOrder]:
    column = ContactRole.email if to.channel == "email" else ContactRole.phone
    return (
        select(WorkOrder)
        .join(ContactRole, ContactRole.work_order_id == WorkOrder.id)
        .where(ContactRole.role == Role.REQUESTER, column.in_({to.address, to.address.lower()}))
        .order_by(WorkOrder.id.desc())
    )
