"""Every change that the scheduler may name for the product's days has words of its own."""

from __future__ import annotations

from datetime import time, timedelta

import pytest
from flask import Flask

from fieldservice.db import Database
from fieldservice.dispatch.wording import Wording
from scheduler.lifts import LACKS
from scheduler.relax import STRETCHES
from tests.factories import make_company
from tests.fieldservice.planning.scenes import Scene

NUMBERS = {
    "start_s": 36_000,
    "off_s": 600,
    "over_s": 1500,
    "early_s": 900,
    "late_s": 1200,
    "skill": "heating",
    "need": 3,
    "visits": 5,
}
NEVER_THE_PRODUCTS = {"duration", "max_travel", "tools", "parts", "capacity"}


@pytest.mark.parametrize("rule", sorted({"window", *STRETCHES, *LACKS} - NEVER_THE_PRODUCTS))
def test_every_change_has_a_sentence(db: Database, app: Flask, rule: str) -> None:
    """It names the technician and is not the scheduler's own English."""
    lunch = (time(12), time(13), timedelta(minutes=30))
    scene = Scene(db, lambda session: make_company(session, 1, breaks=[lunch]))
    with app.test_request_context(), db.reading() as session:
        said = Wording(scene.day(session)).change(rule, "Ana", NUMBERS, "the scheduler's text")
    assert said.startswith("Ana could")
    assert said != "the scheduler's text"
