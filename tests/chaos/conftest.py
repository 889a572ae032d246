"""A mail server for what is sent while processes die."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services import SmtpSink


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A mail server that keeps what it gets."""
    with SmtpSink() as sink:
        yield sink
