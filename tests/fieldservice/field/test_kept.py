"""Work done while the plan changed: the phone hands it in as it was, the office sees both and decides."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice.models import KeptWork, OfficeTask, Visit, VisitEvent
from tests.factories import NOW
from tests.fieldservice.field.crew import Crew, Phone
from tests.pictures import photo
from tests.signing_in import csrf_token, make_user, signed_in

ITEM = "11111111-2222-4333-8444-555555555555"
TAPPED = NOW + timedelta(minutes=5)


def outbox(phone: Phone, path: str, *, item: str = ITEM, **form: object) -> TestResponse:
    """What the phone's outbox sends."""
    data = {"csrf_token": phone.token, "idempotency_key": item, "tapped_at": TAPPED.isoformat(), **form}
    headers = {"X-Outbox": item, "Accept": "application/json"}
    return phone.client.post(path, data=data, headers=headers)


def hand_over(phone: Phone, visit_id: int, *, item: str = ITEM, **form: object) -> TestResponse:
    """Give the office a tap on *Done* that was refused."""
    about: dict[str, object] = {
        "kind": "tap",
        "label": "Done · Rosa",
        "action": f"/day/visits/{visit_id}/taps",
        "content": json.dumps([["kind", "done"]]),
        "phone_at": (TAPPED + timedelta(hours=2)).isoformat(),
        "status": "404",
        "reason": "Not on your route",
    }
    return outbox(phone, "/day/kept", item=item, **(about | form))


@pytest.fixture
def office(app: Flask, crew: Crew, clock: time_machine.Traveller) -> FlaskClient:
    """A dispatcher's browser."""
    return signed_in(app, crew.db, crew.db.run(lambda session: make_user(session)))


def decide(office: FlaskClient, crew: Crew, decision: str, status: int = 303) -> None:
    """Decide about the one thing that is kept."""
    with crew.db.reading() as session:
        row = session.scalars(select(KeptWork)).one()
    form = {"csrf_token": csrf_token(office), "idempotency_key": f"decide-{decision}", "decision": decision}
    answer = office.post(f"/board/visits/{row.visit_id}/kept/{row.id}", data=form)
    assert answer.status_code == status, answer.text


def test_a_refusal_is_told_to_the_outbox_and_is_no_success(crew: Crew, phone: Phone) -> None:
    """Moved away, or cancelled: words and a code. An accepted tap: where a person would be led to."""
    first, second, third = crew.visits
    crew.give_away(first)
    answer = outbox(phone, f"/day/visits/{first}/taps", kind="done")
    assert (answer.status_code, answer.headers["X-Outbox"]) == (404, ITEM)
    assert "moved to another day" in answer.json["error"]
    crew.db.run(lambda session: session.get_one(Visit, second).cancel(now=NOW, actor="office"))
    answer = outbox(phone, f"/day/visits/{second}/taps", kind="done")
    assert answer.status_code in (404, 409)
    assert answer.json["error"]
    answer = outbox(phone, f"/day/visits/{third}/taps", kind="on_my_way")
    assert (answer.status_code, answer.json) == (200, {"location": f"/day/visits/{third}", "said": []})
    assert crew.state(first) == "booked"


def test_what_was_done_on_a_moved_visit_counts(crew: Crew, phone: Phone, office: FlaskClient) -> None:
    """The office sees both versions and clocks; the visit is done as of the tap, and so is the task."""
    first = crew.visits[0]
    crew.give_away(first)
    answers = [hand_over(phone, first) for _ in range(3)]
    assert {(answer.status_code, answer.json["sha256"]) for answer in answers} == {(200, "")}
    assert "Done while the plan changed" in office.get("/board/inbox").text
    page = office.get(f"/board/visits/{first}/kept").text
    assert "Done · Rosa" in page
    assert "8:05" in page
    assert "10:05" in page
    decide(office, crew, "counts")
    assert crew.state(first) == "done"
    with crew.db.reading() as session:
        [event] = session.scalars(select(VisitEvent).where(VisitEvent.event_key == ITEM))
        assert event.occurred_at == TAPPED
        assert session.scalars(select(OfficeTask)).one().done_at is not None
    decide(office, crew, "stays", status=409)
    assert crew.state(first) == "done"


@pytest.mark.parametrize("decision", ["counts", "stays"])
def test_a_cancelled_visit_stays_cancelled(
    crew: Crew, phone: Phone, office: FlaskClient, decision: str
) -> None:
    """Whatever is decided, the visit's history has what was done."""
    first = crew.visits[0]
    crew.db.run(lambda session: session.get_one(Visit, first).cancel(now=NOW, actor="office"))
    assert hand_over(phone, first).status_code == 200
    decide(office, crew, decision)
    assert crew.state(first) == "cancelled"
    with crew.db.reading() as session:
        [event] = session.scalars(select(VisitEvent).where(VisitEvent.kind == "kept_work"))
        assert (event.payload["label"], event.payload["decision"]) == ("Done · Rosa", decision)


def test_a_photo_comes_along_whole_or_not_at_all(crew: Crew, phone: Phone, office: FlaskClient) -> None:
    """The answer names the checksum of what arrived; another checksum than announced is refused."""
    sent = photo()
    right = hashlib.sha256(sent).hexdigest()
    for announced, status in ((right, 200), ("0" * 64, 422), ("", 422)):
        item = f"{status}{announced[:1] or 'x'}".ljust(36, "0")
        files = {"file": (io.BytesIO(sent), "after.jpg"), "sha256": announced}
        answer = hand_over(phone, crew.visits[0], item=item, kind="photo", **files)
        assert answer.status_code == status
        assert status != 200 or answer.json["sha256"] == right
    with crew.db.reading() as session:
        row = session.scalars(select(KeptWork)).one()
    with office.get(f"/board/visits/{row.visit_id}/kept/{row.id}/file") as download:
        assert "attachment" in download.headers["Content-Disposition"]
        assert download.data[:2] == b"\xff\xd8"


def test_what_makes_no_sense_is_not_kept(crew: Crew, phone: Phone) -> None:
    """No visit, a visit that does not exist, content that is no list of pairs: nothing is stored."""
    first = crew.visits[0]
    for wrong, status in (
        ({"action": "/day/sharing"}, 404),
        ({"action": "/day/visits/999999/taps"}, 404),
        ({"content": "{"}, 422),
        ({"content": '[["kind"]]'}, 422),
        ({"content": '[["kind", 5]]'}, 422),
        ({"content": '[["kind", "\\ud800"]]'}, 422),
        ({"kind": ""}, 422),
    ):
        assert hand_over(phone, first, **wrong).status_code == status, wrong

    def count(session: Session) -> int:
        return len(session.scalars(select(KeptWork)).all())

    with crew.db.reading() as session:
        assert count(session) == 0
