"""The schema that this version works with, known without the tools that make it."""

from __future__ import annotations

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

HEAD = "0039"  # the newest migration; a test compares


def is_current(engine: Engine) -> bool:
    """Whether the newest migration has run; False for a database that is empty or does not answer."""
    try:
        with engine.connect() as connection:
            return bool(connection.scalar(text("SELECT version_num FROM alembic_version")) == HEAD)
    except DBAPIError:
        return False
