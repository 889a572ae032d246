"""Links between visits as they stand: where both ends are, and what that leaves to each of them.

A day is a problem of its own, and the ends of a link may be on two days. So the solver is not told the link
but what it leaves: the present places cut the windows of both ends, each so that whatever the other one does
inside its own, the link holds. A search can neither break a link nor need to know of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from fieldservice.models import Stop, Visit, VisitLink, VisitState, WorkOrder
from fieldservice.models.visit import ENDED


@dataclass(frozen=True)
class End:
    """A visit of a link: from when until when and by whom it is made, as far as it has a place."""

    visit_id: int
    reference: str
    title: str
    occupied: timedelta
    is_over: bool
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    technician_id: int | None = None


@dataclass(frozen=True)
class Link:
    """`then` begins after `first` has ended, `min_lag` later or more; None is no longest lag."""

    first: End
    then: End
    min_lag: timedelta
    max_lag: timedelta | None
    same_technician: bool

    @property
    def opens_at(self) -> datetime | None:
        """From when the second may begin, as the first is planned."""
        return self.first.ends_at + self.min_lag if self.first.ends_at else None

    @property
    def closes_at(self) -> datetime | None:
        """Until when the second has to begin; None for any time."""
        if self.first.ends_at is None or self.max_lag is None:
            return None
        return self.first.ends_at + self.max_lag

    @property
    def is_kept(self) -> bool:
        """Whether both are where the link wants them; True while one of them has no place."""
        starts_at, opens_at, closes_at = self.then.starts_at, self.opens_at, self.closes_at
        if starts_at is None or opens_at is None:
            return True
        in_time = opens_at <= starts_at and (closes_at is None or starts_at <= closes_at)
        return in_time and not (self.same_technician and self.parted)

    @property
    def parted(self) -> bool:
        """Whether two technicians make them."""
        both = self.first.technician_id, self.then.technician_id
        return None not in both and both[0] != both[1]


@dataclass(frozen=True)
class Room:
    """What links leave to a visit: when it may begin, by whom (None: anybody), and whether it has to wait."""

    earliest: datetime | None = None
    latest: datetime | None = None
    technician_id: int | None = None
    waits: bool = False


def room_of(links: Iterable[Link], visit_id: int, *, stays: bool = True) -> Room:
    """What the links of a visit leave to it.

    With `stays` others may move as well, so it is held on its side of the present places; without it
    everybody else stays, and the visit may go wherever the link allows.
    """
    lows: list[datetime] = []
    highs: list[datetime] = []
    technician_id, waits = None, False
    for link in links:
        follows = link.then.visit_id == visit_id
        own, mate = (link.then, link.first) if follows else (link.first, link.then)
        if visit_id not in (link.first.visit_id, link.then.visit_id) or own.is_over:
            continue
        low, high = (_after if follows else _before)(link, stays=stays and own.starts_at is not None)
        lows += [low] if low else []
        highs += [high] if high else []
        waits = waits or (follows and mate.starts_at is None and not mate.is_over)
        if link.same_technician and mate.technician_id and not (stays and link.parted):
            technician_id = mate.technician_id
    return Room(max(lows, default=None), min(highs, default=None), technician_id, waits)


def _after(link: Link, *, stays: bool) -> tuple[datetime | None, datetime | None]:
    opens_at, starts_at = link.opens_at, link.then.starts_at
    if stays and starts_at and opens_at:
        opens_at = max(opens_at, starts_at)
    return opens_at, link.closes_at


def _before(link: Link, *, stays: bool) -> tuple[datetime | None, datetime | None]:
    begins = link.then.starts_at
    if begins is None:
        return None, None
    latest = begins - link.min_lag - link.first.occupied
    if link.max_lag is None:
        return None, latest
    earliest = begins - link.max_lag - link.first.occupied
    if stays and link.first.starts_at:
        earliest = max(earliest, link.first.starts_at)
    return earliest, latest


def links_of(session: Session, visits: Collection[int]) -> tuple[Link, ...]:
    """The links of these visits, whatever day the other end is on, as far as they still matter."""
    if not visits:
        return ()
    rows = session.scalars(
        select(VisitLink)
        .where(or_(VisitLink.visit_id.in_(visits), VisitLink.after_id.in_(visits)))
        .order_by(VisitLink.id)
        .execution_options(populate_existing=True)
    ).all()
    ends = _ends(session, {key for row in rows for key in (row.visit_id, row.after_id)})
    return tuple(
        Link(ends[row.after_id], ends[row.visit_id], row.min_lag, row.max_lag, row.same_technician)
        for row in rows
        if row.visit_id in ends and row.after_id in ends
    )


def _ends(session: Session, ids: Collection[int]) -> dict[int, End]:
    """The visits of links; one that was cancelled or missed binds nobody any more."""
    if not ids:
        return {}
    visits = session.scalars(
        select(Visit)
        .where(Visit.id.in_(ids), Visit.state.not_in(ENDED - {VisitState.DONE}))
        .options(
            joinedload(Visit.work_order).joinedload(WorkOrder.service),
            selectinload(Visit.events),
        )
    ).all()
    stops = session.execute(
        select(Stop.visit_id, Stop.starts_at, Stop.ends_at, Stop.technician_id).where(Stop.visit_id.in_(ids))
    )
    places = {key: (starts_at, ends_at, technician_id) for key, starts_at, ends_at, technician_id in stops}
    return {visit.id: _end(visit, places.get(visit.id)) for visit in visits}


def _end(visit: Visit, place: tuple[datetime, datetime, int] | None) -> End:
    starts_at, ends_at, technician_id = place or (None, None, None)
    done = visit.last_step if visit.state == VisitState.DONE else None
    return End(
        visit_id=visit.id,
        reference=visit.reference,
        title=visit.work_order.title,
        occupied=visit.occupied,
        is_over=visit.state == VisitState.DONE,
        starts_at=starts_at,
        ends_at=done.occurred_at if done else ends_at,
        technician_id=technician_id,
    )


def links_json(session: Session, names: Iterable[str]) -> dict[str, list[dict[str, Any]]]:
    """What each of these visits follows, as a change of the plan keeps it."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    rows = session.scalars(select(VisitLink).where(VisitLink.visit_id.in_([int(name[1:]) for name in found])))
    for row in sorted(rows, key=lambda row: row.after_id):
        longest = None if row.max_lag is None else round(row.max_lag.total_seconds())
        found[f"v{row.visit_id}"].append(
            {
                "after_id": row.after_id,
                "min_s": round(row.min_lag.total_seconds()),
                "max_s": longest,
                "same": row.same_technician,
            }
        )
    return found


def restore_links(session: Session, links: Mapping[str, Iterable[Mapping[str, Any]]], now: datetime) -> None:
    """Let visits follow what they followed."""
    session.execute(delete(VisitLink).where(VisitLink.visit_id.in_([int(name[1:]) for name in links])))
    for name, followed in links.items():
        for each in followed:
            session.add(
                VisitLink(
                    visit_id=int(name[1:]),
                    after_id=each["after_id"],
                    min_lag=timedelta(seconds=each["min_s"]),
                    max_lag=None if each["max_s"] is None else timedelta(seconds=each["max_s"]),
                    same_technician=each["same"],
                    created_at=now,
                )
            )
    session.flush()
