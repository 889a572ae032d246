"""`/metrics`: the figures are right, whichever process asks, and nobody else reads them."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from fieldservice import clock
from fieldservice.app import create_app
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.metrics import exposition
from fieldservice.models import Job, JobState, KeptWork, MessageState, Plan, Proposal, Window
from fieldservice.models.message import new_message
from fieldservice.planning.service import SlotTaken
from fieldservice.swept import mark
from fieldservice.web import Services
from tests.factories import NOW, TODAY, add, make_company, make_visit
from tests.running import web_server

TOKEN = "a-token-only-for-tests"
Figures = dict[tuple[str, str], float]
DASHBOARD = Path(__file__).parents[2] / "deploy" / "grafana-dashboard.json"
DOCUMENT = Path(__file__).parents[2] / "docs" / "operations.md"


def parse(said: str) -> Figures:
    """Each sample by its name and the values of its labels."""
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(said)
        for sample in family.samples
    }


def figures(services: Services) -> Figures:
    """What Prometheus would read at NOW."""
    return parse(exposition(services, now=NOW).decode())


@pytest.fixture
def guarded(services: Services) -> FlaskClient:
    """A browser at a product with a token."""
    services = replace(services, settings=replace(services.settings, metrics_token=TOKEN))
    return create_app(services.settings, services).test_client()


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.7", "2001:db8::1", "::ffff:192.0.2.1", ""])
def test_another_machine_finds_nothing_without_the_token(guarded: FlaskClient, address: str) -> None:
    """404 like an address that does not exist, for no token and for a wrong one; 200 for the right one."""
    elsewhere = {"REMOTE_ADDR": address}
    assert guarded.get("/metrics", environ_base=elsewhere).status_code == 404
    for wrong in ("Bearer x", f"Bearer {TOKEN}x", "Bearer ", f"Basic {TOKEN}", "Bearer \xe9", TOKEN):
        headers = {"Authorization": wrong}
        assert guarded.get("/metrics", environ_base=elsewhere, headers=headers).status_code == 404
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert guarded.get("/metrics", environ_base=elsewhere, headers=headers).status_code == 200


def test_an_empty_setting_is_no_token(app: Flask) -> None:
    """Without a token set nobody elsewhere gets in with an empty one."""
    answer = app.test_client().get(
        "/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}, headers={"Authorization": "Bearer "}
    )
    assert answer.status_code == 404


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_what_a_proxy_on_this_machine_hands_on_is_not_local(app: Flask, header: str) -> None:
    """A program here reads them; the world behind a proxy here does not, even when no setting says so."""
    client = app.test_client()
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "::1"}).status_code == 200
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 404


def test_the_figures_of_an_empty_company_are_nought(services: Services) -> None:
    """Each figure that an alert looks at is there before anything went wrong."""
    found = figures(services)
    for name in ("message_age_seconds", "job_age_seconds", "sync_conflicts_open", "solver_gain_visits"):
        assert found[f"fieldservice_{name}", ""] == 0
    assert found["fieldservice_database_up", ""] == 1
    assert found["fieldservice_bookings_total", ""] == 0


def test_queues_are_as_old_as_what_waits_longest(services: Services, db: Database) -> None:
    """What is due counts, what is not yet due or has ended does not; what failed for good is a number."""
    with db.transaction() as session:
        make_visit(session)
        for position, (minutes, state) in enumerate(
            [
                (7, MessageState.PENDING),
                (3, MessageState.SENDING),
                (-9, MessageState.PENDING),
                (60, MessageState.SENT),
                (90, MessageState.DEAD),
            ]
        ):
            message = new_message(str(position), "note", "email", "ada@example.com", role="requester")
            message.state, message.promise_version = state, 0
            message.due_at = message.next_at = NOW - timedelta(minutes=minutes)
            session.add(message)
        for minutes, state in ((5, JobState.QUEUED), (50, JobState.DONE)):
            at = NOW - timedelta(minutes=minutes)
            add(session, Job(kind="propose", dedupe_key=state, state=state, created_at=at))
    found = figures(services)
    assert found["fieldservice_message_age_seconds", ""] == 7 * 60
    assert found["fieldservice_messages", "email dead"] == 1
    assert found["fieldservice_messages", "email pending"] == 2
    assert found["fieldservice_job_age_seconds", ""] == 5 * 60
    assert found["fieldservice_solver_runs", "propose done"] == 1
    assert found["fieldservice_bookings_total", ""] == 1
    assert "ada" not in exposition(services, now=NOW).decode()


def test_the_gain_of_searches_is_that_of_a_day(services: Services, db: Database) -> None:
    """Driving and visits that the plans of the last day save; an older plan does not count."""
    with db.transaction() as session:
        territory = make_company(session).territory
        plan = add(session, Plan(territory_id=territory.id, on=TODAY))
        saved = {
            "driving_before_s": 900,
            "driving_after_s": 300,
            "unassigned_before": 2,
            "unassigned_after": 1,
        }
        for position, hours in enumerate((1, 2, 30)):
            job = add(session, Job(kind="propose", dedupe_key=str(position), created_at=NOW))
            at = NOW - timedelta(hours=hours)
            session.add(
                Proposal(plan_id=plan.id, job_id=job.id, based_on={}, routes={}, summary=saved, created_at=at)
            )
    found = figures(services)
    assert found["fieldservice_solver_gain_seconds", "driving"] == 1200
    assert found["fieldservice_solver_gain_seconds", "overtime"] == 0
    assert found["fieldservice_solver_gain_visits", ""] == 2


def test_what_phones_sent_too_late_is_counted_until_it_is_decided(services: Services, db: Database) -> None:
    """Both stay in the sum, only the one that waits for the office is open, and it is as old as it is."""
    with db.transaction() as session:
        technician = make_company(session).technicians[0]
        visit = make_visit(session)
        for name, decided, minutes in (("a", "", 20), ("b", "stays", 40)):
            at = NOW - timedelta(minutes=minutes)
            when = dict.fromkeys(("tapped_at", "phone_at", "received_at"), at)
            sent = {"kind": "step", "label": "Step", "fields": [], "status": 409, "reason": ""}
            ended = {"decision": decided, "decided_at": NOW if decided else None}
            owner = {"visit_id": visit.id, "technician_id": technician.id}
            add(session, KeptWork(item_id=name, **owner, **sent, **when, **ended))
    found = figures(services)
    assert found["fieldservice_sync_conflicts_total", ""] == 2
    assert found["fieldservice_sync_conflicts_open", ""] == 1
    assert found["fieldservice_sync_conflict_age_seconds", ""] == 20 * 60


def test_requests_and_lost_races_are_counted(app: Flask, services: Services) -> None:
    """By the name of the page, not by the address that was typed."""
    client = app.test_client()
    before = figures(services)
    client.get("/healthz")
    client.get("/nothing/ada@example.com")
    client.open("/healthz", method="ADA")
    window = Window(NOW, NOW + timedelta(hours=1))
    SlotTaken(window)
    after = figures(services)

    def more(name: str, labels: str) -> float:
        return after[name, labels] - before.get((name, labels), 0)

    assert more("fieldservice_requests_total", "root.healthz GET 200") == 1
    assert more("fieldservice_requests_total", "none GET 404") == 1
    assert more("fieldservice_requests_total", "none other 405") == 1
    assert more("fieldservice_request_seconds_count", "root.healthz") == 1
    assert more("fieldservice_conflicts_total", "slot_taken") == 1
    assert not re.search("(?i)ada", exposition(services, now=NOW).decode())


def test_sweeps_are_as_old_as_their_last_good_end(services: Services) -> None:
    """Read from what the worker left in the folder that all parts share."""
    mark(services.settings.data_dir, "messages.sweep")
    later = clock.now() + timedelta(minutes=3)
    found = parse(exposition(services, now=later).decode())
    assert found["fieldservice_sweep_age_seconds", "messages.sweep"] == pytest.approx(180, abs=5)


def test_without_its_tables_the_rest_is_told(services: Services, altered_db: Database) -> None:
    """A database that refuses is a figure of its own, not an error page."""
    with altered_db.transaction() as session:
        session.execute(text("DROP TABLE kept_work"))
    found = figures(replace(services, db=altered_db))
    assert found["fieldservice_database_up", ""] == 0
    assert ("fieldservice_bookings_total", "") not in found


@pytest.fixture
def running(settings: Settings) -> Iterator[Settings]:
    """A web server of two processes."""
    with web_server(replace(settings, web_workers=2)) as served:
        yield served


def test_all_processes_of_a_web_server_count_together(running: Settings) -> None:
    """Whichever of the two processes is asked, the answer has the requests of both."""
    address = f"http://127.0.0.1:{running.port}"

    def ask(path: str) -> str:
        with urllib.request.urlopen(address + path, timeout=30) as answer:
            return str(answer.read().decode())

    def healthy() -> float:
        return parse(ask("/metrics")).get(("fieldservice_requests_total", "root.readyz GET 200"), 0)

    for _ in range(40):
        ask("/readyz")
    time.sleep(0.1)  # the last count is made after its answer
    assert {healthy() for _ in range(20)} == {40}
    assert len(list((running.data_dir / "metrics").glob("*/counter_*.db"))) >= 2


def test_the_dashboard_and_the_alerts_ask_for_figures_that_exist(services: Services) -> None:
    """Each name in the Grafana file and in the document is one that is told."""
    mark(services.settings.data_dir, "messages.sweep")
    told = {name for name, _ in figures(services)} | set(
        re.findall(r"^# TYPE (\S+)", exposition(services, now=NOW).decode(), re.MULTILINE)
    )
    told |= {f"{name}_bucket" for name in told}
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = " ".join(target["expr"] for panel in panels for target in panel.get("targets", []))
    asked += DOCUMENT.read_text(encoding="utf-8")
    names = set(re.findall(r"\bfieldservice_[a-z_]+(?<!_)", asked)) - {"fieldservice_metrics"}
    assert len(names) > 12
    assert names <= told
