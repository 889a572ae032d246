"""What the phone knows of a site: equipment that colleagues saw, and what they wrote; on the day alone."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.models import Visit, VisitAsset, VisitReport, VisitState
from tests.factories import NOW, make_visit
from tests.fieldservice.field.crew import Crew, Phone


def note(phone: Phone, visit_id: int, **fields: str) -> str:
    """Send a piece of equipment; the page that it led to."""
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), **fields}
    return phone.after(phone.client.post(f"/day/visits/{visit_id}/assets", data=data))


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
    assert "Say what it is" in note(phone, first, name="", serial="x")
    for serial in ("VA-1", "va-1"):
        page = note(phone, first, name="Boiler", make="Vaillant", model="ecoTEC plus", serial=serial)
    assert page.count("Seen today") == 1
    assert "ecoTEC plus" in page
    with crew.db.reading() as session:
        assert len(session.scalars(select(VisitAsset)).all()) == 2
