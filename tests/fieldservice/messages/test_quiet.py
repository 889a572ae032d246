"""The quiet hours: texts that can wait go out in the morning, none is dropped, none is late for its visit."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fieldservice.db import Database
from fieldservice.messages.quiet import Quiet
from fieldservice.models import MessageState, Visit, Window
from fieldservice.notify.gateways import HttpSms, TwilioSms
from tests.fieldservice.messages.conftest import Book, Sender, messages_of, texts_in
from tests.fieldservice.notify.gateway import Gateway

NEW_YORK = ZoneInfo("America/New_York")
PHONE = "+14105550187"


def at(day: int, hour: int) -> datetime:
    """A time of the clock in Baltimore in March 2026, before the clocks change."""
    return datetime(2026, 3, day, hour, tzinfo=NEW_YORK).astimezone(UTC)


def sweep_between(sender: Sender, begin: datetime, end: datetime) -> None:
    """A sweep each half hour."""
    while begin <= end:
        sender.sweep(begin)
        begin += timedelta(minutes=30)


def sent(db: Database, visit: Visit) -> dict[str, str]:
    """Kind and channel -> day and time of the clock at which it went out."""
    return {
        f"{message.kind} {message.channel}": f"{message.sent_at.astimezone(NEW_YORK):%d %H:%M}"
        for message in messages_of(db, visit)
        if message.sent_at is not None
    }


def test_a_reminder_that_is_due_at_night_waits_for_the_morning(
    db: Database, sender: Sender, book: Book
) -> None:
    """Due at 22, the text comes at 8 and the e-mail at 22; without quiet hours both come at 22."""
    window = Window(at(3, 22), at(3, 23))
    visit = book(phone=PHONE, window=window, now=at(2, 12))
    sweep_between(sender, at(2, 12), at(3, 10))
    assert sent(db, visit)["reminder_24h sms"] == "03 08:00"
    assert sent(db, visit)["reminder_24h email"] == "02 22:00"
    sender.settings = replace(sender.settings, quiet_from=0, quiet_until=0)
    other = book(phone=PHONE, window=window, now=at(2, 12))
    sweep_between(sender, at(2, 12), at(3, 10))
    assert sent(db, other)["reminder_24h sms"] == "02 22:00"


def test_a_reminder_for_an_early_visit_comes_in_the_evening_before(
    db: Database, sender: Sender, book: Book
) -> None:
    """Due at 6 for a window at 8, it is sent from 20 on, and at 6 all the same if nobody swept before."""
    window = Window(at(3, 8), at(3, 10))
    visit = book(email="", phone=PHONE, window=window, now=at(2, 12))
    sweep_between(sender, at(2, 12), at(3, 7))
    assert sent(db, visit)["reminder_2h sms"] == "02 20:00"
    other = book(email="", phone=PHONE, window=window, now=at(2, 12))
    sweep_between(sender, at(3, 0), at(3, 7))
    assert sent(db, other)["reminder_2h sms"] == "03 06:00"


def test_what_answers_the_customer_does_not_wait(db: Database, sender: Sender, book: Book) -> None:
    """Who books at 23 is told at 23."""
    visit = book(email="", phone=PHONE, window=Window(at(5, 10), at(5, 12)), now=at(2, 23))
    sender.sweep(at(2, 23))
    assert sent(db, visit) == {"confirmation sms": "02 23:00"}


def test_the_end_is_right_over_both_clock_changes() -> None:
    """At 10,000 random instants of three zones the end is the next time that the clock shows eight."""
    quiet, chance = Quiet(21, 8), random.Random(7)
    for name in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"):
        zone = ZoneInfo(name)
        for _ in range(3334):
            instant = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=chance.randrange(525_600))
            hour, end = instant.astimezone(zone).hour, quiet.end_of(instant, zone)
            if 8 <= hour < 21:
                assert end is None
                continue
            assert end is not None
            shown = end.astimezone(zone)
            assert (shown.hour, shown.minute) == (8, 0)
            assert timedelta(0) < end - instant <= timedelta(hours=12)


def test_quiet_hours_in_the_afternoon_and_none() -> None:
    """Hours that do not cross midnight end on the same day; equal ones never hold."""
    zone = NEW_YORK
    assert Quiet(13, 15).end_of(at(2, 14), zone) == at(2, 15)
    assert Quiet(13, 15).end_of(at(2, 15), zone) is None
    assert [hour for hour in range(24) if Quiet(8, 8).end_of(at(2, hour), zone)] == []


def test_what_was_sent_is_kept_without_the_link(db: Database, sender: Sender, book: Book) -> None:
    """The row has the words as the customer got them; the private link in them opens nothing any more."""
    visit = book(phone=PHONE)
    sender.sweep()
    mail, text = messages_of(db, visit)[:2]
    (file,) = texts_in(sender.settings)
    said = json.loads(file.read_text(encoding="utf-8"))["text"]
    assert mail.sent_subject == "You’re booked: Tuesday, Mar 3, 10 am – 12 pm"
    link = next(word for word in said.split() if "/visit/" in word)
    assert text.sent_text == said.replace(link, "https://visits.example.com/visit/…")
    assert link not in mail.sent_text
    assert "https://visits.example.com/visit/…" in mail.sent_text


def test_a_text_of_unknown_fate_is_shown_as_unknown(db: Database, sender: Sender, book: Book) -> None:
    """A gateway that would send it twice gets it once more, one that knows the key five times; then it is
    neither sent nor dead."""
    with Gateway() as gateway:
        gateway.status = 500
        for sms, tries in ((TwilioSms(gateway.url, "+14105550100"), 2), (HttpSms(gateway.url), 5)):
            gateway.asked.clear()
            sender.channels = replace(sender.channels, sms=sms)
            visit = book(email="", phone=PHONE, window=Window(at(9, 10), at(9, 12)))
            for hour in range(8):
                sender.sweep(at(2, 8 + hour))
            (message,) = [one for one in messages_of(db, visit) if one.kind == "confirmation"]
            assert len(gateway.asked) == tries
            assert message.state == MessageState.UNKNOWN
            assert message.sent_text.startswith("Harbor Heating")
