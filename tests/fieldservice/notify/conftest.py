"""One promised visit and the mail that tells about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fieldservice.notify.facts import Company, VisitFacts
from fieldservice.notify.mail import Mail

NEW_YORK = ZoneInfo("America/New_York")
TEN = datetime(2026, 11, 24, 10, tzinfo=NEW_YORK).astimezone(UTC)
WRITTEN_AT = datetime(2026, 11, 20, 12, tzinfo=UTC)

type MakeFacts = Callable[..., VisitFacts]
type MakeMail = Callable[..., Mail]


@pytest.fixture
def make_facts() -> MakeFacts:
    """A visit on Tuesday, Nov 24, 10 am – 12 pm in New York."""

    def make(**overrides: object) -> VisitFacts:
        values = {
            "reference": "HH-7K2M9Q",
            "promise_version": 1,
            "cancelled": False,
            "starts_at": TEN,
            "ends_at": TEN + timedelta(hours=2),
            "zone": NEW_YORK,
            "service": "Boiler repair",
            "place": "on_site",
            "address": "2939 O'Donnell Street, Baltimore 21224",
            "link": "https://visits.example.com/visit/abc",
            "company": Company("Harbor Heating", "+1 410 555 0100", "office@example.com"),
            "locale": "en_US",
        }
        return VisitFacts(**(values | overrides))  # type: ignore[arg-type]

    return make


@pytest.fixture
def make_mail() -> MakeMail:
    """A short mail from the company to Rosa."""

    def make(**overrides: object) -> Mail:
        values = {
            "key": "HH-7K2M9Q:p1:confirmation:email",
            "sender_name": "Harbor Heating",
            "sender": "office@example.com",
            "recipient_name": "Rosa Diaz",
            "recipient": "rosa@example.com",
            "written_at": WRITTEN_AT,
            "subject": "You’re booked",
            "text": "Hello\n",
            "html": "<p>Hello</p>",
        }
        return Mail(**(values | overrides))  # type: ignore[arg-type]

    return make
