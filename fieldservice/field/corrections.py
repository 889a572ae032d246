"""A step that was tapped at the wrong time, or by mistake: put right later, with a reason, history kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from fieldservice.field.service import STATES, Tap, own_visit, planned_on, was_sent
from fieldservice.geo.types import TravelTable
from fieldservice.models import NotAllowed, Technician, Visit, VisitState
from fieldservice.planning.progress import follow
from fieldservice.planning.service import lock_territory

STEPS = (Tap.ON_MY_WAY, Tap.ARRIVED, Tap.WORKING, Tap.DONE)


class BadOrder(Exception):
    """The step would come before the one it follows, after the next one, or in the future."""


@dataclass(frozen=True)
class Correction:
    """What a step was really: at another moment, or not at all (None)."""

    event_id: str
    visit_id: int
    step: Tap
    moment: datetime | None
    reason: str


def steps_of(visit: Visit) -> dict[Tap, datetime]:
    """The steps of a visit that count, in their order, and when each was."""
    moments = visit.moments
    return {step: moments[step] for step in STEPS if step in moments}


def correct(
    session: Session,
    technician: Technician,
    wanted: Correction,
    *,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> None:
    """Record the correction beside what was tapped, and time the rest of the day by it.

    Only the last step can be said not to have happened. Raises NotYourVisit, NotAllowed, BadOrder,
    EventReused, StaleTravel.
    """
    lock_territory(session, technician.territory)
    visit = own_visit(session, technician, wanted.visit_id)
    if was_sent(session, wanted.event_id, wanted.visit_id):
        return
    steps = steps_of(visit)
    if wanted.step not in steps:
        raise NotAllowed(visit, VisitState(visit.state))
    if wanted.moment is None:
        _take_back(visit, wanted, steps, now=now, actor=actor)
    else:
        _require_order(technician, visit, wanted, steps, now=now)
        visit.correct(
            wanted.step,
            STATES.get(wanted.step),
            was=steps[wanted.step],
            moment=wanted.moment,
            reason=wanted.reason,
            now=now,
            actor=actor,
            event_key=wanted.event_id,
        )
    session.flush()
    follow(session, visit, tables=tables, now=now)


def _take_back(
    visit: Visit, wanted: Correction, steps: Mapping[Tap, datetime], *, now: datetime, actor: str
) -> None:
    if wanted.step != list(steps)[-1]:
        raise NotAllowed(visit, VisitState(visit.state))
    payload = {"reason": wanted.reason}
    if wanted.step == Tap.WORKING:
        visit.stop_working(occurred_at=now, now=now, actor=actor, event_key=wanted.event_id, payload=payload)
    else:
        visit.revert(occurred_at=now, now=now, actor=actor, event_key=wanted.event_id, payload=payload)


def _require_order(
    technician: Technician, visit: Visit, wanted: Correction, steps: Mapping[Tap, datetime], *, now: datetime
) -> None:
    moment, place = wanted.moment, STEPS.index(wanted.step)
    before = [at for step, at in steps.items() if STEPS.index(step) < place]
    after = [at for step, at in steps.items() if STEPS.index(step) > place]
    if moment is None or moment > now or technician.territory.local_day(moment) != planned_on(visit):
        raise BadOrder
    if (before and moment < max(before)) or (after and moment > min(after)):
        raise BadOrder
