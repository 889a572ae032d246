"""What customers get, through a real mail server, on both databases."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from icalendar import Calendar
from sqlalchemy import update

from fieldservice.auth.links import find_visit
from fieldservice.db import Database
from fieldservice.messages import service
from fieldservice.models import MessageState, OutboxMessage, Visit, VisitState, Window
from fieldservice.notify.sms import NoSms
from tests import factories
from tests.factories import NOW
from tests.fieldservice.messages.conftest import (
    WINDOW,
    Book,
    Sender,
    change,
    entry,
    messages_of,
    part,
    states,
    states_of_all,
    texts_in,
)
from tests.services import SmtpSink

A_DAY_BEFORE = WINDOW.starts_at - timedelta(hours=24)
TWO_HOURS_BEFORE = WINDOW.starts_at - timedelta(hours=2)
A_MOMENT = timedelta(seconds=10)  # how long a technician can take a step back unnoticed
LATER = Window(WINDOW.starts_at + timedelta(days=1), WINDOW.ends_at + timedelta(days=1))


def test_a_confirmation_carries_text_html_calendar_and_a_link_that_opens_the_visit(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """A booking's e-mail says when, with the zone in words, in three forms; its link is the visit's own."""
    visit = book(site={"address": "2939 O'Donnell Street", "unit": "B"})
    assert sender.sweep().sent == 1
    (mail,) = sink.to("rosa@example.com")
    assert mail["Subject"] == "You’re booked: Tuesday, Mar 3, 10 am – 12 pm"
    assert mail["To"] == "Rosa Diaz <rosa@example.com>"
    assert mail["From"] == "Harbor Heating <office@example.com>"
    text, html = part(mail, "text/plain"), part(mail, "text/html")
    assert "10 am – 12 pm, Eastern Standard Time (EST)\n2939 O'Donnell Street, B, Baltimore 21201" in text
    assert "Eastern Standard Time (EST)" in html
    event = entry(mail)
    assert (event.start, event.end) == (WINDOW.starts_at, WINDOW.ends_at)
    (link,) = [line for line in text.splitlines() if line.startswith("https://visits.example.com/visit/")]
    assert link in html
    assert event["URL"] == link
    with db.reading() as session:
        assert find_visit(session, link.rpartition("/")[2], now=NOW).id == visit.id


def test_reminders_go_out_at_their_time_and_not_before(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """24 hours and 2 hours before the window, each once."""
    book()
    sender.sweep()
    assert sender.sweep(A_DAY_BEFORE - timedelta(seconds=5)).sent == 0
    assert sender.sweep(A_DAY_BEFORE).sent == 1
    assert sender.sweep(TWO_HOURS_BEFORE - timedelta(seconds=5)).sent == 0
    assert sender.sweep(TWO_HOURS_BEFORE).sent == 1
    assert [mail["Subject"] for mail in sink.messages[1:]] == [
        "Reminder: Tuesday, Mar 3, 10 am – 12 pm",
        "Soon: Tuesday, Mar 3, 10 am – 12 pm",
    ]
    assert sender.sweep(WINDOW.ends_at) == service.SweepResult()


def test_a_moved_visit_retires_its_old_reminders_in_the_same_transaction(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """The move and the end of the old reminders are one: both happen or none. Other visits are reminded."""
    moved, left_alone = book("moved@example.com"), book("alone@example.com")
    sender.sweep()

    def move_and_fail(visit: Visit) -> None:
        visit.promise(LATER, now=NOW, actor="customer")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change(db, moved, move_and_fail)
    assert states(db, moved)["reminder_24h"] == MessageState.PENDING
    change(db, moved, lambda visit: visit.promise(LATER, now=NOW, actor="customer"))
    old = [message for message in messages_of(db, moved) if message.promise_version == 1]
    assert {message.kind: message.state for message in old} == {
        "confirmation": MessageState.SENT,
        "reminder_24h": MessageState.CANCELLED,
        "reminder_2h": MessageState.CANCELLED,
    }
    sender.sweep(A_DAY_BEFORE)
    sender.sweep(TWO_HOURS_BEFORE)
    assert len(sink.to("alone@example.com")) == 3
    assert [mail["Subject"] for mail in sink.to("moved@example.com")[1:]] == [
        "New time: Wednesday, Mar 4, 10 am – 12 pm"
    ]
    assert states(db, left_alone)["reminder_2h"] == MessageState.SENT


def test_a_change_names_the_old_window_and_replaces_the_calendar_entry(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """The new entry has the same UID and a higher SEQUENCE; the words say what no longer counts."""
    visit = book()
    sender.sweep()
    change(db, visit, lambda visit: visit.promise(LATER, now=NOW, actor="dispatcher"))
    sender.sweep()
    before, after = (entry(mail) for mail in sink.messages)
    assert after["UID"] == before["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == (1, 2)
    assert after.start == LATER.starts_at
    assert "no longer on Tuesday, Mar 3, 10 am – 12 pm" in part(sink.messages[1], "text/plain")


def test_a_cancelled_visit_is_never_reminded_and_its_entry_is_withdrawn(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """After the cancellation went out, no time brings a reminder; the calendar part withdraws the entry."""
    visit = book()
    sender.sweep()
    change(db, visit, lambda visit: visit.cancel(now=NOW, actor="customer"))
    for now in (NOW, A_DAY_BEFORE, TWO_HOURS_BEFORE, WINDOW.ends_at):
        sender.sweep(now)
    assert [mail["Subject"].split(":")[0] for mail in sink.messages] == ["You’re booked", "Cancelled"]
    calendar = Calendar.from_ical(part(sink.messages[1], "text/calendar"))
    assert calendar["METHOD"] == "CANCEL"
    assert (calendar.events[0]["STATUS"], calendar.events[0]["SEQUENCE"]) == ("CANCELLED", 2)


@pytest.mark.parametrize("kind", ["confirmation", "reminder_24h", "reminder_2h"])
def test_a_stale_message_that_is_still_due_is_retired_by_the_sweep_itself(
    db: Database, sender: Sender, sink: SmtpSink, book: Book, kind: str
) -> None:
    """Even if a row of an older promise came back to life, the check in the claim's transaction stops it."""
    visit = book()
    change(db, visit, lambda visit: visit.promise(LATER, now=NOW, actor="customer"))
    _revive(db, visit, kind, version=1)
    assert sender.sweep(NOW).retired == 1
    (stale,) = [m for m in messages_of(db, visit) if m.kind == kind and m.promise_version == 1]
    assert (stale.state, stale.last_error) == (
        MessageState.CANCELLED,
        "another window was promised since",
    )
    assert [mail["Subject"].split(":")[0] for mail in sink.messages] == ["New time"]


def test_who_moves_a_visit_twice_in_a_row_is_told_of_once(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """A second change within a minute of what was told waits; a third takes its place; none is lost."""
    visit = book()
    sender.sweep()
    for minutes, hours in ((0, 1), (0.5, 2), (0.75, 3)):
        at, later = NOW + timedelta(minutes=minutes), timedelta(hours=hours)
        window = Window(WINDOW.starts_at + later, WINDOW.ends_at + later)
        change(db, visit, lambda visit, window=window, at=at: visit.promise(window, now=at, actor="test"))
        sender.sweep(at)
    assert [mail["Subject"].partition(", Mar")[0] for mail in sink.messages[1:]] == ["New time: Tuesday"]
    sender.sweep(NOW + timedelta(minutes=1, seconds=5))
    assert ["11 am" in sink.messages[1]["Subject"], "1 pm" in sink.messages[2]["Subject"]] == [True, True]
    assert len(sink.messages) == 3


def test_a_cancellation_and_a_reminder_that_cross_end_with_the_cancellation_alone(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """A revived reminder of a cancelled visit is retired, its cancellation is sent."""
    visit = book()
    sender.sweep()
    change(db, visit, lambda visit: visit.cancel(now=NOW, actor="customer"))
    _revive(db, visit, "reminder_24h", version=1)
    assert sender.sweep() == service.SweepResult(sent=1, retired=1)
    assert sink.messages[-1]["Subject"].startswith("Cancelled")


@pytest.mark.parametrize(
    ("back_at", "subjects"),
    [
        (A_DAY_BEFORE + timedelta(hours=3), ["Reminder", "Soon"]),
        (TWO_HOURS_BEFORE, ["Soon"]),
        (WINDOW.starts_at - timedelta(minutes=5), ["Soon"]),
        (WINDOW.starts_at, []),
        (WINDOW.ends_at, []),
    ],
)
def test_reminders_that_were_due_while_the_system_was_down(
    db: Database, sender: Sender, sink: SmtpSink, book: Book, back_at: datetime, subjects: list[str]
) -> None:
    """A late reminder goes out while it helps: never two at once, never after the window began."""
    visit = book()
    sender.sweep()
    sender.sweep(back_at)
    sender.sweep(max(back_at, TWO_HOURS_BEFORE))
    assert [mail["Subject"].split(":")[0] for mail in sink.messages[1:]] == subjects
    assert MessageState.PENDING not in states(db, visit).values()


def test_nothing_is_sent_after_the_window_is_over(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """A confirmation that could not leave for days is retired instead of surprising anybody."""
    visit = book()
    assert sender.sweep(WINDOW.ends_at).retired == 3
    assert sink.messages == []
    assert set(states(db, visit).values()) == {MessageState.CANCELLED}


def test_a_technician_who_sets_off_is_announced_once_with_name_and_time(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """The message names the technician and the local time of arrival."""
    visit = book()
    sender.sweep()
    with db.transaction() as session:
        technician = factories.make_technician(session, name="Ben Okafor")
        factories.make_stop(
            session,
            technician,
            WINDOW.starts_at,
            WINDOW.ends_at,
            visit=session.get_one(Visit, visit.id),
        )
    set_off = WINDOW.starts_at
    change(db, visit, lambda visit: _set_off(visit, set_off))
    assert sender.sweep(set_off + A_MOMENT).sent == 1
    assert sink.messages[-1]["Subject"] == "Ben Okafor is on the way, arriving around 10:25 am"


def test_setting_off_twice_leaves_only_the_newest_announcement(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Undone and set off again before the first message left: only the second arrival is told."""
    visit = book()
    sender.sweep()
    first, second = WINDOW.starts_at, WINDOW.starts_at + timedelta(minutes=10)
    change(db, visit, lambda visit: _set_off(visit, first))
    change(db, visit, lambda visit: visit.revert(occurred_at=first, now=first, actor="technician"))
    change(db, visit, lambda visit: _set_off(visit, second))
    sender.sweep(second + A_MOMENT)
    assert "10:35 am" in sink.messages[-1]["Subject"]
    assert len(sink.messages) == 2


def test_an_announcement_that_comes_after_the_arrival_is_not_sent(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Nobody reads "arriving around 10:25" at 10:25, or when the technician has arrived."""
    late, arrived = book("late@example.com"), book("arrived@example.com")
    sender.sweep()
    for visit in (late, arrived):
        change(db, visit, lambda visit: _set_off(visit, WINDOW.starts_at))
    change(
        db,
        arrived,
        lambda visit: visit.advance(
            VisitState.ON_SITE, occurred_at=WINDOW.starts_at, now=WINDOW.starts_at, actor="technician"
        ),
    )
    sender.sweep(WINDOW.starts_at + timedelta(minutes=25))
    assert len(sink.messages) == 2
    assert states(db, late)["on_my_way"] == states(db, arrived)["on_my_way"] == MessageState.CANCELLED


def test_texts_go_to_the_phone_with_the_zone_in_words(db: Database, sender: Sender, book: Book) -> None:
    """A customer with a phone gets the same news as a text, once."""
    book(email="", phone="+14105550187")
    sender.sweep()
    sender.sweep()
    (file,) = texts_in(sender.settings)
    text = json.loads(file.read_text(encoding="utf-8"))
    assert text["recipient"] == "+14105550187"
    assert text["text"].startswith(
        "Harbor Heating: you’re booked for Tuesday, Mar 3, 10 am – 12 pm, Eastern Standard Time (EST)."
    )
    assert "\n" not in text["text"]


def test_a_company_without_texts_retires_them(db: Database, sender: Sender, book: Book) -> None:
    """Switched off is no failure: the e-mail goes out, the text is retired at once."""
    sender.channels = replace(sender.channels, sms=NoSms())
    book(phone="+14105550187")
    assert sender.sweep() == service.SweepResult(sent=1, retired=1)


def test_the_counts_name_every_state(db: Database, sender: Sender, sink: SmtpSink, book: Book) -> None:
    """The health check sees how many messages wait, went out, were retired or given up."""
    sink.refuse("gone@example.com", "550 unknown")
    visit = book()
    book("gone@example.com")
    sender.sweep()
    change(db, visit, lambda visit: visit.cancel(now=NOW, actor="customer"))
    assert states_of_all(db) == {
        "pending": 3,
        "sending": 0,
        "sent": 1,
        "unknown": 0,
        "dead": 1,
        "cancelled": 2,
    }


@pytest.mark.parametrize(
    ("zone", "local", "utc_day_before", "utc_two_hours_before"),
    [
        ("America/New_York", "2026-03-08T09:00", "2026-03-07T13:00", "2026-03-08T11:00"),
        ("America/New_York", "2026-11-01T09:00", "2026-10-31T14:00", "2026-11-01T12:00"),
        ("Europe/Berlin", "2026-03-29T09:00", "2026-03-28T07:00", "2026-03-29T05:00"),
        ("Europe/Berlin", "2026-10-25T09:00", "2026-10-24T08:00", "2026-10-25T06:00"),
        ("Australia/Lord_Howe", "2026-04-05T09:00", "2026-04-03T22:30", "2026-04-04T20:30"),
        ("Australia/Lord_Howe", "2026-10-04T09:00", "2026-10-02T22:00", "2026-10-03T20:00"),
    ],
)
def test_reminders_keep_the_right_minute_over_a_change_of_clocks(
    db: Database,
    sender: Sender,
    sink: SmtpSink,
    book: Book,
    zone: str,
    local: str,
    utc_day_before: str,
    utc_two_hours_before: str,
) -> None:
    """When the clocks change, reminders leave 24 and 2 real hours ahead and name the new local time."""
    starts = datetime.fromisoformat(local).hour
    window = factories.window(datetime.fromisoformat(local).date(), starts, starts + 2, zone)
    now = window.starts_at - timedelta(days=3)
    book(window=window, now=now, zone=zone)
    sender.sweep(now)
    for due, word in ((utc_day_before, "Reminder"), (utc_two_hours_before, "Soon")):
        minute = datetime.fromisoformat(due).replace(tzinfo=UTC)
        assert sender.sweep(minute - timedelta(minutes=1)).sent == 0
        assert sender.sweep(minute).sent == 1
        assert sink.messages[-1]["Subject"].startswith(word)
        assert "9 – 11" in sink.messages[-1]["Subject"] or "9 am – 11 am" in sink.messages[-1]["Subject"]
    assert entry(sink.messages[0]).start == window.starts_at


def _set_off(visit: Visit, at: datetime) -> None:
    visit.advance(VisitState.EN_ROUTE, occurred_at=at, now=at, actor="technician")
    visit.tell_on_my_way(arrives_at=at + timedelta(minutes=25), now=at)


def _revive(db: Database, visit: Visit, kind: str, version: int) -> None:
    with db.transaction() as session:
        session.execute(
            update(OutboxMessage)
            .where(
                OutboxMessage.visit_id == visit.id,
                OutboxMessage.kind == kind,
                OutboxMessage.promise_version == version,
            )
            .values(state=MessageState.PENDING, next_at=NOW)
        )
