"""Service plans in words, for customers and the office alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from flask_babel import format_date, gettext, ngettext

from fieldservice import web
from fieldservice.models import Occurrence, OccurrenceState, PartOfDay, Renewal, ServicePlan
from fieldservice.models.recurrence import Season, Unit

_A_MONDAY = date(2024, 1, 1)

_TAGS = {
    OccurrenceState.UPCOMING: ("", "calendar3"),
    OccurrenceState.INVITED: ("warn", "envelope"),
    OccurrenceState.REMINDED: ("warn", "bell"),
    OccurrenceState.BOOKED: ("ok", "check-circle-fill"),
    OccurrenceState.SKIPPED: ("", "x-circle"),
    OccurrenceState.MISSED: ("bad", "exclamation-triangle-fill"),
}


def rule_words(plan: ServicePlan) -> str:
    """How often somebody comes: every 6 months, April to September."""
    every = plan.every
    often = {
        Unit.WEEKS: ngettext("Every week", "Every %(num)d weeks", every),
        Unit.MONTHS: ngettext("Every month", "Every %(num)d months", every),
        Unit.YEARS: ngettext("Every year", "Every %(num)d years", every),
    }[Unit(plan.unit)]
    return ", ".join(part for part in (str(often), season_words(plan.season)) if part)


def season_words(season: Season | None) -> str:
    """April to September; empty for the whole year."""
    if season is None:
        return ""
    if season.first == season.last:
        return str(gettext("in %(month)s", month=month_name(season.first)))
    first, last = month_name(season.first), month_name(season.last)
    return str(gettext("%(first)s to %(last)s", first=first, last=last))


def period_words(occurrence: Occurrence) -> str:
    """When the customer can pick a window: Mon, Mar 9 – Sun, Mar 22, 2026."""
    last = web.day_words(occurrence.closes_on, short=True, year=True)
    if occurrence.due_on == occurrence.closes_on:
        return last
    return f"{web.day_words(occurrence.due_on, short=True)} – {last}"


def booked_words(occurrence: Occurrence) -> str:
    """The promised day and window; empty unless it is booked."""
    visit = occurrence.visit
    if occurrence.state != OccurrenceState.BOOKED or visit is None or visit.window is None:
        return ""
    zone = visit.territory.zone
    on = web.day_words(visit.window.starts_at.astimezone(zone).date(), short=True)
    return f"{on}, {web.window_words(visit.window, zone)}"


def state_tag(occurrence: Occurrence) -> tuple[str, str, str]:
    """Words, tone and icon of an occurrence's state."""
    words = {
        OccurrenceState.UPCOMING: gettext("Planned"),
        OccurrenceState.INVITED: gettext("To be picked"),
        OccurrenceState.REMINDED: gettext("To be picked, reminded"),
        OccurrenceState.BOOKED: gettext("Booked"),
        OccurrenceState.SKIPPED: gettext("Skipped"),
        OccurrenceState.MISSED: gettext("Not picked"),
    }
    return (str(words[occurrence.state]), *_TAGS[occurrence.state])


def renewal_words(plan: ServicePlan) -> str:
    """How long the plan runs and what happens then."""
    if plan.ends_on is None:
        return str(gettext("Runs until somebody ends it."))
    day = web.day_words(plan.ends_on, year=True)
    return str(
        {
            Renewal.AUTOMATIC: gettext("Runs until %(day)s, then goes on for another term.", day=day),
            Renewal.ASK: gettext("Runs until %(day)s, longer if the customer says yes.", day=day),
            Renewal.NONE: gettext("Runs until %(day)s.", day=day),
        }[Renewal(plan.renewal)]
    )


def likes_words(plan: ServicePlan) -> str:
    """What the customer prefers, in one line; empty for nothing."""
    technician = plan.preferred_technician.name if plan.preferred_technician else ""
    part = dict(part_choices())[plan.preferred_part] if plan.preferred_part else ""
    days = ", ".join(weekday_name(int(day)) for day in plan.preferred_weekdays)
    return " · ".join(words for words in (days, part, technician) if words)


def part_choices() -> Sequence[tuple[str, str]]:
    """The parts of a day that can be preferred."""
    return (
        (PartOfDay.ANY.value, str(gettext("Any time"))),
        (PartOfDay.MORNING.value, str(gettext("Morning"))),
        (PartOfDay.AFTERNOON.value, str(gettext("Afternoon"))),
    )


def weekday_choices() -> Sequence[tuple[str, str]]:
    """The weekdays by their numbers, Monday is 0."""
    return [(str(day), weekday_name(day)) for day in range(7)]


def weekday_name(day: int) -> str:
    """A weekday such as Monday, which is 0."""
    return str(format_date(_A_MONDAY.replace(day=1 + day), "EEEE"))


def weekdays_words(weekdays: str) -> str:
    """Several weekdays, Monday being 0, in short: Mon, Tue, Fri; or every day."""
    days = sorted({int(day) for day in weekdays})
    if len(days) == 7:
        return str(gettext("Every day"))
    return ", ".join(str(format_date(_A_MONDAY.replace(day=1 + day), "EEE")) for day in days)


def month_name(month: int) -> str:
    """A month such as January, which is 1."""
    return str(format_date(_A_MONDAY.replace(month=month), "LLLL"))
