"""Technicians as the office changes them, and what that does to planned visits."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.models import AuditEntry, Job, Skill, Stop, Technician, Territory, Visit, VisitState
from fieldservice.planning.crews import drop_stops
from fieldservice.planning.rows import load_day
from tests.factories import NOW, TODAY, TOMORROW
from tests.fieldservice.field.crew import Crew
from tests.fieldservice.office.owner import Owner


@pytest.fixture
def crew(db: Database, clock_at_now: object) -> Crew:
    """A technician with three visits today, at 8, 10 and 12 o'clock."""
    return Crew(db)


def technician(db: Database, crew: Crew) -> Technician:
    """The technician as stored, with all that a day takes."""
    with db.reading() as session:
        found = session.get_one(Technician, crew.technician_id)
        _ = (found.skills, found.shift_patterns, found.shift_overrides, found.break_rules, found.absences)
        _ = found.territory.zone, [held.skill for held in found.skills]
        return found


def hours(db: Database, crew: Crew, on: date) -> tuple[time, time] | None:
    """When the technician works on a day."""
    found = technician(db, crew)
    day = found.working_day(on, found.territory.zone)
    if day is None:
        return None
    zone = found.territory.zone
    return day.starts_at.astimezone(zone).time(), day.ends_at.astimezone(zone).time()


def page(crew: Crew) -> str:
    """Their page of the office."""
    return f"/office/technicians/{crew.technician_id}"


def lost(db: Database) -> list[int]:
    """The visits that lost their place, by the searches that were asked for."""
    with db.reading() as session:
        jobs = session.scalars(select(Job).where(Job.kind == "propose").order_by(Job.id))
        return [number for job in jobs for cause in job.payload["causes"] for number in cause["visit_ids"]]


def test_other_hours_from_a_day_on(owner: Owner, db: Database, crew: Crew) -> None:
    """Days before keep theirs, a weekday without times is free, and the audit trail has both weeks."""
    before, on = hours(db, crew, TODAY), TODAY + timedelta(days=21)
    assert before is not None
    owner.send(page(crew), 303, from_on=on.isoformat(), **{f"starts_{on.weekday()}": "06:30"})
    assert hours(db, crew, TODAY) == before
    assert hours(db, crew, on) == (time(6, 30), before[1])
    free = {f"starts_{on.weekday()}": "", f"ends_{on.weekday()}": ""}
    owner.send(page(crew), 303, from_on=(on + timedelta(days=7)).isoformat(), **free)
    assert hours(db, crew, on) == (time(6, 30), before[1])
    assert hours(db, crew, on + timedelta(days=7)) is None
    with db.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "office_changed").order_by(AuditEntry.id)
        first, second = session.scalars(query)
        assert (first.subject_id, second.subject_id) == (crew.technician_id, crew.technician_id)
        new = f"{on.weekday()}: 06:30–{before[1]:%H:%M} {on.isoformat()}–"
        assert new in first.detail["after"]["hours"]
        assert new not in first.detail["before"]["hours"]
        assert new not in second.detail["after"]["hours"]


def test_what_touches_planned_visits_is_asked_first(owner: Owner, db: Database, crew: Crew) -> None:
    """Nothing changes before the office is sure; then visits lose their place and a plan is looked for."""
    usual = hours(db, crew, TODAY)
    short = {"on": TODAY.isoformat(), "starts": "07:00", "ends": "09:59", "reason": "Dentist"}
    version = technician(db, crew).version
    short["version"] = version
    asked = owner.post(f"{page(crew)}/days", 422, **short)
    assert "2 planned visits could not be made any more" in asked.text
    assert hours(db, crew, TODAY) == usual
    assert lost(db) == []
    owner.post(f"{page(crew)}/days", 303, **short, sure="y")
    assert hours(db, crew, TODAY) == (time(7), time(9, 59))
    assert lost(db) == crew.visits[1:]
    with db.reading() as session:
        assert all(session.get_one(Visit, number).window is not None for number in crew.visits)
    owner.post(f"{page(crew)}/days", 303, on=TODAY.isoformat(), do="usual", version=version + 1)
    assert hours(db, crew, TODAY) == usual


def unassigned(db: Database, crew: Crew) -> list[int]:
    """What the board shows as unassigned."""
    with db.reading() as session:
        territory = session.get_one(Territory, crew.scene.territory_id)
        return [visit.id for visit in load_day(session, territory, TODAY, now=NOW).unassigned]


def test_hours_that_are_planned_for_later_stay(owner: Owner, db: Database, crew: Crew) -> None:
    """They are shown, other hours cannot begin before them, and a change of the name touches none."""
    on = TODAY + timedelta(days=21)
    owner.send(page(crew), 303, from_on=on.isoformat(), **{f"starts_{on.weekday()}": "06:30"})
    assert "Planned from" in owner.open(page(crew)).text
    refused = owner.send(page(crew), 422, starts_0="07:15")
    assert "Other hours are planned from" in refused.text
    owner.send(page(crew), 303, name="Ana Reyes")
    day = hours(db, crew, on)
    assert day is not None
    assert day[0] == time(6, 30)


def test_who_is_at_work_cannot_leave(owner: Owner, db: Database, crew: Crew) -> None:
    """A visit that has not begun in time is named as well."""

    def drive(session: Session) -> None:
        visit = session.get_one(Visit, crew.visits[0])
        for state in (VisitState.DISPATCHED, VisitState.EN_ROUTE):
            visit.advance(state, occurred_at=NOW, now=NOW, actor="test")

    db.run(drive)
    assert "Somebody is on a visit" in owner.send(page(crew), 422, active=None, sure="y").text

    def end(session: Session) -> None:
        visit = session.get_one(Visit, crew.visits[0])
        for state in (VisitState.ON_SITE, VisitState.DONE):
            visit.advance(state, occurred_at=NOW, now=NOW, actor="test")
        drop_stops(session, [visit.id])
        stop = session.scalars(select(Stop).where(Stop.visit_id == crew.visits[1])).one()
        stop.arrives_at = stop.starts_at = NOW - timedelta(minutes=5)

    db.run(end)
    assert "2 planned visits" in owner.send(page(crew), 422, active=None).text


def test_somebody_who_leaves_and_a_skill_that_ends(owner: Owner, db: Database, crew: Crew) -> None:
    """Both take planned visits away, after the same question; the certificate's last day still counts."""

    def need(session: Session) -> int:
        visit = session.get_one(Visit, crew.visits[0])
        return next(iter(visit.service.skills)).skill_id

    number = db.run(need)
    owner.send(page(crew), 303, **{f"until_{number}": TODAY.isoformat()})
    assert lost(db) == []
    asked = owner.send(page(crew), 422, **{f"skill_{number}": ""})
    assert "3 planned visits" in asked.text
    left = owner.send(page(crew), 422, active=None)
    assert "3 planned visits" in left.text
    assert unassigned(db, crew) == []
    owner.send(page(crew), 303, active=None, sure="y")
    assert lost(db) == crew.visits
    assert unassigned(db, crew) == crew.visits
    assert not technician(db, crew).active


def test_what_cannot_be(owner: Owner, db: Database, crew: Crew) -> None:
    """Each fault is named at its field, and nothing is half-written."""
    before = technician(db, crew).version
    for fields, words in (
        ({"starts_0": "09:00", "ends_0": ""}, "Enter both times"),
        ({"starts_0": "09:00", "ends_0": "08:00"}, "after the one at which work begins"),
        ({"from_on": (TODAY - timedelta(days=1)).isoformat()}, "Choose today or a day after it"),
        ({"phone": "12"}, "Enter a telephone number with its area code"),
        ({"name": " "}, "Enter a name"),
        ({"address": "Nowhere 1", "latitude": "", "longitude": ""}, "was not found"),
        ({"account": "999999"}, "Not a valid choice"),
    ):
        assert words in owner.send(page(crew), 422, **fields).text
    assert technician(db, crew).version == before


def test_two_who_change_the_same_technician(owner: Owner, db: Database, crew: Crew) -> None:
    """The second, who did not see the first's change, is told; another person's hours are not undone."""
    old = owner.form(page(crew)).to_dict()
    owner.send(page(crew), 303, name="Ana Reyes")
    second = owner.post(page(crew), 422, **{**old, "name": "Anna"})
    assert "Somebody else changed this meanwhile" in second.text
    assert technician(db, crew).name == "Ana Reyes"


def test_a_day_off_to_come(owner: Owner, db: Database, crew: Crew) -> None:
    """Without times it is a day off, shown on the page with its reason."""
    fields = {"on": TOMORROW.isoformat(), "starts": "", "ends": "", "reason": "Training"}
    owner.post(f"{page(crew)}/days", 303, **fields, version=technician(db, crew).version)
    assert hours(db, crew, TOMORROW) is None
    assert "Training" in owner.open(page(crew)).text


def test_a_skill_with_level_and_end(owner: Owner, db: Database, crew: Crew) -> None:
    """What somebody learns is what the planner sees."""

    def make(session: Session) -> int:
        skill = Skill(code="gas", name="Gas")
        session.add(skill)
        session.flush()
        return skill.id

    number, end = db.run(make), NOW.date() + timedelta(days=90)
    owner.send(page(crew), 303, **{f"skill_{number}": "3", f"until_{number}": end.isoformat()})
    assert technician(db, crew).skill_levels(end)["gas"] == 3
    assert "gas" not in technician(db, crew).skill_levels(end + timedelta(days=1))
