"""Calendar entries as calendar programs read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar, Event, Timezone

from fieldservice.notify.calendar import calendar_file, invitation
from tests.fieldservice.notify.conftest import TEN, WRITTEN_AT, MakeFacts


def entry(content: bytes) -> Event:
    """The only entry of a calendar file."""
    (event,) = Calendar.from_ical(content).events
    assert isinstance(event, Event)
    return event


def test_the_entry_is_the_arrival_window_at_the_site(make_facts: MakeFacts) -> None:
    """Start and end are the window in the site's zone, with place, link and whom to call."""
    content = calendar_file(make_facts(), written_at=WRITTEN_AT)
    event = entry(content)
    assert (event.start, event.end) == (TEN, TEN + timedelta(hours=2))
    assert "DTSTART;TZID=America/New_York:20261124T100000" in content.decode()
    assert event["LOCATION"] == "2939 O'Donnell Street, Baltimore 21224"
    assert event["SUMMARY"] == "Harbor Heating: Boiler repair"
    assert event["STATUS"] == "CONFIRMED"
    assert "https://visits.example.com/visit/abc" in str(event["DESCRIPTION"])
    assert "ATTENDEE" not in event  # an attendee is offered "Decline", which we could not hear


def test_a_newer_promise_and_a_cancellation_replace_the_entry(make_facts: MakeFacts) -> None:
    """The UID stays, the SEQUENCE rises with each promise and once more when the visit is cancelled."""
    first, moved, cancelled = (
        invitation(facts, written_at=WRITTEN_AT)
        for facts in (
            make_facts(),
            make_facts(promise_version=2),
            make_facts(promise_version=2, cancelled=True),
        )
    )
    events = [entry(each.content) for each in (first, moved, cancelled)]
    assert len({str(event["UID"]) for event in events}) == 1
    assert [event["SEQUENCE"] for event in events] == [1, 2, 3]
    assert [each.method for each in (first, moved, cancelled)] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert events[2]["STATUS"] == "CANCELLED"


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("America/New_York", ("2026-03-08", "2026-11-01")),
        ("Europe/Berlin", ("2026-03-29", "2026-10-25")),
        ("Australia/Lord_Howe", ("2026-04-05", "2026-10-04")),
        ("Asia/Kolkata", ("2026-06-01", "2026-12-01")),
    ],
)
def test_a_program_that_trusts_our_time_zone_alone_shows_the_right_instant(
    make_facts: MakeFacts, zone: str, days: tuple[str, str]
) -> None:
    """On days on which clocks change, the file's own VTIMEZONE leads to the same instant as the real zone."""
    for day in days:
        for hour in (0, 5, 9, 23):
            starts_at = datetime.fromisoformat(f"{day}T{hour:02}:00").replace(tzinfo=ZoneInfo(zone))
            utc = starts_at.astimezone(UTC)
            facts = make_facts(zone=ZoneInfo(zone), starts_at=utc, ends_at=utc + timedelta(hours=1))
            calendar = Calendar.from_ical(calendar_file(facts, written_at=WRITTEN_AT))
            (described,) = [each for each in calendar.subcomponents if isinstance(each, Timezone)]
            written = calendar.events[0].start
            assert isinstance(written, datetime)
            ours = written.replace(tzinfo=described.to_tz(lookup_tzid=False))
            assert ours.astimezone(UTC) == utc, (zone, day, hour)


def test_hostile_text_cannot_add_a_line_to_the_entry(make_facts: MakeFacts) -> None:
    """Line ends, semicolons and commas in what people typed stay inside their property."""
    evil = "Boiler\r\nATTENDEE:mailto:victim@example.com\r\nEND:VEVENT;,\\"
    event = entry(calendar_file(make_facts(service=evil, address=evil), written_at=WRITTEN_AT))
    plain = entry(calendar_file(make_facts(), written_at=WRITTEN_AT))
    assert set(event) == set(plain)
    assert event["LOCATION"] == "Boiler ATTENDEE:mailto:victim@example.com END:VEVENT;,\\"


def test_a_remote_visit_has_no_place(make_facts: MakeFacts) -> None:
    """An empty LOCATION would send people to the middle of a map."""
    event = entry(calendar_file(make_facts(place="remote", address=""), written_at=WRITTEN_AT))
    assert "LOCATION" not in event


def test_facts_without_a_window_cannot_be_made(make_facts: MakeFacts) -> None:
    """A window that ends before it starts, or without a zone, is refused where it is made."""
    with pytest.raises(ValueError, match="not a window"):
        make_facts(ends_at=TEN)
    with pytest.raises(ValueError, match="not a window"):
        make_facts(starts_at=TEN.replace(tzinfo=None))
