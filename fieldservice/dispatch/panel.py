"""What the inspector shows of one visit and why it is there; proposals are in `proposed`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.dispatch.day import Bar, bar_of
from fieldservice.models import Approval, OfficeTask, Technician, Visit, WindowOffer
from fieldservice.planning.asking import open_offer
from fieldservice.planning.linked import Link, links_of
from fieldservice.planning.problem import Day
from fieldservice.planning.why import Why, why


@dataclass(frozen=True)
class Selected:
    """The visit that the inspector shows, with its place on the day and what can be said about it."""

    visit: Visit
    technician: Technician | None
    bar: Bar | None
    why: Why | None
    task: OfficeTask | None
    approval: Approval | None = None
    offer: WindowOffer | None = None
    links: tuple[Link, ...] = ()

    @property
    def spare(self) -> timedelta | None:
        """From the planned start to the end of the promised window; negative when it is late."""
        return self.bar.spare if self.bar else None


def select_visit(session: Session, day: Day, visit: Visit) -> Selected:
    """A visit as the inspector shows it on a day; without a place when it is not on this day."""
    technician, bar = bar_of(day, visit) or (None, None)
    task = session.scalar(
        select(OfficeTask).where(OfficeTask.visit_id == visit.id, OfficeTask.done_at.is_(None)).limit(1)
    )
    offer = open_offer(session, visit, now=day.rows.now)
    links = links_of(session, [visit.id])
    return Selected(visit, technician, bar, why(day, visit), task, _approval(session, visit), offer, links)


def _approval(session: Session, visit: Visit) -> Approval | None:
    key = visit.work_order.request_key
    return session.scalar(select(Approval).where(Approval.request_key == key)) if key else None
