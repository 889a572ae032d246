"""What the phone knows of a site: equipment that colleagues saw, and what they wrote; on the day alone."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from fieldservice import web
from fieldservice.models import Visit, VisitAsset, VisitReport, VisitState
from tests.factories import NOW, make_visit
from tests.fieldservice.field.crew import Crew, Phone


def send(phone: Phone, visit_id: int, **fields: str) -> TestResponse:
    """Send a piece of equipment."""
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), **fields}
    return phone.client.post(f"/day/visits/{visit_id}/assets", data=data)


def note(phone: Phone, visit_id: int, **fields: str) -> str:
    """Send a piece of equipment; the page that it led to."""
    return phone.after(send(phone, visit_id, **fields))


def test_equipment_and_notes_of_a_colleague(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """What Ben saw and wrote there is on the page; the same piece again is one; others see nothing."""
    first, second, _third = crew.visits

    def winter(session: Session) -> None:
        visit = session.get_one(Visit, first)
        past = make_visit(
            session, territory=visit.territory, work_order=visit.work_order, state=VisitState.DONE
        )
        then = NOW - timedelta(days=90)
        common = {"visit_id": past.id, "technician_id": crew.colleague_id, "said_at": then}
        session.add(VisitAsset(name="Boiler", make="Vaillant", model="ecoTEC", serial="VA-1", **common))
        session.add(VisitReport(notes="The valve sticks", checks={}, parts={"Seal": 1}, vans={}, **common))

    crew.db.run(winter)
    page = phone.page(f"/day/visits/{first}")
    for words in ("Boiler · Vaillant · ecoTEC", "Serial number VA-1", "The valve sticks", "1 × Seal"):
        assert words in page
    assert "Seen today" not in page
    assert "The valve sticks" not in phone.page(f"/day/visits/{second}")
    other_phone.page(f"/day/visits/{first}", 404)
    assert "Say what it is" in send(phone, first, name="", serial="x").text
    for serial in ("VA-1", "va-1"):
        page = note(phone, first, name="Boiler", make="Vaillant", model="ecoTEC plus", serial=serial)
    assert page.count("Seen today") == 1
    assert "ecoTEC plus" in page
    with crew.db.reading() as session:
        assert len(session.scalars(select(VisitAsset)).all()) == 2


def test_a_late_older_note_does_not_undo_a_newer_one(crew: Crew, phone: Phone) -> None:
    """From a phone without signal: what was noted last counts, both stay; the same words again are one."""
    first = crew.visits[0]
    newer, older = (NOW - timedelta(minutes=minutes) for minutes in (5, 50))
    words = {"name": "Boiler", "make": "Vaillant", "serial": "VA-1"}
    note(phone, first, **words, model="ecoTEC plus", tapped_at=newer.isoformat())
    for _ in range(2):
        page = note(phone, first, **words, model="ecoTEC", tapped_at=older.isoformat())
    assert "<b>Boiler · Vaillant · ecoTEC plus</b>" in page
    assert "Noted before: Boiler · Vaillant · ecoTEC · VA-1" in page
    assert page.count("Seen today") == 1
    assert "Seen before:" not in page
    note(phone, first, **words, model="ECOTEC PLUS", tapped_at=older.isoformat())
    with crew.db.reading() as session:
        rows = session.scalars(select(VisitAsset).order_by(VisitAsset.said_at)).all()
        assert [(row.model, row.said_at) for row in rows] == [("ecoTEC", older), ("ecoTEC plus", newer)]


def test_what_was_typed_stays_when_a_field_is_at_fault(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """Without JavaScript the form comes back with its words and says why; the outbox hears why."""
    first = crew.visits[0]
    typed = {"name": "Boiler", "make": "Vaillant", "model": "ecoTEC", "serial": "VA\x1d1"}
    answer = send(phone, first, **typed)
    assert answer.status_code == 422
    for words in ('value="Boiler"', 'value="Vaillant"', 'value="ecoTEC"', "letters, numbers and punctuation"):
        assert words in answer.text
    assert send(other_phone, first, **typed).status_code == 404
    item = {"X-Outbox": str(uuid4())}
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), **typed}
    answer = phone.client.post(f"/day/visits/{first}/assets", data=data, headers=item)
    assert answer.status_code == 422
    assert answer.json
    assert "letters, numbers and punctuation" in answer.json["error"]
