"""Notifications on a phone: turned on with a button, shown by the service worker, ended by signing out.

The maker of the browser is the one thing that is not there: a server on this machine takes its place, and
what it opened is handed to Chromium's own service worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.dispatch.service import dispatch_day
from fieldservice.field import pushes
from fieldservice.messages.service import sweep
from fieldservice.models import PushDevice, Technician
from fieldservice.notify.push import Device
from fieldservice.web import Services
from tests.browser.field.phones import ready
from tests.browser.field.test_field import assert_usable
from tests.browser.maker import deliver, let_be_notified, notified
from tests.factories import NOW, TODAY
from tests.fieldservice.field.crew import Crew
from tests.push_service import PushService
from tests.services import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Notifications may go to this machine."""
    return replace(settings, push_local=True)


@pytest.fixture
def maker(page: Page, site: str) -> Iterator[PushService]:
    """The maker of the phone's browser."""
    with PushService() as service:
        let_be_notified(page, service.device, origin=site)
        yield service


def devices(db: Database) -> list[Device]:
    """The browsers that the server knows."""
    with db.reading() as session:
        return [row.device for row in session.scalars(select(PushDevice))]


def test_a_phone_is_told_of_a_change(
    page: Page, crew: Crew, app: Flask, maker: PushService, settings: Settings, site: str
) -> None:
    """Off, on, told of a change in words that name nobody, and off again with the sign-out."""
    services: Services = app.extensions["fieldservice"]

    def send_out(session: Session) -> None:
        territory = session.get_one(Technician, crew.technician_id).territory
        dispatch_day(session, territory, TODAY, now=NOW, actor="user:9")

    crew.db.run(send_out)
    ready(page)
    page.goto("/day/me")
    page.get_by_role("button", name="Turn on notifications").click()
    expect(page.get_by_role("button", name="Turn off notifications")).to_be_visible()
    assert devices(crew.db) == [maker.device]
    assert_usable(page)
    expect(page.get_by_role("button", name="Turn off notifications")).to_be_visible()
    crew.give_away(crew.visits[1])
    crew.db.run(lambda session: pushes.tell_changed(session, crew.technician_id, now=NOW))
    later = NOW + timedelta(minutes=1)
    assert sweep(crew.db, services.channels, services.settings, now=later, owner="test").sent >= 2
    [changed, welcome] = maker.shown
    assert welcome["body"].startswith("Notifications are on")
    assert "Charles Street" not in json.dumps(maker.shown)
    deliver(page.context, page, site, changed)
    wait_until(lambda: len(notified(page, "/day/")) == 1, "the notification")
    assert notified(page, "/day/") == [
        ["Harbor Heating", "Your route has changed. Touch to see it.", "route"]
    ]
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert devices(crew.db) == []
