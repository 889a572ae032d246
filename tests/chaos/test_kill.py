"""`kill -9` of web, worker and beat under load: what was acknowledged is kept, what was due is sent.

`CHAOS_CYCLES` says how often something is killed; `make chaos` does it more often than the test suite.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.models import Window
from tests.chaos.load import Customers
from tests.chaos.verdict import duplicates, missing, send_the_rest, sent, undelivered, unsent
from tests.factories import Company, make_company, make_customer, make_site, make_visit, make_work_order
from tests.races import count, overlaps
from tests.running import process, ready
from tests.services import SmtpSink, free_port, wait_until
from tests.stories.rivals import real_now

CYCLES = int(os.environ.get("CHAOS_CYCLES", "4"))
VICTIMS = ("fieldservice.wsgi", "worker worker", "worker beat")
CUSTOMERS = 3
REMINDERS = 60
BETWEEN_KILLS = 3  # bookings

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120 + 20 * CYCLES)]


@pytest.fixture
def settings(settings: Settings, sink: SmtpSink) -> Settings:
    """The whole product on a free port with a real mail server, behind a proxy that says who calls."""
    port = free_port()
    return replace(
        settings,
        port=port,
        public_url=f"http://localhost:{port}",
        behind_proxy=True,
        smtp_url=sink.url,
        sms_gateway="none",
        worker_processes=1,
    )


def open_company(session: Session) -> Company:
    """Enough technicians for some hundred visits of half an hour."""
    return make_company(session, technicians=8, duration=timedelta(minutes=30))


def remind(session: Session, company: Company, position: int) -> None:
    """A visit whose reminder falls due while processes die."""
    now = real_now()
    customer = make_customer(session, email=f"reminded{position}@example.com", phone="")
    site = make_site(session, customer, territory=company.territory)
    order = make_work_order(session, site=site, service=company.service)
    visit = make_visit(session, territory=company.territory, work_order=order)
    starts_at = now + timedelta(hours=24, seconds=5 + position * 0.4)
    visit.promise(Window(starts_at, starts_at + timedelta(hours=2)), now=now, actor="test")


def kill(supervisor: subprocess.Popen[bytes], victim: str) -> bool:
    """`kill -9` one supervised process; False while there is none."""
    for child in psutil.Process(supervisor.pid).children():
        try:
            if " ".join(child.cmdline()).endswith(victim):
                child.kill()
                return True
        except psutil.NoSuchProcess:
            continue
    return False


def test_nothing_that_was_acknowledged_is_lost(
    settings: Settings, db: Database, sink: SmtpSink, tmp_path: Path, record_property: Callable[..., None]
) -> None:
    """No acknowledged booking is lost, no due message is lost, and at most one is sent twice per kill."""
    company = db.run(open_company)
    customers = Customers(settings, db, company, real_now().date())
    log = tmp_path / "supervisor.log"
    dice, kills = random.Random(3), Counter[str]()
    with process(settings, "fieldservice.supervisor", log=log) as supervisor:
        ready(settings, supervisor, log)
        for position in range(REMINDERS):
            db.run(partial(remind, company=company, position=position))
        customers.start(CUSTOMERS)
        for cycle in range(CYCLES):
            customers.wait_for(BETWEEN_KILLS)
            time.sleep(dice.uniform(0, 0.3))
            victim = VICTIMS[cycle % len(VICTIMS)]
            wait_until(partial(kill, supervisor, victim), f"{victim} is there to be killed", 60)
            kills[victim] += 1
        ready(settings, supervisor, log)
        customers.stop()
    send_the_rest(db, settings)

    acknowledged = set(customers.acknowledged)
    assert missing(db, acknowledged) == set()
    assert len(set(customers.acknowledged.values())) == len(acknowledged)
    assert overlaps(db) == 0
    if db.engine.dialect.name == "sqlite":
        with db.reading() as session:
            assert session.execute(text("PRAGMA integrity_check")).scalar_one() == "ok"

    assert unsent(db) == set()
    assert count(db, "outbox_message", "state IN ('sending', 'dead')") == 0
    assert undelivered(db, sink) == set()
    reminded = {to for to in sink.recipients if to.startswith("reminded")}
    assert len(reminded) == REMINDERS
    twice = duplicates(db, sink)
    figures = {
        "acknowledged": len(acknowledged),
        "sent": len(sent(db)),
        "duplicates": twice,
        "kills": dict(kills),
        "retries": customers.retries,
    }
    record_property("chaos", figures)
    print(figures)
    assert twice <= kills["worker worker"]
