"""`/readyz`: a process is sent traffic only while it can serve it; it names what forbids it, nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from fieldservice import clock, worker
from fieldservice.app import create_app, make_services
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.swept import last_sweeps, mark
from tests.services import free_port, redis_url

SWEEP = "messages.sweep"
Ask = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def ask(settings: Settings) -> Iterator[Ask]:
    """What a load balancer is told by a product with such settings."""
    with ExitStack() as opened:

        def asked(**changed: Any) -> tuple[int, dict[str, Any]]:
            services = make_services(replace(settings, **changed))
            opened.callback(services.db.dispose)
            answer = create_app(services.settings, services).test_client().get("/readyz")
            return answer.status_code, answer.get_json()

        yield asked


def age(data_dir: Path, by: timedelta) -> None:
    """Let the last sweep have ended so long ago."""
    at = (clock.now() - by).timestamp()
    os.utime(data_dir / "sweeps" / SWEEP, (at, at))


def test_a_product_without_faults_is_ready(ask: Ask) -> None:
    """Without a broker or a bound of its own it needs a database with its schema, and says no more."""
    assert ask() == (200, {"status": "ready"})


def test_a_database_that_does_not_answer_forbids_traffic(ask: Ask) -> None:
    """It is named, its address and what went wrong are not."""
    url = f"postgresql://somebody:password@127.0.0.1:{free_port()}/db"
    assert ask(database_url=url) == (503, {"status": "not ready", "failing": ["database"]})


def test_another_schema_forbids_traffic(ask: Ask, altered_db: Database) -> None:
    """A process whose code is newer than the database waits for the migration; neither version is told."""
    with altered_db.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    url = altered_db.engine.url.render_as_string(hide_password=False)
    assert ask(database_url=url) == (503, {"status": "not ready", "failing": ["schema"]})


def test_the_broker_is_asked_where_there_is_one(ask: Ask) -> None:
    """A real Redis is enough; a port at which nobody listens is not."""
    assert ask(broker_url=redis_url())[0] == 200
    silent = f"redis://:password@127.0.0.1:{free_port()}/0"
    assert ask(broker_url=silent) == (503, {"status": "not ready", "failing": ["broker"]})


def test_sweeps_that_stand_still_forbid_traffic_where_a_bound_is_set(ask: Ask, settings: Settings) -> None:
    """Never, or longer ago than the bound, is too long; just now is not; without a bound nobody looks."""
    refused = (503, {"status": "not ready", "failing": ["sweeps"]})
    assert ask(ready_sweep_seconds=60) == refused
    mark(settings.data_dir, SWEEP)
    assert ask(ready_sweep_seconds=60)[0] == 200
    age(settings.data_dir, timedelta(minutes=2))
    assert ask(ready_sweep_seconds=60) == refused
    assert ask()[0] == 200


def test_everything_that_fails_is_named(ask: Ask) -> None:
    """Who repairs sees all of it at once."""
    dead = f"127.0.0.1:{free_port()}"
    status, told = ask(
        database_url=f"postgresql://{dead}/db", broker_url=f"redis://{dead}/0", ready_sweep_seconds=60
    )
    assert (status, told["failing"]) == (503, ["database", "broker", "sweeps"])


def test_a_sweep_that_ends_well_is_remembered_and_one_that_fails_is_not(settings: Settings) -> None:
    """The worker itself writes what is asked here: the task of the timetable runs in it."""
    app = worker.make_worker(settings)
    app.loader.import_default_modules()
    before = clock.now() - timedelta(seconds=1)
    app.tasks[SWEEP].apply()
    app.services.db.dispose()
    assert last_sweeps(settings.data_dir)[SWEEP] >= before
    broken = worker.make_worker(
        replace(settings, data_dir=settings.data_dir / "b", database_url="sqlite:////no/where")
    )
    assert broken.tasks[SWEEP].apply().failed()
    broken.services.db.dispose()
    assert last_sweeps(settings.data_dir / "b") == {}
