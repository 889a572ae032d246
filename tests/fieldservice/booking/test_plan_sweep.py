"""The sweep of service plans: invitations, one reminder, a task, the end of a term; once each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking import consents, manage, plan_sweep
from fieldservice.booking.new_visits import Company as Sender
from fieldservice.db import Database
from fieldservice.models import (
    Occurrence,
    OccurrenceState,
    OfficeTask,
    OutboxMessage,
    Purpose,
    ServicePlan,
    Visit,
)
from fieldservice.planning import service_plans
from tests.factories import NOW, TODAY, TOMORROW, make_company, make_service_plan, window
from tests.races import all_at_once, count

SENDER = Sender(prefix="HH", secret_key="only-for-tests")  # noqa: S106
DAY = timedelta(days=1)


@pytest.fixture
def plan_id(db: Database) -> int:
    """A plan whose first visit is due in five days, so that its customer is invited now."""
    return db.run(make_plan)


def make_plan(session: Session, **terms: object) -> int:
    """A monthly plan of a small company."""
    company = make_company(session, 1)
    return make_service_plan(session, company, first_on=TODAY + 5 * DAY, **terms).id


def sweep(db: Database, now: datetime = NOW) -> plan_sweep.Served:
    """One run."""
    return plan_sweep.serve_plans(db, SENDER, now=now)


def told(db: Database) -> list[str]:
    """The kinds of messages in the order in which they were written."""
    with db.reading() as session:
        return list(session.scalars(select(OutboxMessage.kind).order_by(OutboxMessage.id)))


def tasks(db: Database) -> list[str]:
    """What the office has to do."""
    with db.reading() as session:
        return list(session.scalars(select(OfficeTask.kind).order_by(OfficeTask.id)))


def change(db: Database, plan_id: int, work: Callable[[Session, Occurrence], object]) -> None:
    """Something happens to the first date."""

    def run(session: Session) -> None:
        work(session, session.get_one(ServicePlan, plan_id).occurrences[0])

    db.run(run)


def state(db: Database, plan_id: int) -> OccurrenceState:
    """How far the first date has come."""
    with db.reading() as session:
        return session.get_one(ServicePlan, plan_id).occurrences[0].state


def promise(_session: Session, occurrence: Occurrence) -> None:
    """The customer picks a window."""
    assert occurrence.visit is not None
    occurrence.visit.promise(window(TODAY + 6 * DAY), now=NOW, actor="customer")


def cancel(_session: Session, occurrence: Occurrence) -> None:
    """The visit is cancelled."""
    assert occurrence.visit is not None
    occurrence.visit.cancel(now=NOW, actor="customer")


def test_from_the_invitation_to_the_task(db: Database, plan_id: int) -> None:
    """Each step once, however often the sweep runs; after the period the office has to call."""
    assert sweep(db, NOW - 4 * timedelta(hours=1)) == plan_sweep.Served()  # nobody is written to at night
    for _ in range(2):
        sweep(db)
    assert (told(db), state(db, plan_id)) == (["plan_invitation"], OccurrenceState.INVITED)
    for day in (4, 5, 6):
        sweep(db, NOW + day * DAY)
    assert (told(db), state(db, plan_id)) == (["plan_invitation", "plan_reminder"], OccurrenceState.REMINDED)
    sweep(db, NOW + 18 * DAY)
    assert tasks(db) == []
    for day in (19, 20):
        sweep(db, NOW + day * DAY)
    assert (tasks(db), state(db, plan_id)) == (["plan_not_picked"], OccurrenceState.MISSED)
    assert told(db) == ["plan_invitation", "plan_reminder"]


def test_who_has_picked_is_left_alone_until_they_cancel(db: Database, plan_id: int) -> None:
    """A cancelled visit opens the date again: another visit, another invitation, inside the same period."""
    sweep(db)
    change(db, plan_id, promise)
    assert sweep(db, NOW + 6 * DAY) == plan_sweep.Served()
    assert state(db, plan_id) == OccurrenceState.BOOKED
    change(db, plan_id, cancel)
    assert state(db, plan_id) == OccurrenceState.UPCOMING
    assert sweep(db, NOW + 7 * DAY).invited == 1
    assert state(db, plan_id) == OccurrenceState.INVITED
    assert count(db, "visit") == 2


def test_cancelling_what_was_not_picked_is_skipping(db: Database, plan_id: int) -> None:
    """Nobody is invited again for a visit that they said no to."""
    sweep(db)
    change(db, plan_id, cancel)
    assert state(db, plan_id) == OccurrenceState.SKIPPED
    assert sweep(db, NOW + 20 * DAY).missed == 0
    assert tasks(db) == []


def test_who_wants_no_messages_is_called(db: Database, plan_id: int) -> None:
    """Nothing is written; the office has the task at once, and only one of them."""
    change(
        db,
        plan_id,
        lambda _session, occurrence: setattr(occurrence.plan.work_order.consents[0], "given", False),
    )
    sweep(db)
    sweep(db, NOW + 20 * DAY)
    assert (told(db), tasks(db)) == ([], ["plan_call"])


def test_a_visit_is_the_customers_to_pick_while_its_period_lasts(db: Database, plan_id: int) -> None:
    """Invited today, not any more after the last day; consents are those of the plan's order."""
    sweep(db)
    with db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert manage.may(manage.require_changeable, visit, now=NOW)
        assert manage.may(manage.require_changeable, visit, now=NOW + 18 * DAY)
        assert not manage.may(manage.require_changeable, visit, now=NOW + 19 * DAY)
        assert visit.work_order.allows(Purpose.OFFERS)
    db.run(lambda s: consents.decide(s, s.scalars(select(Visit)).one(), {Purpose.OFFERS: False}, now=NOW))
    with db.reading() as session:
        assert not session.scalars(select(Visit)).one().work_order.allows(Purpose.OFFERS)


@pytest.mark.parametrize(
    ("renewal", "after"), [("automatic", "renewed"), ("ask", "plan_not_renewed"), ("none", "ended")]
)
def test_the_end_of_a_term(db: Database, renewal: str, after: str) -> None:
    """Told once a month before; then it goes on, or ends with or without a task."""
    plan_id = db.run(lambda session: make_plan(session, term_months=2, renewal=renewal, period_days=3))
    sweep(db)
    ends_on = TODAY + 5 * DAY + timedelta(days=60)  # May 6
    before = datetime(2026, 4, 10, 15, tzinfo=UTC)
    assert [sweep(db, before).told, sweep(db, before + DAY).told] == [1, 0]
    end = datetime(2026, 5, 7, 15, tzinfo=UTC)
    done = sweep(db, end + 3 * DAY)
    with db.reading() as session:
        plan = session.get_one(ServicePlan, plan_id)
        if renewal == "automatic":
            assert (done.renewed, plan.terms, plan.ended_at) == (1, 2, None)
            assert plan.ends_on is not None
            assert plan.ends_on > ends_on
        else:
            assert plan.ended_at is not None
    assert ("plan_not_renewed" in tasks(db)) == (after == "plan_not_renewed")


def test_sites_in_other_zones_have_their_own_day(db: Database) -> None:
    """At the same instant it is tomorrow's morning in Auckland and today's in Baltimore."""

    def make(session: Session) -> None:
        for zone in ("Pacific/Auckland", "America/New_York"):
            company = make_company(session, 1)
            company.territory.time_zone = zone
            make_service_plan(session, company, first_on=TOMORROW + 7 * DAY)

    db.run(make)
    evening = datetime(2026, 3, 2, 21, tzinfo=UTC)  # 4 pm in Baltimore, 10 am on March 3 in Auckland
    assert sweep(db, evening).invited == 1


def test_one_that_fails_stops_no_other(db: Database) -> None:
    """Its error comes at the end, when the plan after it has been served."""
    broken, whole = db.run(make_plan), db.run(make_plan)

    def lose_the_zone(session: Session) -> None:
        session.get_one(ServicePlan, broken).territory.time_zone = "Nowhere/At_All"

    db.run(lose_the_zone)
    with pytest.raises(ZoneInfoNotFoundError):
        sweep(db)
    assert state(db, whole) == OccurrenceState.INVITED


def test_two_sweeps_at_once_invite_once(db: Database, plan_id: int) -> None:
    """Eight at the same instant: one visit, one invitation."""
    done = [outcome.result.invited for outcome in all_at_once([lambda: sweep(db)] * 8)]
    assert sum(done) == 1
    assert (told(db), count(db, "visit")) == (["plan_invitation"], 1)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_race_is_real(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Positive control: without the lock on the plan some of many sweeps invite, or fail, a second time.

    SQLite's writers run one after another in any case.
    """
    monkeypatch.setattr(service_plans, "lock_rows", lambda *_: None)
    db.run(lambda session: [make_plan(session) for _ in range(10)])

    def attempt() -> int:
        try:
            return sweep(db).invited
        except Exception:  # noqa: BLE001  the row's version is what stops the second one now
            return 100

    assert sum(outcome.result for outcome in all_at_once([attempt] * 8)) > 10
