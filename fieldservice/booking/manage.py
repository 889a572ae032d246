"""What the customer may do with a visit behind its private link, until when, and what then happens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from sqlalchemy.orm import Session

from fieldservice.booking import approvals
from fieldservice.booking.service import CUSTOMER, link_until
from fieldservice.geo.types import TravelTable
from fieldservice.models import Technician, Visit, VisitState, Window
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning import repair
from fieldservice.planning import service as planning
from fieldservice.planning.chains import between
from fieldservice.planning.improve import improve_later
from fieldservice.planning.repair import Room


class TooLate(Exception):
    """The cut-off for this change has passed; from here on only the office can help."""

    def __init__(self, visit: Visit, deadline: datetime) -> None:
        super().__init__(f"{visit.reference}: until {deadline}")
        self.deadline = deadline
        self.zone = visit.territory.zone


class NotOpen(Exception):
    """The visit has no window yet, has begun or has ended, so there is nothing to change."""

    def __init__(self, visit: Visit) -> None:
        super().__init__(f"{visit.reference} is {visit.state}")
        self.state = VisitState(visit.state)


class Costs(Exception):
    """Cancelling costs something by now that the customer has not agreed to."""


class OutOfOrder(Exception):
    """The window would put a visit before one that it follows, or after one that follows it."""


def change_deadline(visit: Visit) -> datetime | None:
    """Until when the customer may pick another window; None without a window."""
    window = visit.window
    return window.starts_at - visit.service.reschedule_cutoff if window else None


def cancel_deadline(visit: Visit) -> datetime | None:
    """Until when the customer may cancel; None without a window, when they may at any time.

    For a fee it is possible until the window begins, else until the cut-off of the service.
    """
    window = visit.window
    if window is None or visit.late_fee:
        return window.starts_at if window else None
    return window.starts_at - visit.service.cancel_cutoff


def cancel_fee(visit: Visit, *, now: datetime) -> str:
    """What cancelling costs the customer at this moment, in the words of the company; empty: nothing.

    Who lost their place on a route pays nothing: nobody can come to them as promised.
    """
    return visit.fee_at(now) if visit.stop is not None else ""


def is_invited(visit: Visit, *, now: datetime) -> bool:
    """Whether it is a visit of a service plan whose customer is to pick its first window."""
    occurrence = visit.occurrence
    return (
        visit.window is None
        and occurrence is not None
        and occurrence.is_pickable(visit.territory.local_day(now))
    )


def require_changeable(visit: Visit, *, now: datetime) -> None:
    """Raise NotOpen or TooLate unless the customer may pick another window now.

    It is never too late for somebody to whom nobody can come as promised.
    """
    deadline = change_deadline(visit)
    if is_invited(visit, now=now):
        return
    if visit.state not in PLANNABLE or deadline is None:
        raise NotOpen(visit)
    if now > deadline and visit.stop is not None:
        raise TooLate(visit, deadline)


def require_cancellable(visit: Visit, *, now: datetime) -> None:
    """Raise NotOpen or TooLate unless the customer may cancel now."""
    if visit.state not in PLANNABLE:
        raise NotOpen(visit)
    deadline = cancel_deadline(visit)
    if deadline is not None and now > deadline:
        raise TooLate(visit, deadline)


def may(require: Callable[..., None], visit: Visit, *, now: datetime) -> bool:
    """Whether a `require_` function of this module lets the customer through."""
    try:
        require(visit, now=now)
    except (NotOpen, TooLate):
        return False
    return True


def known_technician_id(visit: Visit) -> int | None:
    """Who this customer knows: whom they asked for, who came for the same order, or who is told to come.

    Nothing of other orders is looked at: whoever books under somebody's address has proved nothing.
    """
    if visit.preferred_technician_id is not None:
        return visit.preferred_technician_id
    came = [each for each in visit.work_order.visits if each.state == VisitState.DONE and each.stop]
    told = [visit] if visit.state == VisitState.DISPATCHED and visit.stop else []
    stops = [each.stop for each in (*came[-1:], *told) if each.stop is not None]
    return stops[0].technician_id if stops else None


def available(session: Session, technician_id: int | None, ask: planning.Ask) -> Technician | None:
    """The technician, if they still work in the territory and can do what is asked for."""
    found = session.get(Technician, technician_id) if technician_id is not None else None
    if found is None or not found.active or found.territory_id != ask.territory.id:
        return None
    held = {skill.skill.code: skill.level for skill in found.skills}
    able = all(held.get(code, 0) >= level for code, level in ask.needs.skills.items())
    return found if able else None


def lock(session: Session, visit: Visit) -> None:
    """Keep everybody else from changing the visit, and see it as it is now."""
    planning.lock_territory(session, visit.territory)
    session.refresh(visit, with_for_update={"of": Visit})


def reschedule(
    session: Session,
    visit: Visit,
    window: Window,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    room: Room | None = None,
    technician_id: int | None = None,
    actor: str = CUSTOMER,
) -> None:
    """Promise another window in place of the old one, which stays promised when this fails.

    `room` is what others have to move for the window; they do in the same transaction. `technician_id` is who
    has to come. Call it with the visit locked. Raises NotOpen, TooLate, OutOfOrder, planning's SlotTaken and
    StaleTravel; the caller then rolls back.
    """
    require_changeable(visit, now=now)
    if window == visit.window:
        return
    if not between(session, visit).has(window):
        raise OutOfOrder
    if room is None:
        planning.book_visit(
            session,
            visit,
            window,
            tables=tables,
            now=now,
            actor=actor,
            only_technician_id=technician_id,
        )
    else:
        repair.book_room(session, visit, room, tables=tables, now=now, actor=actor)
    improve_later(session, visit, now=now)
    for link in visit.links:
        link.expires_at = max(link.expires_at, link_until(visit, now=now))


def cancel(
    session: Session,
    visit: Visit,
    *,
    reason: str,
    tables: Mapping[date, TravelTable],
    now: datetime,
    agreed: str = "",
    actor: str = CUSTOMER,
) -> None:
    """End the visit and give its place on the route back; a visit that is cancelled already stays so.

    `agreed` is the fee that the customer has seen. Call it with the visit locked. Raises NotOpen, TooLate,
    Costs and planning's StaleTravel; the caller then rolls back.
    """
    if visit.state == VisitState.CANCELLED:
        return
    require_cancellable(visit, now=now)
    if (fee := cancel_fee(visit, now=now)) not in ("", agreed):
        raise Costs
    approvals.withdraw(session, visit, now=now)
    planning.release_visit(session, visit, tables=tables, now=now)
    visit.cancel(now=now, actor=actor, reason=reason, fee=fee)
