"""A visit as its customer knows it: what messages and calendar files are made from, for every face alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fieldservice.config import Settings
from fieldservice.models.customer import Role
from fieldservice.models.service import Place
from fieldservice.models.visit import PLANNABLE, Visit, VisitState, Window
from fieldservice.notify.facts import Company, VisitFacts
from fieldservice.notify.translations import language_of
from fieldservice.notify.words import phone_words


def facts_of(
    visit: Visit,
    settings: Settings,
    *,
    link: str,
    promised: bool = True,
    offered: Window | None = None,
    at: datetime | None = None,
) -> VisitFacts:
    """The facts of a visit; `link` is its private address, or empty when there is none any more.

    `offered` is the window that is told in place of the promised one. Raises ValueError without any, unless
    the facts are for somebody who does not speak of the promise (`promised=False`). `at` is when it is told:
    without it nobody is told that another window can be picked.
    """
    window = offered or visit.window
    if window is None and promised:
        raise ValueError(f"visit {visit.id} has no window")
    locale = visit.work_order.locale_for(settings.locale)
    # fees are between the company and whoever asked, who alone has a link
    fees = (visit.late_fee, visit.fee_due) if link else ("", "")
    late_fee, fee_due = (visit.service.in_language(fee, language_of(locale)) for fee in fees)
    cutoff = visit.service.reschedule_cutoff
    window = window or Window(visit.created_at, visit.created_at + timedelta(hours=1))  # shown to nobody
    return VisitFacts(
        reference=visit.reference,
        promise_version=visit.promise_version,
        promised=promised,
        cancelled=visit.state == VisitState.CANCELLED,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        zone=visit.territory.zone,
        service=visit.work_order.title_in(language_of(locale)),
        place=visit.service.place,
        address=_address(visit),
        link=link,
        company=Company(settings.company_name, settings.company_phone, settings.company_email),
        locale=locale,
        late_fee=late_fee,
        free_until=visit.free_until if late_fee else None,
        may_change=at is not None and visit.state in PLANNABLE and at <= window.starts_at - cutoff,
        calls=phone_words(number, settings.country) if (number := called(visit)) else "",
        joins=joined(visit),
        fee_due=fee_due,
    )


def facts_of_nobody(settings: Settings, *, locale: str, now: datetime) -> VisitFacts:
    """The facts for a visitor who has no visit: who writes, in which language."""
    return VisitFacts(
        reference="",
        promise_version=0,
        promised=False,
        cancelled=False,
        starts_at=now,
        ends_at=now + timedelta(hours=1),
        zone=ZoneInfo("UTC"),
        service="",
        place="",
        address="",
        link="",
        company=Company(settings.company_name, settings.company_phone, settings.company_email),
        locale=locale or settings.locale,
    )


def called(visit: Visit) -> str:
    """The number that is called for a remote visit: of who is at the site, or else of who asked."""
    if not visit.service.calls_back:
        return ""
    people = (visit.work_order.contact(role) for role in (Role.SITE_CONTACT, Role.REQUESTER))
    return next((person.phone for person in people if person and person.phone), "")


def joined(visit: Visit) -> str:
    """The link under which a remote visit takes place; empty when somebody is called or visited."""
    return visit.service.call_link if visit.service.place == Place.REMOTE else ""


def _address(visit: Visit) -> str:
    branch = visit.service.branch
    match visit.service.place:
        case Place.REMOTE:
            return ""
        case Place.AT_BRANCH if branch is not None:
            return f"{branch.name}, {branch.address}"
        case _:
            return visit.site.one_line
