"""A visit as a calendar entry that later ones replace.

The entry is published (METHOD:PUBLISH), not an invitation (METHOD:REQUEST): an invitation puts "Decline"
beside the visit, and whoever presses it believes to have cancelled, while only a mailbox that nobody reads
was told. A visit is changed and cancelled behind its private link alone, which the entry carries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from fieldservice.notify.facts import VisitFacts
from fieldservice.notify.mail import Invitation, one_line
from fieldservice.notify.translations import gettext_of

_PRODUCT = "-//fieldservice//visits//EN"
_A_DAY = timedelta(days=1)
_AN_HOUR = timedelta(hours=1)


def calendar_file(facts: VisitFacts, *, written_at: datetime) -> bytes:
    """The visit's entry as an .ics file; importing a newer one replaces the older one."""
    return invitation(facts, written_at=written_at).content


def invitation(facts: VisitFacts, *, written_at: datetime) -> Invitation:
    """The visit's entry for an e-mail: published, or cancelled when the visit is."""
    method = "CANCEL" if facts.cancelled else "PUBLISH"
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(_event(facts, written_at))
    calendar.add_missing_timezones(facts.starts_at.date() - _A_DAY, facts.ends_at.date() + 2 * _A_DAY)
    return Invitation(method, calendar.to_ical())


@dataclass(frozen=True, kw_only=True)
class Work:
    """A visit as its technician's calendar shows it; `sure` once the plan was sent out."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    what: str
    address: str
    sure: bool


def work_feed(work: Sequence[Work], *, name: str, zone: ZoneInfo) -> bytes:
    """A technician's visits for calendars that ask again and again; of customers only the address."""
    calendar = _feed(name)
    for each in work:
        event = Event()
        event.add("uid", each.uid)
        event.add("status", "CONFIRMED" if each.sure else "TENTATIVE")
        event.add("dtstamp", each.starts_at)  # the same visits always make the same feed
        event.add("dtstart", each.starts_at.astimezone(zone))
        event.add("dtend", each.ends_at.astimezone(zone))
        event.add("summary", one_line(each.what))
        event.add("location", one_line(each.address))
        calendar.add_component(event)
    if work:
        days = [each.starts_at.date() for each in work]
        calendar.add_missing_timezones(min(days) - _A_DAY, max(days) + 2 * _A_DAY)
    content: bytes = calendar.to_ical()
    return content


def calendar_feed(facts: VisitFacts | None, *, name: str, changed_at: datetime) -> bytes:
    """The visit's entry for calendars that ask again and again; without a window the feed is empty.

    A feed has no method: who subscribed gets the entry as it stands, a cancelled one with this status. The
    facts should lack the private link, because the calendar service that asks is not the customer.
    """
    calendar = _feed(name)
    if facts is not None:
        calendar.add_component(_event(facts, changed_at))
        calendar.add_missing_timezones(facts.starts_at.date() - _A_DAY, facts.ends_at.date() + 2 * _A_DAY)
    content: bytes = calendar.to_ical()
    return content


def _feed(name: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("name", one_line(name))
    calendar.add("x-wr-calname", one_line(name))
    calendar.add("refresh-interval", _AN_HOUR, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    return calendar


def _event(facts: VisitFacts, written_at: datetime) -> Event:
    event = Event()
    event.add("uid", f"{facts.reference}@{facts.company.email.rpartition('@')[2]}")
    # A cancellation is the last word on a visit, so it outranks the promise that it ends.
    event.add("sequence", facts.promise_version + facts.cancelled)
    event.add("status", "CANCELLED" if facts.cancelled else "CONFIRMED")
    event.add("dtstamp", written_at)
    event.add("dtstart", facts.starts_at.astimezone(facts.zone))
    event.add("dtend", facts.ends_at.astimezone(facts.zone))
    event.add("summary", one_line(f"{facts.company.name}: {facts.service}"))
    event.add("description", _description(facts))
    if where := facts.address or facts.joins:
        event.add("location", one_line(where))
    if facts.link:
        event.add("url", facts.link)
    organizer = vCalAddress(f"mailto:{facts.company.email}")
    organizer.params["cn"] = vText(one_line(facts.company.name))
    event["organizer"] = organizer
    return event


def _description(facts: VisitFacts) -> str:
    _ = gettext_of(facts.locale)
    lines = [_("Reference %(reference)s") % {"reference": facts.reference}]
    if facts.calls and not facts.cancelled:
        lines.append(_("We call this number: %(calls)s") % {"calls": facts.calls})
    if facts.link and not facts.cancelled:
        lines.append(_("Change or cancel: %(link)s") % {"link": facts.link})
    lines.append(_("Questions? Call %(phone)s.") % {"phone": facts.company.phone})
    return "\n".join(lines)
