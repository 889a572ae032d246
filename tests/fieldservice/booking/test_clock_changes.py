"""On days on which clocks change, pages, messages and calendars tell one and the same instant."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.models import Technician, Territory, Visit
from fieldservice.models.facts import facts_of
from fieldservice.notify.rendering import Occasion, letter
from fieldservice.web import Services
from tests.factories import Company
from tests.fieldservice.booking.walker import Walker

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

CHANGES = [
    ("America/New_York", "2026-03-08"),
    ("America/New_York", "2026-11-01"),
    ("Europe/Amsterdam", "2026-03-29"),
    ("Europe/Amsterdam", "2026-10-25"),
    ("Australia/Lord_Howe", "2026-04-05"),  # half an hour
    ("Australia/Lord_Howe", "2026-10-04"),
]


def on_the_wall(instant: datetime, zone: ZoneInfo) -> str:
    """What a clock shows there: counted from the offset alone, not by the product's own words."""
    local = instant.astimezone(UTC) + (instant.astimezone(zone).utcoffset() or timedelta())
    hour, half = local.hour % 12 or 12, "am" if local.hour < 12 else "pm"
    return f"{hour}:{local.minute:02} {half}" if local.minute else f"{hour} {half}"


def shown(window: tuple[datetime, datetime], zone: ZoneInfo) -> str:
    """A window as pages and messages write it."""
    return " – ".join(on_the_wall(instant, zone) for instant in window)


def require_agreement(walker: Walker, services: Services, zone: ZoneInfo) -> None:
    """The page after booking, the confirmation and the calendar's file say the window that is kept."""
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.window is not None
        window = visit.window.starts_at, visit.window.ends_at
        facts = facts_of(visit, services.settings, link="https://visits.example.com/visit/x")
    words = shown(window, zone)
    walker.open(walker.url.removesuffix("/booked"))
    assert words in walker.page.text
    assert words in letter(Occasion(kind="confirmation", facts=facts)).text
    [entry] = Calendar.from_ical(walker.client.get(f"{walker.url}/calendar.ics").data).walk("VEVENT")
    bounds = [entry.decoded(name) for name in ("dtstart", "dtend")]
    assert tuple(bound.astimezone(UTC) for bound in bounds) == window
    assert bounds[0].utcoffset() == window[0].astimezone(zone).utcoffset()


@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize(("name", "day"), CHANGES)
def test_windows_messages_and_calendar_agree(
    walker: Walker,
    company: Company,
    services: Services,
    clock_at_now: Traveller,
    name: str,
    day: str,
    number: int,
) -> None:
    """A window across the change and one after it: what is offered is what is kept, mailed and exported.

    Positive control: told of another zone, the same comparison fails.
    """
    zone = ZoneInfo(name)
    with services.db.transaction() as session:
        session.get_one(Territory, company.territory.id).time_zone = name
        for technician in session.scalars(select(Technician)):
            for pattern in technician.shift_patterns:
                pattern.starts, pattern.ends = time(0), time(9)
    clock_at_now.move_to(datetime.fromisoformat(f"{day}T10:00+00:00") - timedelta(days=3))
    walker.to_time(day)
    offered = [datetime.fromisoformat(value) for value in walker.page.options["window"]]
    midnight = datetime.combine(datetime.fromisoformat(day).date(), time(0), zone)
    assert offered[0] == midnight.astimezone(UTC)
    for starts_at in offered:
        assert on_the_wall(starts_at, zone) in walker.page.text
    assert "Standard Time" not in walker.page.text
    assert "Daylight Time" not in walker.page.text
    walker.send(window=offered[number].isoformat())
    walker.confirm()
    page = walker.url
    require_agreement(walker, services, zone)
    walker.open(page)
    with pytest.raises(AssertionError):
        require_agreement(walker, services, ZoneInfo("Etc/GMT+9"))
