"""The guide of the API is true: its client works as it stands there, its tables name what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.serving import make_server

from fieldservice.api.tokens import Scope
from fieldservice.models import Visit
from fieldservice.web import Services
from tests.factories import Company
from tests.fieldservice.api.conftest import Program

GUIDE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")


def _client() -> str:
    """The indented lines of the last section."""
    lines = GUIDE.partition("## A client")[2].splitlines()
    return "\n".join(line[4:] for line in lines if line.startswith("    ") or not line)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_client_of_the_guide_books(
    app: Flask, program: Callable[..., Program], company: Company, services: Services
) -> None:
    """A program of its own, against a served application: it prints the reference of a promised visit."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        here = {"API_URL": f"http://127.0.0.1:{server.port}/api/v1", "API_TOKEN": program().token}
        done = subprocess.run(
            [sys.executable, "-c", _client()],
            env=os.environ | here,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
    assert done.returncode == 0, done.stderr
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.promised
        assert done.stdout.strip() == visit.reference


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_guide_names_every_scope_and_operation(app: Flask) -> None:
    """What is added to the API is added to its guide."""
    assert set(re.findall(r"`([a-z]+:[a-z]+)`", GUIDE)) == set(Scope)
    rules = [rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("api.")]
    for rule in rules:
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.removeprefix("/api/v1"))
        assert path in GUIDE or path.endswith("/cancel"), path
