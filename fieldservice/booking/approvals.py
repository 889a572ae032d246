"""What waits until somebody agrees: the windows are reserved, nothing is promised, and one answer decides.

An approval is asked of one person, for all visits that were asked for at once. Agreeing, declining and
running out lock the territory and then the approval: of those that come at the same moment the first counts.
Everything works inside the caller's transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth import links
from fieldservice.booking import service
from fieldservice.geo.types import TravelTable
from fieldservice.models import (
    Approval,
    ApprovalState,
    BookingDraft,
    Hold,
    OfficeTask,
    Plan,
    Role,
    Route,
    Stop,
    Visit,
    VisitState,
    Window,
    WorkOrder,
)
from fieldservice.notify.translations import language_of
from fieldservice.planning import service as planning
from fieldservice.planning.improve import improve_later

APPROVER = "approver"
AT_LEAST = timedelta(minutes=30)

type Tables = Mapping[date, TravelTable]


class NotPending(Exception):
    """The question was answered already, or nobody answered in time."""


@dataclass(frozen=True)
class Asked:
    """A visit that waits for the answer, and the window that is reserved for it, if there is one."""

    visit: Visit
    hold: Hold | None

    @property
    def window(self) -> Window | None:
        """What would be promised."""
        return Window(self.hold.window_starts_at, self.hold.window_ends_at) if self.hold else None


def deadline(windows: Sequence[Window], lead: timedelta, *, hours: int, now: datetime) -> datetime:
    """Until when an answer counts: some hours, but early enough for us to prepare for the first window."""
    until = now + timedelta(hours=hours)
    if not windows:
        return until
    first = min(window.starts_at for window in windows)
    return min(until, first, max(now + AT_LEAST, first - lead))


def ask(
    session: Session,
    visits: Sequence[Visit],
    email: str,
    *,
    until: datetime,
    now: datetime,
    secret_key: str,
) -> Approval:
    """Ask the approver, and tell the requester that they were asked; the visits share a request's key."""
    nonce, token_hash = links.new_approval(secret_key)
    approval = Approval(
        request_key=visits[0].work_order.request_key,
        email=email,
        nonce=nonce,
        token_hash=token_hash,
        created_at=now,
        expires_at=until,
        state=ApprovalState.PENDING,
    )
    session.add(approval)
    session.flush()
    payload = _payload(asked(session, approval)) | {"until": until.isoformat()}
    first = visits[0]
    first.tell_somebody("approval", email, now=now, payload={"nonce": nonce, **payload})
    first.tell("awaiting", due_at=now, now=now, payload=payload)
    for visit in visits:
        visit.record("approval_asked", occurred_at=now, now=now, actor=service.CUSTOMER)
    return approval


def _payload(each: Sequence[Asked]) -> dict[str, Any]:
    windows = [
        [_title(one.visit.work_order), one.window.starts_at.isoformat(), one.window.ends_at.isoformat()]
        for one in each
        if one.window is not None
    ]
    return {"windows": windows}


def _title(order: WorkOrder) -> str:
    return order.title_in(language_of(order.locale_for("")))


def visits_of(session: Session, approval: Approval) -> list[Visit]:
    """The visits that the approval is about, in their order."""
    orders = select(Visit).join(WorkOrder, WorkOrder.id == Visit.work_order_id)
    mine = orders.where(WorkOrder.request_key == approval.request_key)
    return list(session.scalars(mine.order_by(Visit.turn, Visit.id)))


def asked(session: Session, approval: Approval) -> list[Asked]:
    """The visits that would become promised, each with what is reserved for it."""
    waiting = [visit for visit in visits_of(session, approval) if visit.state == VisitState.REQUESTED]
    return [Asked(visit, hold_of(session, visit)) for visit in waiting]


def hold_of(session: Session, visit: Visit) -> Hold | None:
    """What is reserved for a visit that waits."""
    of_visit = select(Hold).join(BookingDraft, BookingDraft.id == Hold.draft_id)
    return session.scalar(of_visit.where(BookingDraft.visit_id == visit.id).order_by(Hold.id).limit(1))


def pending(session: Session, visit: Visit, *, now: datetime) -> Approval | None:
    """The question that a visit waits for; None when there is none, or when it is answered or over."""
    key = visit.work_order.request_key
    if not key or visit.state != VisitState.REQUESTED:
        return None
    found = session.scalar(select(Approval).where(Approval.request_key == key))
    open_still = found is not None and found.state == ApprovalState.PENDING and found.expires_at > now
    return found if open_still else None


def agree(session: Session, approval: Approval, *, tables: Tables, now: datetime) -> list[Visit]:
    """Promise every reserved window and tell all. Raises NotPending, planning's SlotTaken and StaleTravel."""
    visits = _lock(session, approval)
    _require_in_time(approval, now)
    payload, booked = _payload(asked(session, approval)), []
    for each in asked(session, approval):
        if each.window is None:
            session.add(_office_task(each.visit, now=now))
        else:
            planning.book_visit(
                session, each.visit, each.window, tables=tables, now=now, actor=APPROVER, hold=each.hold
            )
            improve_later(session, each.visit, now=now)
            _keep_links(each.visit, now=now)
        each.visit.record("approved", occurred_at=now, now=now, actor=APPROVER)
        booked.append(each.visit)
    approval.state, approval.decided_at = ApprovalState.AGREED, now
    for address in _also_told(visits, approval):
        visits[0].tell_somebody("approved", address, now=now, payload=payload)
    return booked


def decline(session: Session, approval: Approval, *, reason: str, now: datetime) -> None:
    """Give the windows back and tell the requester why. Raises NotPending."""
    visits = _lock(session, approval)
    _require_in_time(approval, now)
    _end(session, approval, visits, ApprovalState.DECLINED, reason=reason, now=now)


def expire(session: Session, approval: Approval, *, now: datetime) -> bool:
    """Give the windows back when nobody answered in time; whether there was anything to do."""
    try:
        visits = _lock(session, approval)
    except NotPending:
        return False
    if approval.expires_at > now:
        return False
    _end(session, approval, visits, ApprovalState.EXPIRED, reason="", now=now)
    return True


def overdue(session: Session, *, now: datetime) -> Sequence[int]:
    """The questions that nobody answered in time."""
    late = Approval.state == ApprovalState.PENDING, Approval.expires_at <= now
    return session.scalars(select(Approval.id).where(*late).order_by(Approval.id)).all()


def withdraw(session: Session, visit: Visit, *, now: datetime) -> None:
    """Give back what is reserved for a visit that its customer cancels; the last one ends the question."""
    key = visit.work_order.request_key
    approval = session.scalar(select(Approval).where(Approval.request_key == key)) if key else None
    if approval is None or approval.state != ApprovalState.PENDING:
        return
    session.refresh(approval, with_for_update=True)
    _release(session, [visit], now=now)
    left = [each for each in asked(session, approval) if each.visit is not visit]
    if not left and approval.state == ApprovalState.PENDING:
        approval.state, approval.decided_at = ApprovalState.WITHDRAWN, now


def _lock(session: Session, approval: Approval) -> list[Visit]:
    """The approval's visits, with everybody else kept from them. Raises NotPending."""
    visits = visits_of(session, approval)
    for territory in {visit.territory_id: visit.territory for visit in visits}.values():
        planning.lock_territory(session, territory)
    session.refresh(approval, with_for_update=True)
    if approval.state != ApprovalState.PENDING:
        raise NotPending
    for visit in visits:
        session.refresh(visit, with_for_update={"of": Visit})
    return visits


def _require_in_time(approval: Approval, now: datetime) -> None:
    if approval.expires_at <= now:
        raise NotPending


def _end(
    session: Session,
    approval: Approval,
    visits: Sequence[Visit],
    state: ApprovalState,
    *,
    reason: str,
    now: datetime,
) -> None:
    approval.state, approval.decided_at, approval.reason = state, now, reason
    ended = [visit for visit in visits if visit.state == VisitState.REQUESTED]
    _release(session, ended, now=now)
    for visit in ended:
        visit.cancel(now=now, actor=APPROVER, reason=reason)
    if ended:
        ended[0].tell("not_approved", due_at=now, now=now, payload={"why": state.value, "reason": reason})


def _release(session: Session, visits: Sequence[Visit], *, now: datetime) -> None:
    held = [hold for visit in visits if (hold := hold_of(session, visit)) is not None]
    on_routes = select(Plan).join(Route, Route.plan_id == Plan.id).join(Stop, Stop.route_id == Route.id)
    for plan in session.scalars(on_routes.where(Stop.hold_id.in_([hold.id for hold in held]))).all():
        plan.version += 1  # boards and kept days see that there is room
    for hold in held:
        hold.expires_at = now
    session.flush()
    planning.drop_expired_holds(session, now=now)


def _keep_links(visit: Visit, *, now: datetime) -> None:
    for link in visit.links:
        link.expires_at = max(link.expires_at, service.link_until(visit, now=now))


def _also_told(visits: Sequence[Visit], approval: Approval) -> list[str]:
    """Who hears of the agreement beside the requester: the approver, and who pays."""
    order = visits[0].work_order
    requester, payer = order.contact(Role.REQUESTER), order.contact(Role.PAYER)
    told = [approval.email, payer.email if payer else ""]
    known = requester.email if requester else ""
    return [address for address in dict.fromkeys(told) if address and address != known]


def _office_task(visit: Visit, *, now: datetime) -> OfficeTask:
    kind = "find_time" if visit.site.located else "find_address"
    return OfficeTask(kind=kind, visit_id=visit.id, detail=visit.site.one_line, created_at=now)
