"""What a customer's pages say about their service plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from fieldservice import plan_words, web
from fieldservice.booking.pages import gettext
from fieldservice.language import titled
from fieldservice.models import Occurrence, OccurrenceState, Renewal, ServicePlan, Visit
from fieldservice.planning import service_plans

SHOWN = 6
"""Dates that the page lists: who comes every week does not want to read a year of them."""


@dataclass(frozen=True)
class Line:
    """One date of the plan in words; `changeable` when it can be skipped or moved."""

    id: int
    period: str
    booked: str
    tag: tuple[str, str, str]
    changeable: bool
    pick: bool  # a window can be picked behind this very link


@dataclass(frozen=True)
class PlanPage:
    """A plan in words; `renew` is the last day of the term after which another one can be agreed on."""

    rule: str
    term: str
    ended: bool
    lines: list[Line]
    renew: str
    renew_day: str
    technician: str


def plan_page(plan: ServicePlan, visit: Visit, *, technician: str, now: datetime) -> PlanPage:
    """What comes when, and what can be decided; `technician` is the name of who came before."""
    ends_on = plan.ends_on if _asks(plan, now) else None
    return PlanPage(
        rule=plan_words.rule_words(plan),
        term=_term(plan),
        ended=plan.ended_at is not None,
        lines=[_line(occurrence, visit, now) for occurrence in coming(plan, now)[:SHOWN]],
        renew=ends_on.isoformat() if ends_on else "",
        renew_day=web.day_words(ends_on, year=True) if ends_on else "",
        technician=technician,
    )


def coming(plan: ServicePlan, now: datetime) -> list[Occurrence]:
    """The dates whose period is not over, skipped ones too, so that a customer sees what they decided."""
    today = plan.territory.local_day(now)
    return [occurrence for occurrence in plan.occurrences if occurrence.closes_on >= today]


def row_words(visit: Visit, *, now: datetime) -> str:
    """The line of the private page that leads to the plan; empty for a visit without one."""
    plan = visit.work_order.service_plan
    if plan is None:
        return ""
    if plan.ended_at is not None:
        return gettext("Ended")
    following = next((each for each in coming(plan, now) if each.open and each.visit is not visit), None)
    if following is None:
        return plan_words.rule_words(plan)
    return gettext("%(rule)s. Next: %(day)s", rule=plan_words.rule_words(plan), day=_short(following))


def due_words(occurrence: Occurrence) -> str:
    """Why a window is picked: the service, where, and when it is due."""
    order = occurrence.plan.work_order
    return gettext(
        "%(service)s at %(address)s. By your service plan it is due %(period)s.",
        service=titled(order),
        address=order.site.one_line,
        period=plan_words.period_words(occurrence),
    )


def bad_day_words(error: service_plans.BadDay) -> str:
    """Which days are possible."""
    return gettext(
        "Choose a day from %(first)s to %(last)s",
        first=web.day_words(error.first, year=True),
        last=web.day_words(error.last, year=True),
    )


def _short(occurrence: Occurrence) -> str:
    return web.day_words(occurrence.due_on, year=True, short=True)


def _asks(plan: ServicePlan, now: datetime) -> bool:
    return plan.renewal == Renewal.ASK and service_plans.may_renew(plan, now=now)


def _term(plan: ServicePlan) -> str:
    if plan.ended_at is not None:
        day = web.day_words(plan.territory.local_day(plan.ended_at), year=True)
        return gettext("It ended on %(day)s.", day=day)
    if plan.ends_on is None:
        return gettext("It goes on until you end it.")
    day = web.day_words(plan.ends_on, year=True)
    if plan.renewal == Renewal.AUTOMATIC:
        return gettext("The term ends on %(day)s; then it goes on, unless you end it before.", day=day)
    return gettext("It ends on %(day)s.", day=day)


def _line(occurrence: Occurrence, visit: Visit, now: datetime) -> Line:
    today = occurrence.plan.territory.local_day(now)
    mine = occurrence.visit is visit and occurrence.state != OccurrenceState.UPCOMING
    return Line(
        id=occurrence.id,
        period=plan_words.period_words(occurrence),
        booked=plan_words.booked_words(occurrence),
        tag=plan_words.state_tag(occurrence),
        changeable=occurrence.open and occurrence.plan.ended_at is None,
        pick=mine and occurrence.is_pickable(today),
    )
