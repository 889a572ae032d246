"""Who answers and when: settings that make sense, and hours by the clock on the wall."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from fieldservice.app import create_app
from fieldservice.booking import talk_pages
from fieldservice.config import SettingError, Settings
from fieldservice.web import Services
from tests.factories import NOW

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ZONE = ZoneInfo("America/New_York")


def app_with(services: Services, **values: object) -> Flask:
    """The product with other settings."""
    settings = replace(services.settings, **values)  # type: ignore[arg-type]
    return create_app(settings, replace(services, settings=settings))


def words(app: Flask, now: datetime) -> str:
    """What the page says at this moment."""
    with app.test_request_context():
        return talk_pages.answer_words(ZONE, now=now)


def test_the_settings_are_what_the_page_says(services: Services) -> None:
    """A name, a length in words, hours of the territory."""
    app = app_with(services, answered_by="Dana’s team", answer_minutes=180, office_opens=9, office_closes=17)
    assert words(app, NOW + timedelta(hours=3)) == "Dana’s team answers in about 3 hours, 9 am – 5 pm."
    assert "closed now" in words(app, NOW)  # it is 8 there


def test_an_office_that_never_closes(services: Services) -> None:
    """From midnight to midnight is every hour of the day."""
    app = app_with(services, office_opens=0, office_closes=24)
    for hour in range(24):
        assert "closed" not in words(app, NOW + timedelta(hours=hour))


@pytest.mark.parametrize("day", [datetime(2026, 3, 8, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)])
def test_clock_changes_move_no_hour(services: Services, day: datetime) -> None:
    """Seven in the morning is seven on the wall, also on the days on which the clocks change."""
    with app_with(services).test_request_context():
        hours = talk_pages.office_hours(ZONE, now=day + timedelta(hours=16))
    assert [at.astimezone(ZONE).hour for at in (hours.starts_at, hours.ends_at)] == [7, 19]


def test_an_office_cannot_close_before_it_opens(settings: Settings) -> None:
    """The setting is named, so that somebody can put it right."""
    with pytest.raises(SettingError, match="FIELDSERVICE_OFFICE_CLOSES"):
        replace(settings, office_opens=19, office_closes=7).require_valid()
