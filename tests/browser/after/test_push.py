"""Notifications for a customer: turned on at the private page, shown by its worker, and off."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.messages.service import sweep
from fieldservice.models import PushDevice, VisitState
from tests.browser.accessible import faults
from tests.browser.after.conftest import OpenPage, Stage
from tests.browser.maker import deliver, let_be_notified, notified
from tests.factories import NOW
from tests.fieldservice.field.crew import phone_of
from tests.push_service import PushService
from tests.services import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Notifications may go to this machine."""
    return replace(settings, push_local=True)


def test_on_told_and_off(stage: Stage, app: Flask, open_page: OpenPage, troubles: list[str]) -> None:
    """Told what happened without a name or a place; switched off, nothing knows the browser."""
    page, services = open_page(), stage.services

    def devices(session: Session) -> int:
        return len(session.scalars(select(PushDevice)).all())

    with PushService() as maker:
        let_be_notified(page, maker.device, origin=stage.url)
        page.goto(stage.link)
        assert faults(page) == []
        page.get_by_role("button", name="Turn on notifications").click()
        expect(page.get_by_role("button", name="Turn off notifications")).to_be_visible()
        assert faults(page) == []
        assert services.db.run(devices) == 1
        stage.enter(VisitState.DISPATCHED)
        phone_of(app, services.db, stage.crew.account).say(stage.crew.visits[0], "on_my_way")
        later = NOW + timedelta(minutes=1)
        sweep(services.db, services.channels, services.settings, now=later, owner="test")
        on_the_way = next(said for said in maker.shown if said["page"] == "/track")
        assert "Charles" not in json.dumps(maker.shown)
        deliver(page.context, page, stage.url, on_the_way)
        wait_until(lambda: len(notified(page, stage.link)) == 1, "the notification")
        page.get_by_role("button", name="Turn off notifications").click()
        expect(page.get_by_role("button", name="Turn on notifications")).to_be_visible()
    assert services.db.run(devices) == 0
    assert troubles == []
