"""A customer's own data: what is stored about them, and its erasure.

Whoever has a private link has not proved who they are. So both need a code that was sent to the requester's
e-mail address, or phone for who gave none; they reach every work order with this very address, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Text, cast, delete, func, select, update
from sqlalchemy import event as events
from sqlalchemy.orm import Session

from fieldservice.attachments import service as attachments
from fieldservice.booking.service import CUSTOMER
from fieldservice.files import FileStore
from fieldservice.models import (
    AccessCode,
    Approval,
    AreaWish,
    Attachment,
    AuditEntry,
    BookingDraft,
    ContactRole,
    Customer,
    DrivePosition,
    Hold,
    InboundMessage,
    Job,
    OfficeTask,
    OutboxMessage,
    PlanChange,
    PrivateLink,
    Purpose,
    Role,
    Service,
    ServicePlan,
    Site,
    TextStop,
    Visit,
    VisitEvent,
    VisitorCode,
    WaitingEntry,
    WaitingOffer,
    WorkOrder,
)
from fieldservice.models.visit import ENDED
from fieldservice.notify import Channels
from fieldservice.planning import service as planning
from fieldservice.planning import service_plans

ERASED = "–"
SAFE_AFTER = timedelta(hours=48)
_LEAST_DIGITS = 7
_COARSE = 2  # decimals of a degree: about a kilometre, enough for the routes of past days


class VisitsAhead(Exception):
    """Somebody is still to come, and has to know where to; `on` is the day, if one is promised."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        super().__init__(f"{len(visits)} visits have not ended")
        dated = (visit.territory.local_day(at) for visit in visits if (at := visit.window_starts_at))
        self.on = min(dated, default=None)


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
    return {
        "customers": [_customer(customer) for customer in customers.values()],
        "work_orders": [_order(session, order) for order in orders],
        "texts_you_sent": [_text(text) for text in _texts(session, visit)],
        "areas_to_be_told_of": [_wish(session, wish) for wish in _wishes(session, _address(visit))],
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


def _address(visit: Visit) -> str:
    requester = visit.work_order.contact(Role.REQUESTER)
    return requester.email if requester else ""


def _wishes(session: Session, email: str) -> Sequence[AreaWish]:
    """What somebody left before they were a customer, under the same e-mail address."""
    if not email:
        return []
    same = func.lower(AreaWish.email) == email.lower()
    return session.scalars(select(AreaWish).where(same).order_by(AreaWish.id)).all()


def _texts(session: Session, visit: Visit) -> Sequence[InboundMessage]:
    """What came from the requester's number, about whichever visit."""
    requester = visit.work_order.contact(Role.REQUESTER)
    if requester is None or not requester.phone:
        return []
    query = select(InboundMessage).where(InboundMessage.sender == requester.phone).order_by(InboundMessage.id)
    return session.scalars(query).all()


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
            for approval in _approvals(session, order)
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


def _approvals(session: Session, order: WorkOrder) -> Sequence[Approval]:
    """What somebody was asked about the order and those that were asked for with it."""
    if not order.request_key:
        return []
    return session.scalars(select(Approval).where(Approval.request_key == order.request_key)).all()


def _visit(session: Session, visit: Visit) -> dict[str, Any]:
    conversation, feedback = visit.conversation, visit.feedback
    messages = conversation.messages if conversation else []
    tasks = session.scalars(select(OfficeTask).where(OfficeTask.visit_id == visit.id))
    return {
        **_columns(visit, "reference", "state", "window_starts_at", "window_ends_at", "created_at"),
        "history": [_columns(event, "kind", "to_state", "occurred_at", "payload") for event in visit.events],
        "conversation": [_columns(message, "author", "channel", "at", "body") for message in messages],
        "feedback": _columns(feedback, "rating", "points", "kind", "body", "changed_at")
        if feedback
        else None,
        "messages": [
            _columns(
                message,
                "kind",
                "channel",
                "recipient",
                "state",
                "due_at",
                "sent_at",
                "payload",
                "last_error",
                "sent_subject",
                "sent_text",
            )
            for message in visit.messages
        ],
        "tasks_of_the_office": [_columns(task, "kind", "detail", "created_at", "done_at") for task in tasks],
        "waiting_list": [_entry(entry) for entry in _entries(session, visit)],
    }


def _entries(session: Session, visit: Visit) -> Sequence[WaitingEntry]:
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


def require_erasable(session: Session, visit: Visit) -> list[WorkOrder]:
    """What would be erased. Raises VisitsAhead while somebody is still to come."""
    orders = orders_of(session, visit)
    ahead = [
        other
        for order in orders
        for other in order.visits
        if other.state not in ENDED and not _is_only_invited(other)
    ]
    if ahead:
        raise VisitsAhead(ahead)
    return orders


def _is_only_invited(visit: Visit) -> bool:
    """Whether nobody comes yet: a service plan invites its customer to pick a window."""
    return visit.occurrence is not None and visit.window is None


def _end_plans(session: Session, orders: Iterable[WorkOrder], *, now: datetime) -> None:
    """End service plans, with what customers said when they skipped visits; the sweep waits meanwhile."""
    plans = [order.service_plan for order in orders if order.service_plan is not None]
    service_plans.lock_plans(session, [plan.id for plan in plans])
    for plan in plans:
        service_plans.reread(session, plan)
        if plan.ended_at is None:
            service_plans.end(plan, reason="", now=now, actor=CUSTOMER)
        plan.end_reason = ""
        for occurrence in plan.occurrences:
            service_plans.withdraw(occurrence, now=now, actor=CUSTOMER)
            occurrence.skip_reason = ""
    session.flush()


def erase(session: Session, visit: Visit, *, store: FileStore, channels: Channels, now: datetime) -> int:
    """Forget the person: who they are, where they live, what they wrote and sent. Returns how many orders
    there were.

    What stays is that work was done: day, service, technician, stars. The private links end. Photos and
    documents go from the store when the transaction has committed, and so do letters that lie in our folders.
    Raises VisitsAhead.
    """
    planning.lock_territory(session, visit.territory)  # before the visit, as whoever changes routes does
    session.refresh(visit, with_for_update={"of": Visit})
    _end_plans(session, orders_of(session, visit), now=now)
    orders = require_erasable(session, visit)
    requester = visit.work_order.contact(Role.REQUESTER)
    typed = {way for way in (requester.email, requester.phone) if way} if requester else set()
    for wish in _wishes(session, _address(visit)):
        session.delete(wish)
    _forget_texts(session, _texts(session, visit), [other.id for order in orders for other in order.visits])
    letters: list[str] = []
    for order in orders:
        for other in order.visits:
            letters += _forget_visit(session, other, now=now)
        order.problem, order.answers, order.said = "", {}, []
        attachments.remove(session, store, order.attachments)
        order.also, order.cost_centre = [], ""
        for approval in _approvals(session, order):
            session.delete(approval)
        order.contacts.clear()
        order.consents.clear()
    session.flush()
    _forget_drafts(session, typed, store)
    letters += _forget_codes(session, typed, {order.id for order in orders})
    events.listen(session, "after_commit", lambda _: channels.forget(letters), once=True)
    _forget_holds(session, [other.id for order in orders for other in order.visits], now=now)
    _forget_customers(session, {order.customer for order in orders}, {order.id for order in orders})
    session.add_all(
        AuditEntry(
            at=now, actor=CUSTOMER, action="erased", subject_kind="work_order", subject_id=order.id, detail={}
        )
        for order in orders
    )
    return len(orders)


def _forget_visit(session: Session, visit: Visit, *, now: datetime) -> list[str]:
    """Returns the keys of the letters that the customer was sent."""
    letters = session.scalars(
        select(OutboxMessage.dedupe_key).where(OutboxMessage.visit_id == visit.id)
    ).all()
    if visit.conversation is not None:
        session.delete(visit.conversation)
    if visit.feedback is not None:
        visit.feedback.body = ""
    for entry in _entries(session, visit):
        session.execute(delete(WaitingOffer).where(WaitingOffer.entry_id == entry.id))
    theirs = (OutboxMessage, AccessCode, PrivateLink, WaitingEntry, DrivePosition)
    for table in theirs:
        session.execute(delete(table).where(table.visit_id == visit.id))
    # windows of the past are nobody's secret, and the history of promises needs them
    words = VisitEvent.visit_id == visit.id, VisitEvent.kind != "promised"
    session.execute(update(VisitEvent).where(*words).values(payload={}))
    _forget_reasons(session, visit)
    tasks = update(OfficeTask).where(OfficeTask.visit_id == visit.id)
    session.execute(tasks.values(detail=""))
    session.execute(tasks.where(OfficeTask.done_at.is_(None)).values(done_at=now))
    return list(letters)


def _forget_texts(session: Session, texts: Sequence[InboundMessage], visits: Sequence[int]) -> None:
    """What they texted. That a number said STOP stays, so that no later booking makes it get texts again."""
    proofs = set(session.scalars(select(TextStop.inbound_message_id)))
    theirs = session.scalars(select(InboundMessage).where(InboundMessage.visit_id.in_(visits)))
    for text in {*texts, *theirs}:
        if text.id in proofs:
            text.visit_id = None
        else:
            session.delete(text)


def _forget_reasons(session: Session, visit: Visit) -> None:
    """Why a dispatcher broke a rule for the visit may tell about the customer; that it was broken stays."""
    visit.accepted_violations = [one | {"reason": ""} for one in visit.accepted_violations]
    about = PlanChange.summary["visit_id"].as_integer() == visit.id
    for change in session.scalars(select(PlanChange).where(about)):
        change.summary = {name: value for name, value in change.summary.items() if name != "reason"}
        change.before, change.after = change.before | {"marks": {}}, change.after | {"marks": {}}


def _forget_drafts(session: Session, typed: set[str], store: FileStore) -> None:
    """Who began another booking and stopped left the same details there."""
    for draft in session.scalars(select(BookingDraft).where(BookingDraft.visit_id.is_(None))):
        said = [str(value) for value in (draft.answers.get("contact") or {}).values()]
        if any(_same(one, other) for one in typed for other in said):
            draft.answers = {"service": draft.answers.get("service", "")}
            attachments.remove(session, store, attachments.of_owner(session, draft.token))


def _forget_codes(session: Session, typed: set[str], orders: set[int]) -> list[str]:
    """Codes that they asked for as visitors, and their letters; returns the keys of these."""
    session.execute(delete(VisitorCode).where(VisitorCode.work_order_id.in_(orders)))
    sent = (
        OutboxMessage.visit_id.is_(None),
        func.lower(OutboxMessage.recipient).in_({t.lower() for t in typed}),
    )
    gone = delete(OutboxMessage).where(*sent).returning(OutboxMessage.dedupe_key)
    return list(session.scalars(gone).all())


def _forget_holds(session: Session, visits: Sequence[int], *, now: datetime) -> None:
    """What is reserved for the person says where they live: it is given back."""
    theirs = select(BookingDraft.id).where(BookingDraft.visit_id.in_(visits))
    session.execute(update(Hold).where(Hold.draft_id.in_(theirs)).values(expires_at=now))
    planning.drop_expired_holds(session, now=now)


def _same(known: str, typed: str) -> bool:
    """Whether two spellings are one e-mail address or one phone number."""
    if "@" in known:
        return known.lower() == typed.strip().lower()
    digits = "".join(char for char in typed if char.isdigit()).lstrip("0")
    return len(digits) >= _LEAST_DIGITS and known.endswith(digits)


def _forget_customers(session: Session, customers: Iterable[Customer], gone: set[int]) -> None:
    for customer in customers:
        orders = list(session.scalars(select(WorkOrder).where(WorkOrder.customer_id == customer.id)))
        left = [order for order in orders if order.id not in gone]
        sites = {order.site_id for order in left}
        for site in customer.sites:
            if site.id not in sites:
                _forget_site(session, site)
        newest = left[-1].contact(Role.REQUESTER) if left else None
        customer.name = newest.name if newest else ERASED
        customer.email = newest.email if newest else ""
        customer.phone = newest.phone if newest else ""


def _forget_site(session: Session, site: Site) -> None:
    site.address, site.unit, site.city, site.postcode, site.access_notes = ERASED, "", "", "", ""
    if site.lat is None or site.lon is None:
        return
    searched = cast(Job.payload, Text).contains(str(site.lat)) & cast(Job.payload, Text).contains(
        str(site.lon)
    )
    session.execute(update(Job).where(searched, Job.finished_at.is_not(None)).values(payload={}))
    site.lat, site.lon = round(site.lat, _COARSE), round(site.lon, _COARSE)
    site.geocoded_by, site.geocode_match, site.pin_set_by_person = "", "", False
