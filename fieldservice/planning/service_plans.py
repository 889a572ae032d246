"""Service plans: which dates they have, and how a customer or the office changes them.

Everything works inside the caller's transaction. `lock` comes before every change: what is decided then is
decided on what is stored, and the sweep that invites customers waits.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import lock_rows
from fieldservice.models import (
    Consent,
    ContactRole,
    Occurrence,
    OccurrenceState,
    PartOfDay,
    Purpose,
    Renewal,
    Role,
    Service,
    ServicePlan,
    Site,
    Territory,
    Visit,
    VisitState,
    WorkOrder,
)
from fieldservice.models.recurrence import Due, Rule, Works
from fieldservice.models.service_plan import end_of_term
from fieldservice.planning.service import lock_territory
from fieldservice.planning.windows import is_holiday

AHEAD = timedelta(days=400)
"""How far ahead occurrences are rows: more than a year, so that a yearly plan shows its next one."""
NOTICE = timedelta(days=30)
"""How long before the end of a term the customer is told."""


class NotPossible(Exception):
    """The plan or the occurrence is past what was asked for: ended, booked, skipped or renewed already."""


class BadDay(Exception):
    """An occurrence cannot be moved to this day; it can be moved to one `first` to `last`."""

    def __init__(self, first: date, last: date) -> None:
        super().__init__(f"between {first} and {last}")
        self.first, self.last = first, last


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the office agrees on with a customer."""

    rule: Rule
    skip_holidays: bool = True
    period_days: int = 14
    lead_days: int = 7
    term_months: int | None = None
    renewal: Renewal = Renewal.NONE


@dataclass(frozen=True, kw_only=True)
class Likes:
    """What the customer likes: weekdays such as "01" (none: any), a part of the day, a technician."""

    weekdays: str = ""
    part: PartOfDay = PartOfDay.ANY
    technician_id: int | None = None


@dataclass(frozen=True)
class Preview:
    """What a change of the rule does to the dates from a day on; booked visits stay as they are promised.

    `withdrawn` are those whose customers were invited and have not picked. `outside` are booked visits that
    the new rule would not have made.
    """

    new: tuple[Due, ...]
    gone: tuple[Occurrence, ...]
    stays: tuple[Occurrence, ...]
    outside: tuple[Occurrence, ...]

    @property
    def withdrawn(self) -> list[Occurrence]:
        """Invitations that are taken back."""
        return [occurrence for occurrence in self.gone if occurrence.state != OccurrenceState.UPCOMING]


def works_of(territory: Territory, service: Service) -> Works:
    """Which days are working days for a service in a territory."""

    def works(on: date) -> bool:
        day = str(on.weekday())
        regular = day in territory.working_days and day in service.working_days
        return regular and not is_holiday(territory, on)

    return works


def start(
    session: Session, terms: Terms, likes: Likes, *, site: Site, service: Service, now: datetime
) -> ServicePlan:
    """Make a customer's plan with the dates of the next year; the order for it says that they agreed.

    Raises ValueError for a site that no territory serves.
    """
    if site.territory_id is None:
        raise ValueError(f"site {site.id} lies in no territory")
    plan = ServicePlan(
        work_order=_order(site, service, now=now),
        territory=session.get_one(Territory, site.territory_id),
        starts_on=terms.rule.first_on,
        made_until=terms.rule.first_on - timedelta(days=1),
        terms=1,
        created_at=now,
    )
    _agree(plan, terms)
    prefer(plan, likes)
    session.add(plan)
    session.flush()
    make_occurrences(plan, now=now)
    return plan


def _order(site: Site, service: Service, *, now: datetime) -> WorkOrder:
    customer = site.customer
    order = WorkOrder(customer=customer, site=site, service=service, source="plan", created_at=now)
    order.contacts.append(
        ContactRole(role=Role.REQUESTER, name=customer.name, email=customer.email, phone=customer.phone)
    )
    # who asks for a plan asks to be told when a visit is due; they can take that back like any consent
    order.consents.append(Consent(purpose=Purpose.OFFERS, given=True, changed_at=now))
    return order


def _agree(plan: ServicePlan, terms: Terms) -> None:
    plan.anchor_on, plan.every, plan.unit = terms.rule.first_on, terms.rule.every, terms.rule.unit
    season = terms.rule.season
    plan.season_from, plan.season_to = (season.first, season.last) if season else (None, None)
    plan.skip_holidays, plan.period_days = terms.skip_holidays, terms.period_days
    plan.lead_days, plan.renewal = terms.lead_days, terms.renewal
    if plan.term_months != terms.term_months:
        plan.term_months, plan.told_at = terms.term_months, None
    plan.ends_on = plan.end_of(plan.terms)


def prefer(plan: ServicePlan, likes: Likes) -> None:
    """Keep what the customer likes; visits that are made from now on follow it."""
    plan.preferred_weekdays, plan.preferred_part = likes.weekdays, likes.part
    plan.preferred_technician_id = likes.technician_id


def lock(session: Session, plan: ServicePlan, *, even_ended: bool = False) -> None:
    """Keep everybody else from changing the plan, its dates and its routes; see it as it is now.

    Raises NotPossible when it has ended, unless `even_ended`.
    """
    lock_territory(session, plan.territory)
    lock_plans(session, [plan.id])
    reread(session, plan)
    if plan.ended_at is not None and not even_ended:
        raise NotPossible


def lock_plans(session: Session, ids: Iterable[int]) -> None:
    """Keep others from changing plans; in the order of their numbers."""
    lock_rows(session, "service_plan", ids)


def reread(session: Session, plan: ServicePlan) -> None:
    """Forget what was read of a plan before it was locked."""
    session.expire(plan.work_order, ["visits"])
    session.scalars(
        select(Occurrence).where(Occurrence.plan_id == plan.id).execution_options(populate_existing=True)
    ).all()
    ids = select(Occurrence.visit_id).where(Occurrence.plan_id == plan.id)
    session.scalars(select(Visit).where(Visit.id.in_(ids)).execution_options(populate_existing=True)).all()
    session.refresh(plan)


def make_occurrences(plan: ServicePlan, *, now: datetime) -> int:
    """Make the rows of dates up to `AHEAD`, not beyond the term; what is over already is not due any more.

    Returns how many there were. The plan is locked, or new.
    """
    today = plan.territory.local_day(now)
    until = _until(plan, today)
    if until <= plan.made_until:
        return 0
    known = {occurrence.ruled_on for occurrence in plan.occurrences}
    made = 0
    for due in _due(plan, plan.rule, until):
        if due.ruled_on > plan.made_until and due.ruled_on not in known:
            made += _add(plan, due, today)
    plan.made_until = until
    return made


def _until(plan: ServicePlan, today: date) -> date:
    ahead = max(today, plan.anchor_on) + AHEAD
    return ahead if plan.ends_on is None else min(ahead, plan.ends_on)


def _due(plan: ServicePlan, rule: Rule, until: date, *, skip_holidays: bool | None = None) -> Iterable[Due]:
    skip = plan.skip_holidays if skip_holidays is None else skip_holidays
    return rule.due(until, works_of(plan.territory, plan.work_order.service) if skip else None)


def _add(plan: ServicePlan, due: Due, today: date) -> bool:
    if due.due_on + timedelta(days=plan.period_days - 1) < today:
        return False
    occurrence = Occurrence(ruled_on=due.ruled_on)
    plan.occurrences.append(occurrence)
    occurrence.fall_due(due.due_on)
    return True


def preview(plan: ServicePlan, terms: Terms, from_on: date, *, now: datetime) -> Preview:
    """What `change` would do; it changes nothing."""
    today = plan.territory.local_day(now)
    after = _end_after(plan, terms)
    until = max(today, terms.rule.first_on) + AHEAD
    until = until if after is None else min(until, after)
    found = _due(plan, terms.rule, until, skip_holidays=terms.skip_holidays)
    over = timedelta(days=terms.period_days - 1)
    wanted = {due.ruled_on: due for due in found if due.ruled_on >= from_on and due.due_on + over >= today}
    rows = [occurrence for occurrence in plan.occurrences if occurrence.ruled_on >= from_on]
    known = {occurrence.ruled_on: occurrence for occurrence in rows}
    booked = [each for each in rows if each.state == OccurrenceState.BOOKED]
    return Preview(
        new=tuple(due for on, due in wanted.items() if on not in known),
        gone=tuple(each for each in rows if each.open and each.ruled_on not in wanted),
        stays=tuple(each for each in rows if each.ruled_on in wanted),
        outside=tuple(each for each in booked if each.ruled_on not in wanted),
    )


def _end_after(plan: ServicePlan, terms: Terms) -> date | None:
    """The last day of the term after a change."""
    if terms.term_months == plan.term_months:
        return plan.ends_on
    return end_of_term(plan.starts_on, terms.term_months, plan.terms)


def change(session: Session, plan: ServicePlan, terms: Terms, from_on: date, *, now: datetime) -> Preview:
    """Let other terms hold for the dates from a day on; the plan is locked.

    Booked, skipped and missed ones stay. Who was invited for a date that is gone has their invitation
    withdrawn; a date that was moved by hand and is still in the rule stays where it was moved to.
    """
    today = plan.territory.local_day(now)
    found = preview(plan, terms, from_on, now=now)
    for occurrence in found.gone:
        _drop(plan, occurrence, now=now)
    session.flush()
    _agree(plan, terms)
    wanted = {due.ruled_on: due for due in _due(plan, plan.rule, _until(plan, today))}
    for occurrence in found.stays:
        if occurrence.open and occurrence.moved_at is None:
            occurrence.fall_due(wanted[occurrence.ruled_on].due_on)
    for due in found.new:
        _add(plan, due, today)
    plan.made_until = _until(plan, today)
    session.flush()
    return found


def following(plan: ServicePlan, occurrence: Occurrence | None, *, now: datetime) -> date:
    """The first date that a change is about: of this occurrence and those after it, or of all to come."""
    if occurrence is not None:
        return occurrence.ruled_on
    today = plan.territory.local_day(now)
    return min([today, *(each.ruled_on for each in plan.occurrences if each.open)])


def _drop(plan: ServicePlan, occurrence: Occurrence, *, now: datetime) -> None:
    withdraw(occurrence, now=now)
    plan.occurrences.remove(occurrence)


def withdraw(occurrence: Occurrence, *, now: datetime, actor: str = "system") -> None:
    """End the visit of an invitation that nobody picked a window for; one that is promised is left alone."""
    visit = occurrence.visit
    if occurrence.state == OccurrenceState.BOOKED:
        return
    if visit is not None and visit.state == VisitState.REQUESTED:
        visit.cancel(now=now, actor=actor)
    occurrence.visit = occurrence.invited_at = occurrence.reminded_at = None


def skip(occurrence: Occurrence, *, reason: str, now: datetime, actor: str) -> None:
    """Nobody comes this time; the plan is locked. Raises NotPossible for one that is not open."""
    _require_open(occurrence)
    withdraw(occurrence, now=now, actor=actor)
    occurrence.skipped_at, occurrence.skip_reason = now, reason


def bounds(occurrence: Occurrence, *, now: datetime) -> tuple[date, date]:
    """The days to which one can be moved: from today on, between its neighbours, inside the term."""
    plan, today = occurrence.plan, occurrence.plan.territory.local_day(now)
    others = [each.due_on for each in plan.occurrences if each is not occurrence]
    first = max([today, *(on + timedelta(days=1) for on in others if on < occurrence.due_on)])
    last = min(
        [occurrence.due_on + AHEAD, *(on - timedelta(days=1) for on in others if on > occurrence.due_on)]
    )
    if plan.ends_on is not None:
        last = min(last, plan.ends_on)
    return first, max(first, last)


def move(occurrence: Occurrence, to: date, *, now: datetime, actor: str) -> None:
    """Let this one be due on another day; the customer is invited anew. The plan is locked.

    Raises BadDay for one that its neighbours or the term exclude, NotPossible for one that is not open.
    """
    _require_open(occurrence)
    first, last = bounds(occurrence, now=now)
    if not first <= to <= last:
        raise BadDay(first, last)
    withdraw(occurrence, now=now, actor=actor)
    occurrence.fall_due(to)
    occurrence.moved_at = now


def _require_open(occurrence: Occurrence) -> None:
    if not occurrence.open or occurrence.plan.ended_at is not None:
        raise NotPossible


def end(plan: ServicePlan, *, reason: str, now: datetime, actor: str) -> None:
    """End the plan; the plan is locked. Booked visits stay promised, open dates are gone."""
    for occurrence in [each for each in plan.occurrences if each.open]:
        withdraw(occurrence, now=now, actor=actor)
        plan.occurrences.remove(occurrence)
    plan.ended_at, plan.end_reason = now, reason


def may_renew(plan: ServicePlan, *, now: datetime) -> bool:
    """Whether the end of the term is near enough to agree on another one."""
    today = plan.territory.local_day(now)
    return plan.ended_at is None and plan.ends_on is not None and today >= plan.ends_on - NOTICE


def renew(plan: ServicePlan, *, ends_on: date, now: datetime) -> None:
    """Agree on another term after the one that ends on `ends_on`; the plan is locked.

    Raises NotPossible when there is no such end any more: it was renewed already, or ended.
    """
    if plan.ended_at is not None or plan.ends_on != ends_on:
        raise NotPossible
    plan.terms += 1
    plan.ends_on, plan.told_at = plan.end_of(plan.terms), None
    make_occurrences(plan, now=now)


def terms_of(plan: ServicePlan, *, first_on: date | None = None) -> Terms:
    """What holds now; `first_on` is another first date of the rule."""
    rule = plan.rule if first_on is None else replace(plan.rule, first_on=first_on)
    return Terms(
        rule=rule,
        skip_holidays=plan.skip_holidays,
        period_days=plan.period_days,
        lead_days=plan.lead_days,
        term_months=plan.term_months,
        renewal=Renewal(plan.renewal),
    )
