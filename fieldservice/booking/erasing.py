"""Forgetting a customer: who they are, where they live, what they wrote; that work was done stays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Text, cast, delete, select, update
from sqlalchemy import event as events
from sqlalchemy.orm import Session

from fieldservice.attachments import service as attachments
from fieldservice.booking import kept, strangers
from fieldservice.booking.personal import (
    address_of,
    approvals_of,
    entries_of,
    orders_of,
    wishes_of,
)
from fieldservice.booking.service import CUSTOMER
from fieldservice.booking.strangers import Ways
from fieldservice.files import FileStore
from fieldservice.files.erasures import Erasure, note
from fieldservice.models import (
    AccessCode,
    AuditEntry,
    BookingDraft,
    Customer,
    DrivePosition,
    Hold,
    InboundMessage,
    Job,
    OfficeTask,
    OutboxMessage,
    PlanChange,
    PrivateLink,
    PushDevice,
    Role,
    Site,
    TextStop,
    Visit,
    VisitEvent,
    VisitorCode,
    WaitingEntry,
    WaitingOffer,
    WindowOffer,
    WorkOrder,
)
from fieldservice.models.asset import VisitAsset
from fieldservice.models.closing import VisitReport
from fieldservice.models.visit import ENDED
from fieldservice.notify import Channels
from fieldservice.planning import service as planning
from fieldservice.planning import service_plans

ERASED = "–"
_COARSE = 2  # decimals of a degree: about a kilometre, enough for the routes of past days


class VisitsAhead(Exception):
    """Somebody is still to come, and has to know where to; `on` is the day, if one is promised."""

    def __init__(self, visits: Sequence[Visit]) -> None:
        super().__init__(f"{len(visits)} visits have not ended")
        dated = (visit.territory.local_day(at) for visit in visits if (at := visit.window_starts_at))
        self.on = min(dated, default=None)


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
    ways = strangers.ways_to(session, orders)
    for wish in wishes_of(session, address_of(visit)):
        session.delete(wish)
    texts = strangers.texts_of(session, ways)
    _forget_texts(session, texts, [other.id for order in orders for other in order.visits])
    letters = _forget_stranger(session, ways, {order.id for order in orders})
    _forget_drafts(session, ways, store)
    for order in orders:
        for other in order.visits:
            letters += forget_visit(session, other, now=now)
            kept.forget(session, other, store)
            session.execute(delete(VisitReport).where(VisitReport.visit_id == other.id))
            session.execute(delete(VisitAsset).where(VisitAsset.visit_id == other.id))
        order.problem, order.answers, order.said = "", {}, []
        attachments.remove(session, store, order.attachments)
        order.also, order.cost_centre = [], ""
        for approval in approvals_of(session, order):
            session.delete(approval)
        order.contacts.clear()
        order.consents.clear()
    session.flush()
    events.listen(session, "after_commit", lambda _: channels.forget(letters), once=True)
    _forget_holds(session, [other.id for order in orders for other in order.visits], now=now)
    _forget_customers(session, {order.customer for order in orders}, {order.id for order in orders})
    gone = [Erasure(order.id, now) for order in orders]
    events.listen(session, "after_commit", lambda _: note(store.folder, gone), once=True)
    session.add_all(
        AuditEntry(
            at=now, actor=CUSTOMER, action="erased", subject_kind="work_order", subject_id=order.id, detail={}
        )
        for order in orders
    )
    return len(orders)


def forget_visit(session: Session, visit: Visit, *, now: datetime) -> list[str]:
    """Forget what a visit holds of its customer; returns the keys of the letters that they were sent."""
    letters = session.scalars(
        select(OutboxMessage.dedupe_key).where(OutboxMessage.visit_id == visit.id)
    ).all()
    if visit.conversation is not None:
        session.delete(visit.conversation)
    if visit.feedback is not None:
        visit.feedback.body = ""
    for entry in entries_of(session, visit):
        session.execute(delete(WaitingOffer).where(WaitingOffer.entry_id == entry.id))
    theirs = (OutboxMessage, AccessCode, PrivateLink, WaitingEntry, WindowOffer, DrivePosition, PushDevice)
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


def _forget_drafts(session: Session, ways: Ways, store: FileStore) -> None:
    """Who began another booking and stopped left the same details there."""
    for draft in strangers.drafts_of(session, ways.typed):
        draft.answers = {"service": draft.answers.get("service", "")}
        attachments.remove(session, store, attachments.of_owner(session, draft.token))


def _forget_stranger(session: Session, ways: Ways, orders: set[int]) -> list[str]:
    """What they left before anybody knew them, and codes that they asked for; the keys of their letters."""
    session.execute(delete(VisitorCode).where(VisitorCode.work_order_id.in_(orders)))
    letters = [message.dedupe_key for message in strangers.sent_to(session, ways)]
    for theirs in (
        *strangers.sent_to(session, ways),
        *strangers.marks_of(session, ways),
        *strangers.tasks_of(session, ways),
    ):
        session.delete(theirs)
    session.flush()
    for guest in ways.strangers:
        strangers.forget(session, guest)
    return letters


def _forget_holds(session: Session, visits: Sequence[int], *, now: datetime) -> None:
    """What is reserved for the person says where they live: it is given back."""
    theirs = select(BookingDraft.id).where(BookingDraft.visit_id.in_(visits))
    session.execute(update(Hold).where(Hold.draft_id.in_(theirs)).values(expires_at=now))
    planning.drop_expired_holds(session, now=now)


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
