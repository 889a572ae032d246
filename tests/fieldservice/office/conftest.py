"""Who keeps the office."""

from __future__ import annotations

import pytest
from flask import Flask

from fieldservice.db import Database
from tests.fieldservice.office.owner import Owner


@pytest.fixture
def owner(app: Flask, db: Database, clock_at_now: object) -> Owner:
    """The administrator."""
    return Owner(app, db)
