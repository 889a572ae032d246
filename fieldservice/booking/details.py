"""Correct how a customer is reached and what the technician should know, after booking."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.booking.drafts import Contact
from fieldservice.booking.manage import NotOpen
from fieldservice.booking.service import CUSTOMER
from fieldservice.models import ContactRole, MessageState, Role, Site, Visit, VisitState, WorkOrder
from fieldservice.models.reminders import is_reminder
from fieldservice.models.visit import ENDED

FIELDS = ("name", "phone", "email", "access_notes", "problem")
_CHANNELS = {"email": "email", "phone": "sms"}
_SITE_COLUMNS = (
    "customer_id",
    "territory_id",
    "address",
    "unit",
    "city",
    "postcode",
    "country",
    "lat",
    "lon",
    "geocoded_by",
    "geocode_match",
    "geocode_score",
    "geocoded_at",
    "pin_set_by_person",
    "access_kind",
)


@dataclass(frozen=True, kw_only=True)
class Details:
    """What can be corrected."""

    contact: Contact
    access_notes: str
    problem: str


def require_correctable(visit: Visit) -> ContactRole:
    """The requester, whose details can be corrected until the visit has ended. Raises NotOpen."""
    requester = visit.work_order.contact(Role.REQUESTER)
    if visit.state in ENDED or requester is None:
        raise NotOpen(visit)
    return requester


def correct(session: Session, visit: Visit, details: Details, *, now: datetime) -> list[str]:
    """Store what is different, send what is still to be sent to the new address, say which fields changed.

    Nothing of the customer's other visits changes: whoever has the link has not proved who they are.
    Raises NotOpen.
    """
    session.refresh(visit, with_for_update={"of": Visit})
    requester = require_correctable(visit)
    changed = _correct_contact(session, visit, requester, details.contact, now=now)
    if visit.site.access_notes != details.access_notes:
        _own_site(session, visit.work_order).access_notes = details.access_notes
        changed.append("access_notes")
    if visit.work_order.problem != details.problem:
        visit.work_order.problem = details.problem
        changed.append("problem")
    for name in changed:
        if name in _CHANNELS:
            _redirect(visit, _CHANNELS[name], getattr(details.contact, name), now=now)
    if changed:
        visit.record("corrected", occurred_at=now, now=now, actor=CUSTOMER, payload={"fields": changed})
    return changed


def _correct_contact(
    session: Session, visit: Visit, requester: ContactRole, wanted: Contact, *, now: datetime
) -> list[str]:
    old = Contact(name=requester.name, email=requester.email, phone=requester.phone)
    changed = [name for name in ("name", "phone", "email") if getattr(old, name) != getattr(wanted, name)]
    for name in changed:
        if name in _CHANNELS and getattr(
            old, name
        ):  # it may have been somebody else who got hold of the link
            visit.tell("corrected", due_at=now, now=now, channel=_CHANNELS[name])
    order = visit.work_order
    people: list[object] = [
        role
        for role in order.contacts
        if (role.name, role.email, role.phone) == (old.name, old.email, old.phone)
    ]
    if _orders_of(session, WorkOrder.customer_id == order.customer_id) == 1:
        people.append(order.customer)
    for person in people:
        for name in changed:
            setattr(person, name, getattr(wanted, name))
    return changed


def _own_site(session: Session, order: WorkOrder) -> Site:
    """The site of this work order alone: one that others use, too, is left as it is."""
    site = order.site
    if _orders_of(session, WorkOrder.site_id == site.id) > 1:
        site = Site(**{name: getattr(site, name) for name in _SITE_COLUMNS})
        session.add(site)
        order.site = site
    return site


def _orders_of(session: Session, condition: object) -> int:
    return session.execute(select(func.count(WorkOrder.id)).where(condition)).scalar_one()  # type: ignore[arg-type]


def _redirect(visit: Visit, channel: str, address: str, *, now: datetime) -> None:
    """What waits on a channel goes to the new address, which also gets what was said before."""
    waiting = [
        message
        for message in visit.messages
        if message.state == MessageState.PENDING
        and message.kind != "corrected"
        and message.role == Role.REQUESTER
    ]
    mine = [message for message in waiting if message.channel == channel]
    for message in mine:
        message.recipient = address or message.recipient
        message.state = message.state if address else MessageState.CANCELLED
    if not address:
        return
    if not mine:
        for message in waiting:
            if is_reminder(message.kind):
                visit.tell(message.kind, due_at=message.due_at, now=now, channel=channel)
    said = any(message.kind == "confirmation" and message in mine for message in waiting)
    if visit.promised and visit.state in (VisitState.BOOKED, VisitState.DISPATCHED) and not said:
        visit.tell("confirmation", due_at=now, now=now, channel=channel)
