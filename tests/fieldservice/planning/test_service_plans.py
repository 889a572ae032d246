"""Service plans: their dates, and what the office and customers do with them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from fieldservice.models import Occurrence, OccurrenceState, Renewal, ServicePlan, VisitState
from fieldservice.models.recurrence import Rule, Season, Unit
from fieldservice.planning import service_plans
from fieldservice.planning.rows import unplanned_visits
from fieldservice.planning.service_plans import BadDay, NotPossible, Terms
from tests.factories import (
    NOW,
    TODAY,
    TOMORROW,
    Company,
    add,
    make_company,
    make_service_plan,
    make_visit,
    window,
)


@pytest.fixture
def company(session: Session) -> Company:
    """A company whose service can be booked four weeks ahead."""
    return make_company(session, 1, horizon_days=28)


def due(plan: ServicePlan) -> list[date]:
    """The days on which visits are due."""
    return [occurrence.due_on for occurrence in plan.occurrences]


def invite(session: Session, occurrence: Occurrence) -> None:
    """What the sweep does, without its messages."""
    plan = occurrence.plan
    occurrence.visit = make_visit(session, territory=plan.territory, work_order=plan.work_order)
    occurrence.invited_at = NOW
    session.flush()


def book(session: Session, occurrence: Occurrence, on: date = TOMORROW) -> None:
    """The customer picks a window."""
    invite(session, occurrence)
    assert occurrence.visit is not None
    occurrence.visit.promise(window(on), now=NOW, actor="customer")
    session.flush()


def test_a_year_of_dates_inside_the_term(session: Session, company: Company) -> None:
    """Rows for more than a year; with a term none after its last day, and making them again adds none."""
    endless = make_service_plan(session, company, unit=Unit.YEARS)
    assert due(endless) == [TOMORROW, date(2027, 3, 3)]
    plan = make_service_plan(session, company, every=3, term_months=12, renewal=Renewal.ASK)
    assert plan.ends_on == date(2027, 3, 2)
    assert due(plan) == [TOMORROW, date(2026, 6, 3), date(2026, 9, 3), date(2026, 12, 3)]
    assert service_plans.make_occurrences(plan, now=NOW) == 0
    assert service_plans.make_occurrences(endless, now=NOW + timedelta(days=300)) == 0
    assert service_plans.make_occurrences(endless, now=NOW + timedelta(days=400)) == 1


def test_days_off_are_avoided_inside_the_season(session: Session, company: Company) -> None:
    """July 4, 2026 is a Saturday and observed on Friday: Monday the 6th, or inside a season before it."""
    company.territory.holidays, company.territory.working_days = "US", "01234"
    rule = {"first_on": date(2026, 7, 3), "unit": Unit.YEARS}
    assert due(make_service_plan(session, company, skip_holidays=True, **rule))[0] == date(2026, 7, 6)
    assert due(make_service_plan(session, company, skip_holidays=False, **rule))[0] == date(2026, 7, 3)
    rule["first_on"] = date(2026, 5, 31)
    plan = make_service_plan(session, company, skip_holidays=True, season=Season(3, 5), **rule)
    assert due(plan)[0] == date(2026, 5, 29)


def test_all_are_changed_and_what_is_booked_stays(session: Session, company: Company) -> None:
    """The preview is what happens: booked outside the rule is listed and kept, an invitation is withdrawn."""
    plan = make_service_plan(session, company)
    first, second, third = plan.occurrences[:3]
    book(session, first)
    invite(session, second)
    service_plans.skip(third, reason="On holiday", now=NOW, actor="customer")
    terms = Terms(rule=Rule(date(2026, 5, 15), 2, Unit.MONTHS), skip_holidays=False)
    from_on = service_plans.following(plan, None, now=NOW)
    seen = service_plans.preview(plan, terms, from_on, now=NOW)
    assert [each.due_on for each in seen.outside] == [TOMORROW]
    assert seen.withdrawn == [second]
    assert seen.new[0].due_on == date(2026, 5, 15)
    assert from_on == TODAY
    invited = second.visit
    service_plans.change(session, plan, terms, from_on, now=NOW)
    states = [(each.due_on, each.state) for each in plan.occurrences]
    assert (TOMORROW, OccurrenceState.BOOKED) in states
    assert (date(2026, 5, 3), OccurrenceState.SKIPPED) in states
    assert [on for on, state in states if state == OccurrenceState.UPCOMING][:2] == [
        date(2026, 5, 15),
        date(2026, 7, 15),
    ]
    assert second not in plan.occurrences
    assert invited is not None
    assert invited.state == VisitState.CANCELLED
    assert first.visit is not None
    assert first.visit.window == window()


def test_this_one_and_those_that_follow(session: Session, company: Company) -> None:
    """Earlier dates keep their rule; one that was moved by hand and is still in the rule keeps its day."""
    plan = make_service_plan(session, company)
    april, may, june = plan.occurrences[1:4]
    service_plans.move(may, date(2026, 5, 20), now=NOW, actor="customer")
    terms = Terms(rule=Rule(may.ruled_on, 1, Unit.MONTHS), skip_holidays=False, lead_days=10)
    service_plans.change(session, plan, terms, service_plans.following(plan, may, now=NOW), now=NOW)
    assert (april.due_on, april.due_on - april.invite_on) == (date(2026, 4, 3), timedelta(days=7))
    assert may.due_on == date(2026, 5, 20)
    assert june.due_on - june.invite_on == timedelta(days=10)
    terms = Terms(rule=Rule(date(2026, 6, 10), 6, Unit.WEEKS), skip_holidays=False)
    service_plans.change(session, plan, terms, june.ruled_on, now=NOW)
    assert due(plan)[1:5] == [date(2026, 4, 3), date(2026, 5, 20), date(2026, 6, 10), date(2026, 7, 22)]


def test_one_is_moved_between_its_neighbours(session: Session, company: Company) -> None:
    """Not before today, not onto another one, not beyond the term; an invitation is withdrawn."""
    plan = make_service_plan(session, company, term_months=3, renewal=Renewal.NONE)
    first, second, third = plan.occurrences
    assert service_plans.bounds(first, now=NOW) == (TODAY, second.due_on - timedelta(days=1))
    assert service_plans.bounds(third, now=NOW)[1] == plan.ends_on
    invite(session, second)
    visit = second.visit
    for wrong in (first.due_on, third.due_on):
        with pytest.raises(BadDay):
            service_plans.move(second, wrong, now=NOW, actor="customer")
    service_plans.move(second, date(2026, 4, 20), now=NOW, actor="customer")
    assert visit is not None
    assert (second.due_on, second.state, visit.state) == (date(2026, 4, 20), "upcoming", "cancelled")


def test_what_is_booked_or_over_is_not_skipped(session: Session, company: Company) -> None:
    """A booked visit is cancelled by itself, with its cut-offs; what was skipped stays skipped."""
    plan = make_service_plan(session, company)
    first, second = plan.occurrences[:2]
    book(session, first)
    service_plans.skip(second, reason="", now=NOW, actor="customer")
    for occurrence in (first, second):
        with pytest.raises(NotPossible):
            service_plans.skip(occurrence, reason="", now=NOW, actor="customer")


def test_the_end_leaves_what_is_booked(session: Session, company: Company) -> None:
    """Open dates and invitations are gone; nothing can be changed any more."""
    plan = make_service_plan(session, company)
    first, second = plan.occurrences[:2]
    book(session, first)
    invite(session, second)
    visit = second.visit
    service_plans.end(plan, reason="Moved away", now=NOW, actor="customer")
    session.flush()
    assert visit is not None
    assert visit.state == VisitState.CANCELLED
    assert [each.state for each in plan.occurrences] == [OccurrenceState.BOOKED]
    with pytest.raises(NotPossible):
        service_plans.lock(session, plan)


def test_a_term_is_renewed_once(session: Session, company: Company) -> None:
    """Terms are counted from the first day: January 31 never drifts; a second yes changes nothing."""
    plan = make_service_plan(session, company, first_on=date(2027, 1, 31), term_months=1, renewal="ask")
    ends_on = plan.ends_on
    assert ends_on == date(2027, 2, 27)
    assert not service_plans.may_renew(plan, now=NOW)
    service_plans.renew(plan, ends_on=ends_on, now=NOW)
    assert plan.ends_on == date(2027, 3, 30)
    with pytest.raises(NotPossible):
        service_plans.renew(plan, ends_on=ends_on, now=NOW)
    assert due(plan) == [date(2027, 1, 31), date(2027, 2, 28)]


def test_the_board_shows_an_invited_visit_only_as_a_task(session: Session, company: Company) -> None:
    """Whoever was invited picks; the office has the visit on its board once it is theirs."""
    from fieldservice.models import OfficeTask

    plan = make_service_plan(session, company)
    invite(session, plan.occurrences[0])
    visit = plan.occurrences[0].visit
    assert visit is not None
    assert unplanned_visits(session, company.territory) == []
    add(session, OfficeTask(kind="plan_not_picked", visit_id=visit.id, created_at=NOW, due_at=NOW))
    assert unplanned_visits(session, company.territory) == [visit]
