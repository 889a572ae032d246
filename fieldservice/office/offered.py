"""What a company offers: the figures and words of a service. Knows no web."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.db import exists_one, lock_names
from fieldservice.models import Service, ServiceSkill, Visit, WorkOrder
from fieldservice.models.visit import ENDED
from fieldservice.office.records import Change, record, require_version

_WHERE = {"place", "branch_id"}
_SHARED = {"skills", "reschedule_cutoff", "cancel_cutoff"}
"""What unfinished visits take from their service as it is, not as it was booked."""


class CodeTaken(Exception):
    """Another service has this code."""


class InUse(Exception):
    """Visits that are not over yet are made as the service is now; `refused`: whatever the office wants."""

    def __init__(self, visits: int, *, refused: bool) -> None:
        super().__init__(f"{visits} visits")
        self.visits, self.refused = visits, refused


def as_json(service: Service) -> dict[str, Any]:
    """What the audit trail keeps of a service."""
    kept = {column.key: getattr(service, column.key) for column in Service.__table__.columns}
    kept.pop("version")
    plain = {
        name: int(value.total_seconds() // 60) if isinstance(value, timedelta) else value
        for name, value in kept.items()
    }
    return {**plain, "skills": {str(held.skill_id): held.level for held in service.skills}}


def change(
    session: Session,
    service: Service,
    values: Mapping[str, Any],
    skills: Mapping[int, int],
    by: Change,
) -> None:
    """Give a service other figures, for what is booked from now on. Raises Overtaken, InUse.

    `values` are columns of the service, `skills` the least level by the number of a skill.
    """
    session.refresh(service, with_for_update=True)
    require_version(service, by)
    before = as_json(service)
    _write(service, values, skills)
    session.flush()
    after = as_json(service)
    _ask(session, service, {name for name in after if before[name] != after[name]}, by)
    record(session, "office_changed", service, before, after, by)


def add(session: Session, values: Mapping[str, Any], skills: Mapping[int, int], by: Change) -> Service:
    """Offer something new, after all others. Raises CodeTaken."""
    lock_names(session, ["company"])
    if exists_one(session, select(Service.id).where(Service.code == values["code"])):
        raise CodeTaken
    last = session.scalar(select(func.max(Service.position)))
    service = Service(position=0 if last is None else last + 1)
    _write(service, values, skills)
    session.add(service)
    session.flush()
    record(session, "office_added", service, {}, as_json(service), by)
    return service


def _ask(session: Session, service: Service, changed: set[str], by: Change) -> None:
    """Raise InUse when that is changed which visits that are booked take from their service."""
    refused = bool(changed & _WHERE)
    if not refused and (by.sure or not changed & _SHARED):
        return
    unfinished = select(func.count(Visit.id)).join(WorkOrder, WorkOrder.id == Visit.work_order_id)
    ahead = unfinished.where(WorkOrder.service_id == service.id, Visit.state.not_in(ENDED))
    if visits := session.execute(ahead).scalar_one():
        raise InUse(visits, refused=refused)


def _write(service: Service, values: Mapping[str, Any], skills: Mapping[int, int]) -> None:
    for name, value in values.items():
        setattr(service, name, value)
    held = {each.skill_id: each for each in service.skills}
    for number, level in skills.items():
        if number in held:
            held[number].level = level
    service.skills = [
        held.get(number) or ServiceSkill(skill_id=number, level=level) for number, level in skills.items()
    ]
