"""Somebody falls out during the day: sick, or with a van that does not start. And somebody comes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from fieldservice.models import (
    Absence,
    AbsenceKind,
    AuditEntry,
    Plan,
    Route,
    Stop,
    Technician,
    Territory,
    Visit,
    VisitState,
)
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.lost import lose_places
from fieldservice.planning.running import CauseKind, forget_absence
from fieldservice.planning.service import lock_territory
from fieldservice.planning.store import ensure_plan

_LONGEST = timedelta(days=31)
_MADE = or_(Stop.visit_id == Visit.id, Stop.crew_visit_id == Visit.id)  # led, or helped with
_FRESH = {"populate_existing": True}
_A_MOMENT = timedelta(minutes=5)  # the time that somebody types is over when they send it


class AlreadyAway(Exception):
    """The absence is known: somebody was quicker."""


class AlreadyBack(Exception):
    """The absence is over: somebody was quicker."""


class BadTime(Exception):
    """The absence would begin in the past, end before it begins, or last longer than a month."""


class StillAtWork(Exception):
    """The visit in progress lasts longer than the van is out of order."""


@dataclass(frozen=True)
class Away:
    """An absence that was recorded, and the visits that lose their place by it."""

    absence: Absence
    visit_ids: tuple[int, ...]


def report_sick(
    session: Session,
    technician: Technician,
    on: date,
    *,
    starts_at: datetime | None,
    until: date | None,
    now: datetime,
    actor: str,
) -> Away:
    """Record that a technician is sick and ask for a plan without them.

    From now on, or from an instant of the day `on`, to the end of that day or of the day `until`. What they
    are at stays as it is; a way that they have begun is taken back. Nobody is told anything before a plan is
    accepted. Raises AlreadyAway, BadTime.
    """
    territory = technician.territory
    if until is not None and not on <= until <= on + _LONGEST:
        raise BadTime
    midnight = territory.midnight(on)
    begins = starts_at or (now if on == territory.local_day(now) else midnight)
    begins = now if now - _A_MOMENT <= begins < now else begins
    ends = territory.midnight((until or on) + timedelta(days=1))
    return _report(session, technician, AbsenceKind.SICK, begins, ends, now=now, actor=actor)


def report_vehicle(
    session: Session, technician: Technician, *, hours: int | None, now: datetime, actor: str
) -> Away:
    """Record that a technician cannot drive for some hours, or for the rest of the day, and ask for a plan.

    The visit in progress goes on; a way that was begun is taken back. Raises AlreadyAway, BadTime, and
    StillAtWork when the visit in progress takes longer than that.
    """
    territory = technician.territory
    tomorrow = territory.midnight(territory.local_day(now) + timedelta(days=1))
    ends = tomorrow if hours is None else now + timedelta(hours=hours)
    lock_territory(session, territory)
    begins = max(
        [now, *(_ends_at(visit, now) for visit in _underway(session, technician, VisitState.ON_SITE))]
    )
    if begins >= ends:
        raise StillAtWork
    return _report(session, technician, AbsenceKind.VEHICLE, begins, ends, now=now, actor=actor)


def approve(
    session: Session,
    technician: Technician,
    starts_at: datetime,
    ends_at: datetime,
    *,
    now: datetime,
    actor: str,
) -> None:
    """The technician is away because they asked for it; visits of that time get another plan.

    One that is known is no fault. Raises BadTime for a time that is over.
    """
    with suppress(AlreadyAway):
        _report(session, technician, AbsenceKind.HOLIDAY, starts_at, ends_at, now=now, actor=actor)


def end_absence(
    session: Session, absence: Absence, technician: Technician, *, now: datetime, actor: str
) -> None:
    """The technician works again from now on; what was being searched for because of it is given up.

    Raises AlreadyBack.
    """
    lock_territory(session, technician.territory)
    found = session.scalar(select(Absence).where(Absence.id == absence.id).execution_options(**_FRESH))
    if found is None or found.ends_at <= now:
        raise AlreadyBack
    forget_absence(session, absence.id, now=now)
    for plan in _plans(session, technician, absence.starts_at, absence.ends_at):
        plan.version += 1
    detail = {"absence_id": absence.id}
    session.add(_audit("back_at_work", technician, detail, now=now, actor=actor))
    if now - absence.starts_at > _A_MOMENT:  # what is shorter was a slip
        absence.ends_at = now
    else:
        session.delete(absence)
    session.flush()


def current_absence(
    technician: Technician, territory: Territory, on: date, *, now: datetime
) -> Absence | None:
    """The reported absence of a technician on a day that can be ended; a holiday is not for the board."""
    first, last = territory.midnight(on), territory.midnight(on + timedelta(days=1))
    reported = (AbsenceKind.SICK, AbsenceKind.VEHICLE)
    return next(
        (
            absence
            for absence in technician.absences
            if absence.kind in reported and absence.starts_at < last and absence.ends_at > max(first, now)
        ),
        None,
    )


def _report(
    session: Session,
    technician: Technician,
    kind: AbsenceKind,
    starts_at: datetime,
    ends_at: datetime,
    *,
    now: datetime,
    actor: str,
) -> Away:
    lock_territory(session, technician.territory)
    session.refresh(technician)
    if starts_at < now or not starts_at < ends_at <= starts_at + _LONGEST:
        raise BadTime
    if _is_known(technician, starts_at, ends_at):
        raise AlreadyAway
    if starts_at == now:
        for visit in _underway(session, technician, VisitState.EN_ROUTE):
            visit.revert(occurred_at=now, now=now, actor=actor)
    absence = Absence(technician_id=technician.id, starts_at=starts_at, ends_at=ends_at, kind=kind)
    session.add(absence)
    session.flush()
    session.expire(technician, ["absences"])
    lost: list[int] = []
    for plan in _plans(session, technician, starts_at, ends_at) or [
        ensure_plan(session, technician.territory, technician.territory.local_day(starts_at))
    ]:
        lost += _ask_for_plan(session, plan, absence, now=now, actor=actor)
    detail = {
        "kind": kind,
        "starts_at": starts_at.isoformat(),
        "ends_at": ends_at.isoformat(),
        "visits": lost,
    }
    session.add(_audit("absence", technician, detail, now=now, actor=actor))
    return Away(absence, tuple(lost))


def _is_known(technician: Technician, starts_at: datetime, ends_at: datetime) -> bool:
    return any(gone.starts_at <= starts_at and ends_at <= gone.ends_at for gone in technician.absences)


def _ask_for_plan(session: Session, plan: Plan, absence: Absence, *, now: datetime, actor: str) -> list[int]:
    lost, kind = _lost(session, plan, absence), CauseKind(absence.kind)
    why = {"absence_id": absence.id}
    return lose_places(session, plan, lost, kind, absence.technician_id, why, now=now, actor=actor)


def _lost(session: Session, plan: Plan, absence: Absence) -> Sequence[Visit]:
    return session.scalars(
        select(Visit)
        .join(Stop, _MADE)
        .join(Route, Route.id == Stop.route_id)
        .where(
            Route.plan_id == plan.id,
            Stop.technician_id == absence.technician_id,
            Stop.starts_at < absence.ends_at,
            Stop.ends_at > absence.starts_at,
            Visit.state.in_(PLANNABLE),
        )
        .order_by(Stop.starts_at)
    ).all()


def _plans(session: Session, technician: Technician, starts_at: datetime, ends_at: datetime) -> list[Plan]:
    territory = technician.territory
    first, last = territory.local_day(starts_at), territory.local_day(ends_at - timedelta(microseconds=1))
    found = session.scalars(
        select(Plan)
        .where(Plan.territory_id == territory.id, Plan.on >= first, Plan.on <= last)
        .order_by(Plan.on)
    )
    return list(found)


def _underway(session: Session, technician: Technician, state: VisitState) -> Sequence[Visit]:
    return session.scalars(
        select(Visit).join(Stop, _MADE).where(Stop.technician_id == technician.id, Visit.state == state)
    ).all()


def _ends_at(visit: Visit, now: datetime) -> datetime:
    step = visit.last_step
    return max(step.occurred_at + visit.occupied, now) if step is not None else now


def _audit(
    action: str, technician: Technician, detail: Mapping[str, object], *, now: datetime, actor: str
) -> AuditEntry:
    return AuditEntry(
        at=now,
        actor=actor,
        action=action,
        subject_kind="technician",
        subject_id=technician.id,
        detail=dict(detail),
    )
