"""A customer's own data: what is stored about them; `erasing` forgets it.

Whoever has a private link has not proved who they are. So reading and erasing need a code that was sent to
the requester's e-mail address, or phone for who gave none; they reach every work order with this address and
no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.booking import kept, strangers
from fieldservice.models import (
    Approval,
    AreaWish,
    Attachment,
    ContactRole,
    Customer,
    InboundMessage,
    OfficeTask,
    OutboxMessage,
    Purpose,
    Role,
    Service,
    ServicePlan,
    Unreachable,
    Visit,
    VisitAsset,
    VisitReport,
    WaitingEntry,
    WindowOffer,
    WorkOrder,
)

SAFE_AFTER = timedelta(hours=48)


class ChangedLately(Exception):
    """The address that a code would go to was changed a short time ago; the old one was told."""

    def __init__(self, until: datetime, zone: ZoneInfo) -> None:
        super().__init__(f"until {until}")
        self.until = until
        self.zone = zone


def require_settled(visit: Visit, *, now: datetime) -> None:
    """Raise ChangedLately for two days after e-mail or phone were changed behind the link.

    Else whoever got hold of a link could have the code sent to themselves.
    """
    for event in visit.events:
        changed = event.payload.get("fields", ()) if event.kind == "corrected" else ()
        if {"email", "phone"} & set(changed) and event.recorded_at + SAFE_AFTER > now:
            raise ChangedLately(event.recorded_at + SAFE_AFTER, visit.territory.zone)


def orders_of(session: Session, visit: Visit) -> list[WorkOrder]:
    """The work orders of whoever reads the e-mail, or the phone, of this visit's requester."""
    requester = visit.work_order.contact(Role.REQUESTER)
    if requester is None:
        return [visit.work_order]
    same = ContactRole.email == requester.email
    if not requester.email:
        same = (ContactRole.phone == requester.phone) & (ContactRole.email == "")
    query = (
        select(WorkOrder)
        .join(ContactRole, ContactRole.work_order_id == WorkOrder.id)
        .where(ContactRole.role == Role.REQUESTER, same)
        .order_by(WorkOrder.id)
    )
    return list(session.scalars(query))


def export(session: Session, visit: Visit) -> dict[str, Any]:
    """Everything that is stored about the person, and nothing about anybody else."""
    orders = orders_of(session, visit)
    customers = {order.customer.id: order.customer for order in orders if _is_own(order)}
    ways = strangers.ways_to(session, orders)
    return {
        "customers": [_customer(customer) for customer in customers.values()],
        "work_orders": [_order(session, order) for order in orders],
        "texts_you_sent": [_text(text) for text in strangers.texts_of(session, ways)],
        "questions_before_a_visit": [task.detail for task in strangers.tasks_of(session, ways)],
        "conversations_without_a_visit": [strangers.transcript(guest) for guest in ways.strangers],
        "messages_without_a_visit": [_sent(message) for message in strangers.sent_to(session, ways)],
        "addresses_that_do_not_work": [_mark(mark) for mark in strangers.marks_of(session, ways)],
        "areas_to_be_told_of": [_wish(session, wish) for wish in wishes_of(session, address_of(visit))],
    }


def files_of(session: Session, visit: Visit) -> dict[str, Attachment]:
    """Photos and documents of the person's visits, by the names that they have in the download.

    One with a virus is left out; the export names it.
    """
    found = (attachment for order in orders_of(session, visit) for attachment in order.attachments)
    return {name: attachment for attachment in found if (name := _file_name(attachment))}


def _file_name(attachment: Attachment) -> str:
    """A name of ours: what a file was called where it came from is no safe name everywhere."""
    ending = "jpg" if attachment.is_photo else "pdf"
    return "" if attachment.harmful else f"files/{attachment.id}.{ending}"


def _file(attachment: Attachment) -> dict[str, Any]:
    columns = ("name", "caption", "media_type", "size", "sha256", "actor", "created_at")
    return {"file": _file_name(attachment), **_columns(attachment, *columns)}


def address_of(visit: Visit) -> str:
    requester = visit.work_order.contact(Role.REQUESTER)
    return requester.email if requester else ""


def wishes_of(session: Session, email: str) -> Sequence[AreaWish]:
    """What somebody left before they were a customer, under the same e-mail address."""
    if not email:
        return []
    same = func.lower(AreaWish.email) == email.lower()
    return session.scalars(select(AreaWish).where(same).order_by(AreaWish.id)).all()


def _sent(message: OutboxMessage) -> dict[str, Any]:
    """What went out for no visit; what makes a code is nobody's."""
    return _columns(message, "kind", "channel", "recipient", "state", "due_at", "sent_at", "sent_text")


def _mark(mark: Unreachable) -> dict[str, Any]:
    return _columns(mark, "channel", "address", "reason", "since")


def _text(text: InboundMessage) -> dict[str, Any]:
    return _columns(text, "channel", "sender", "body", "received_at", "outcome")


def _wish(session: Session, wish: AreaWish) -> dict[str, Any]:
    return {
        "service": session.get_one(Service, wish.service_id).name,
        **_columns(wish, "email", "city", "postcode", "lat", "lon", "locale", "created_at"),
    }


def _is_own(order: WorkOrder) -> bool:
    """Whether the customer's row is of the requester, not of somebody with the same phone."""
    requester = order.contact(Role.REQUESTER)
    return requester is not None and order.customer.email == requester.email


def _customer(customer: Customer) -> dict[str, Any]:
    return _columns(customer, "name", "email", "phone", "locale", "created_at")


def _order(session: Session, order: WorkOrder) -> dict[str, Any]:
    requester = order.contact(Role.REQUESTER)
    return {
        "service": order.service.name,
        **_columns(
            order, "problem", "answers", "said", "also", "cost_centre", "source", "locale", "created_at"
        ),
        "contact": _columns(requester, "name", "email", "phone") if requester else None,
        "people_you_named": [
            _columns(contact, "role", "name", "email", "phone", "address", "reference")
            for contact in order.contacts
            if contact.role != Role.REQUESTER
        ],
        "approval": [
            _columns(approval, "email", "state", "created_at", "expires_at", "decided_at", "reason")
            for approval in approvals_of(session, order)
        ],
        "site": _columns(
            order.site,
            "address",
            "unit",
            "city",
            "postcode",
            "country",
            "lat",
            "lon",
            "access_kind",
            "access_notes",
        ),
        "consents": {purpose.value: order.allows(purpose) for purpose in Purpose},
        "visits": [_visit(session, visit) for visit in order.visits],
        "photos_and_documents": [_file(attachment) for attachment in order.attachments],
        "service_plan": _plan(order.service_plan) if order.service_plan else None,
    }


def _plan(plan: ServicePlan) -> dict[str, Any]:
    terms = "every unit anchor_on season_from season_to skip_holidays starts_on term_months ends_on renewal"
    likes = "preferred_weekdays preferred_part created_at ended_at end_reason"
    dates = "due_on closes_on moved_at invited_at reminded_at skipped_at skip_reason missed_at"
    return {
        **_columns(plan, *terms.split(), *likes.split()),
        "dates": [
            {"state": occurrence.state, **_columns(occurrence, *dates.split())}
            for occurrence in plan.occurrences
        ],
    }


def approvals_of(session: Session, order: WorkOrder) -> Sequence[Approval]:
    """What somebody was asked about the order and those that were asked for with it."""
    if not order.request_key:
        return []
    return session.scalars(select(Approval).where(Approval.request_key == order.request_key)).all()


_SENT = (
    *("kind", "channel", "recipient", "state", "due_at", "sent_at"),
    *("payload", "last_error", "sent_subject", "sent_text"),
)


def _visit(session: Session, visit: Visit) -> dict[str, Any]:
    conversation, feedback = visit.conversation, visit.feedback
    messages = conversation.messages if conversation else []
    tasks = session.scalars(select(OfficeTask).where(OfficeTask.visit_id == visit.id))
    return {
        **_columns(visit, "reference", "state", "window_starts_at", "window_ends_at", "created_at"),
        **_columns(visit, "free_until", "late_fee", "fee_due"),
        "history": [_columns(event, "kind", "to_state", "occurred_at", "payload") for event in visit.events],
        "conversation": [
            _columns(message, "author", "channel", "at", "body", "folded") for message in messages
        ],
        "written_from": [strangers.named(guest) for guest in (conversation.guests if conversation else [])],
        "feedback": _columns(feedback, "rating", "points", "kind", "body", "changed_at")
        if feedback
        else None,
        "messages": [_columns(message, *_SENT) for message in visit.messages],
        "report": _columns(report, "checks", "parts", "notes", "signed_by", "signed_at", "said_at")
        if (report := session.get(VisitReport, visit.id))
        else None,
        "equipment": [
            _columns(row, "name", "make", "model", "serial", "said_at")
            for row in session.scalars(select(VisitAsset).where(VisitAsset.visit_id == visit.id))
        ],
        "kept_of_a_phone": [
            _columns(row, "label", "fields", "reason", "file_name", "tapped_at")
            for row in kept.of_visit(session, visit)
        ],
        "tasks_of_the_office": [_columns(task, "kind", "detail", "created_at", "done_at") for task in tasks],
        "waiting_list": [_entry(entry) for entry in entries_of(session, visit)],
        "browsers_that_are_notified": [
            _columns(device, "endpoint", "p256dh", "auth", "created_at") for device in visit.devices
        ],
        "offered_windows": [
            _columns(offer, "windows", "state", "created_at", "expires_at")
            for offer in session.scalars(select(WindowOffer).where(WindowOffer.visit_id == visit.id))
        ],
    }


def entries_of(session: Session, visit: Visit) -> Sequence[WaitingEntry]:
    return session.scalars(select(WaitingEntry).where(WaitingEntry.visit_id == visit.id)).all()


def _entry(entry: WaitingEntry) -> dict[str, Any]:
    offered = ("window_starts_at", "window_ends_at", "state", "created_at", "expires_at")
    return {
        **_columns(entry, "any_time", "state", "joined_at"),
        "offers": [_columns(offer, *offered) for offer in entry.offers],
    }


def _columns(row: object, *names: str) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: value.isoformat() if isinstance(value, date) else value for name, value in values.items()}
