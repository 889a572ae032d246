"""The calendar feed follows the visit: same entry, higher number; its address opens nothing else."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from icalendar import Calendar, Component
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.models import Visit
from fieldservice.web import Services
from tests.fieldservice.booking.walker import Walker


def feed_of(booked: Walker) -> str:
    """The path of the feed that the page shows."""
    link = booked.url
    booked.open(f"{link}/calendar")
    subscribe = next(href for href in booked.page.links if href.startswith("webcal://"))
    booked.open(link)
    return urlsplit(subscribe).path


def entries(booked: Walker, feed: str) -> list[Component]:
    """The entries of the feed as a calendar reads them."""
    answer = booked.client.get(feed)
    assert answer.status_code == 200
    assert answer.mimetype == "text/calendar"
    return Calendar.from_ical(answer.data).walk("VEVENT")


def test_a_change_and_a_cancellation_reach_who_subscribed(booked: Walker, services: Services) -> None:
    """The entry keeps its UID; window, status and a rising SEQUENCE follow the visit."""
    link, feed = booked.url, feed_of(booked)
    [first] = entries(booked, feed)
    assert str(first["status"]) == "CONFIRMED"
    booked.open(f"{link}/time")
    booked.send(window=booked.page.options["window"][-1])
    [moved] = entries(booked, feed)
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
    assert moved.decoded("dtstart") == visit.window_starts_at
    assert moved.decoded("dtstart") != first.decoded("dtstart")
    booked.open(f"{link}/cancel")
    booked.send()
    [ended] = entries(booked, feed)
    assert str(ended["status"]) == "CANCELLED"
    assert {str(entry["uid"]) for entry in (first, moved, ended)} == {str(first["uid"])}
    assert first["sequence"] < moved["sequence"] < ended["sequence"]


def test_the_feed_and_the_file_are_one_entry(booked: Walker) -> None:
    """Who has both in one calendar sees one visit."""
    [in_feed] = entries(booked, feed_of(booked))
    [in_file] = Calendar.from_ical(booked.client.get(f"{booked.url}/calendar.ics").data).walk("VEVENT")
    assert str(in_feed["uid"]) == str(in_file["uid"])
    assert in_feed["sequence"] == in_file["sequence"]


def test_an_unchanged_feed_is_not_sent_again(booked: Walker) -> None:
    """Calendars ask every hour; without a change they are answered with 304."""
    feed = feed_of(booked)
    first = booked.client.get(feed)
    again = booked.client.get(feed, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_the_feed_opens_no_page(booked: Walker) -> None:
    """A calendar service knows its address: nothing in it, or made from it, leads to the visit's page."""
    link, feed = booked.url, feed_of(booked)
    content = booked.client.get(feed).text
    assert link.rpartition("/")[2] not in content
    token = feed.removeprefix("/calendar/").removesuffix(".ics")
    for path in (f"/visit/{token}", f"/visit/{token.partition('-')[2]}"):
        assert booked.client.get(path).status_code == 404


def test_a_guessed_feed_is_404_and_an_old_one_410(booked: Walker, clock_at_now: Traveller) -> None:
    """The number of a link alone opens nothing."""
    feed = feed_of(booked)
    number = feed.removeprefix("/calendar/").partition("-")[0]
    for guess in (number, f"{number}-{'A' * 43}", f"99999999999-{'A' * 43}", "x", "%00", "1" * 400):
        assert booked.client.get(f"/calendar/{guess}.ics").status_code == 404
    clock_at_now.shift(timedelta(days=60))
    assert booked.client.get(feed).status_code == 410


def test_without_a_window_the_feed_is_empty(booked: Walker, services: Services) -> None:
    """A request has nothing to show yet; the feed works and fills itself later."""
    feed = feed_of(booked)
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        visit.window_starts_at = visit.window_ends_at = None
    assert entries(booked, feed) == []
