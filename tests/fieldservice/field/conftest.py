"""A technician with a day of work, and the phones of the crew."""

from __future__ import annotations

import pytest
import time_machine
from flask import Flask

from fieldservice.db import Database
from tests.fieldservice.field.crew import Crew, Phone, phone_of


@pytest.fixture
def crew(db: Database) -> Crew:
    """Three visits of today on one technician's route."""
    return Crew(db)


@pytest.fixture
def clock(clock_at_now: time_machine.Traveller) -> time_machine.Traveller:
    """The wall clock, at 8:00 on the day of the visits."""
    return clock_at_now


@pytest.fixture
def phone(app: Flask, crew: Crew, clock: time_machine.Traveller) -> Phone:
    """The technician's phone."""
    return phone_of(app, crew.db, crew.account)


@pytest.fixture
def other_phone(app: Flask, crew: Crew, clock: time_machine.Traveller) -> Phone:
    """The colleague's phone."""
    return phone_of(app, crew.db, crew.colleague)
