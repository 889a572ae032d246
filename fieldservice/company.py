"""The company as the office set it up, in place of what the settings say."""

from __future__ import annotations

import time
from dataclasses import replace

import structlog
from flask import Flask, request
from sqlalchemy.exc import DBAPIError

from fieldservice.models import CompanyProfile
from fieldservice.web import Services

LOOK_AGAIN_S = 10.0  # other processes than the one that stored it
_KEY, _LOOKED = "fieldservice", "fieldservice looked"
# what answers without a database, or needs no name
_NEVER = ("root.healthz", "root.readyz", "root.metrics_text", "root.tiles", "static")

log = structlog.get_logger()


def as_set_up(services: Services) -> Services:
    """The services with the company's stored name and number; as they are while the database is silent."""
    try:
        with services.db.reading() as session:
            found = session.get(CompanyProfile, 1)
            if found is None:
                return services
            settings = replace(services.settings, company_name=found.name, company_phone=found.phone)
    except DBAPIError as error:
        log.warning("the company was not read", error=type(error.orig).__name__)
        return services
    return services if settings == services.settings else replace(services, settings=settings)


def install(app: Flask) -> None:
    """Look before a request whether the office said something new."""

    @app.before_request
    def look() -> None:
        due = app.extensions.get(_LOOKED, 0.0) + LOOK_AGAIN_S
        if request.endpoint is not None and request.endpoint not in _NEVER and time.monotonic() >= due:
            look_now(app)


def look_now(app: Flask) -> None:
    """Take over what is stored; who changed it sees it at once."""
    app.extensions[_LOOKED] = time.monotonic()
    app.extensions[_KEY] = as_set_up(app.extensions[_KEY])
