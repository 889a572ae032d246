"""A visit is closed with its checklist, photos, parts and a signature; Done waits for what is required."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from werkzeug.test import TestResponse

from fieldservice import web
from fieldservice.auth.links import make_link, token_of
from fieldservice.booking.catalogue import CatalogueFault, write_catalogue
from fieldservice.booking.catalogue_text import read_catalogue
from fieldservice.models import Service, Technician, VanPart, Visit, VisitReport
from tests.factories import NOW
from tests.fieldservice.field.crew import Crew, Phone
from tests.pictures import photo

_SECRET = "not-a-secret-only-for-tests"
CHECKLIST: list[dict[str, Any]] = [
    {"code": "safe", "kind": "tick", "label": "Area is safe", "required": True},
    {
        "code": "pressure",
        "kind": "number",
        "label": "Pressure",
        "unit": "psi",
        "least": 0,
        "most": 60,
        "required": True,
    },
    {"code": "fuel", "kind": "choice", "label": "Fuel", "options": ["Gas", "Oil"]},
    {"code": "remark", "kind": "text", "label": "Remark", "hint": "In a few words"},
    {"code": "plate", "kind": "photo", "label": "Type plate", "required": True},
]


@pytest.fixture
def code(crew: Crew) -> str:
    """The code of the service of all visits, which has a checklist now; the van has five seals."""

    def work(session: Any) -> str:
        visit = session.get_one(Visit, crew.visits[0])
        write_catalogue(visit.service, {"checklist": CHECKLIST}, {})
        session.add(VanPart(technician_id=crew.technician_id, name="Seal", quantity=5))
        return str(visit.service.code)

    return crew.db.run(work)


def say(phone: Phone, visit_id: int, **fields: str) -> TestResponse:
    """Send the checklist, as a browser without script does."""
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), **fields}
    return phone.client.post(f"/day/visits/{visit_id}/report", data=data)


def photograph(phone: Phone, visit_id: int, about: str, item: str = "", path: str = "photos") -> TestResponse:
    """Send a photo of the work, or with `path` a drawn signature."""
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), "about": about, "item": item}
    data |= {"name": "Rosa", "files": (BytesIO(photo()), "a.jpg")}  # type: ignore[dict-item]
    return phone.client.post(f"/day/visits/{visit_id}/{path}", data=data)


def customers_link(crew: Crew, visit_id: int) -> str:
    """The token of the customer's private page."""

    def work(session: Any) -> str:
        visit = session.get_one(Visit, visit_id)
        link = make_link(visit, secret_key=_SECRET, now=NOW, expires_at=NOW + timedelta(days=30))
        return token_of(link, _SECRET)

    return crew.db.run(work)


def test_done_waits_for_what_is_required(crew: Crew, phone: Phone, code: str) -> None:
    """Each missing item is named; with all of them the visit ends, and its report is a PDF with the words."""
    first = crew.visits[0]
    phone.say(first, "arrived")
    refused = phone.after(phone.tap(first, "done"))
    assert "Still missing: Area is safe, Pressure, Type plate." in refused
    assert crew.state(first) == "on_site"
    said = {f"check-{code}/safe": "y", f"check-{code}/pressure": "0", "notes": "Łódź, ổn", "next": "sign"}
    assert "Still missing: Type plate." in phone.after(say(phone, first, **said))
    assert photograph(phone, first, "check", f"{code}/plate").status_code == 303
    assert say(phone, first, **said).location == f"/day/visits/{first}/sign"
    assert "Pressure: 0 psi" in phone.page(f"/day/visits/{first}/sign")
    assert photograph(phone, first, "signature", path="sign").status_code == 303
    assert "Signed by Rosa" in phone.page(f"/day/visits/{first}/sign")
    phone.say(first, "done")
    assert crew.state(first) == "done"
    paper = phone.client.get(f"/day/visits/{first}/report.pdf")
    assert paper.mimetype == "application/pdf"
    assert paper.data.startswith(b"%PDF")
    assert paper.data.count(b"/Subtype /Image") >= 1
    theirs = phone.client.application.test_client().get(f"/visit/{customers_link(crew, first)}/report.pdf")
    assert (theirs.status_code, theirs.mimetype) == (200, "application/pdf")
    assert theirs.data.startswith(b"%PDF")
    assert "private" in theirs.headers["Cache-Control"] or "no-store" in theirs.headers["Cache-Control"]


def test_the_outbox_is_told_what_is_missing(crew: Crew, phone: Phone, code: str) -> None:
    """A Done that was tapped offline is refused in words, so that the phone gives it to the office."""
    item = web.new_key()
    data = {"csrf_token": phone.token, "idempotency_key": item, "kind": "done"}
    sent = phone.client.post(
        f"/day/visits/{crew.visits[0]}/taps",
        data=data,
        headers={"X-Outbox": item, "Accept": "application/json"},
    )
    assert sent.status_code == 409
    assert sent.json == {"error": "Not done yet. Still missing: Area is safe, Pressure, Type plate."}
    assert sent.headers["X-Outbox"] == item


def test_a_number_outside_its_limits_is_refused(crew: Crew, phone: Phone, code: str) -> None:
    """The page comes back with the field's fault and what was typed; nothing is kept."""
    answer = say(phone, crew.visits[0], **{f"check-{code}/pressure": "61", "notes": "stays"})
    assert answer.status_code == 422
    assert "Enter a whole number from 0 to 60." in answer.text
    assert "stays" in answer.text
    with crew.db.reading() as session:
        assert session.get(VisitReport, crew.visits[0]) is None


def test_parts_leave_the_van_once(crew: Crew, phone: Phone, code: str) -> None:
    """The same form again takes nothing more; a corrected number puts the difference back."""
    first = crew.visits[0]
    with crew.db.reading() as session:
        part = session.query(VanPart).one().id

    def left() -> int:
        with crew.db.reading() as session:
            return session.get_one(VanPart, part).quantity

    for used, stays in (("2", 3), ("2", 3), ("1", 4), ("", 5)):
        assert say(phone, first, **{f"part-{part}": used}).status_code == 303
        assert left() == stays


def test_what_differs_from_what_was_signed_is_signed_again(crew: Crew, phone: Phone, code: str) -> None:
    """The same form again leaves the signature; another word takes it away, for nobody signed that."""
    first = crew.visits[0]
    say(phone, first, notes="New valve")
    photograph(phone, first, "signature", path="sign")
    say(phone, first, notes="New valve")
    assert "Signed by Rosa" in phone.page(f"/day/visits/{first}/sign")
    say(phone, first, notes="New boiler")
    assert "Signed by Rosa" not in phone.page(f"/day/visits/{first}/sign")


def test_parts_from_another_van_stay(crew: Crew, phone: Phone, code: str) -> None:
    """What the office took out of the van's list meanwhile was used all the same."""
    first = crew.visits[0]
    with crew.db.transaction() as session:
        part = session.query(VanPart).one()
        say_part = {f"part-{part.id}": "2"}
    say(phone, first, **say_part)
    with crew.db.transaction() as session:
        session.delete(session.query(VanPart).one())
    say(phone, first, notes="Tight again")
    with crew.db.reading() as session:
        report = session.get_one(VisitReport, first)
        assert (report.parts, report.notes) == ({"Seal": 2}, "Tight again")


def test_a_colleague_closes_nothing(crew: Crew, other_phone: Phone, phone: Phone, code: str) -> None:
    """Checklist, photo, signature and report of somebody else's visit are not found."""
    first = crew.visits[0]
    assert say(other_phone, first, notes="mine").status_code == 404
    assert photograph(other_phone, first, "before").status_code == 404
    assert photograph(other_phone, first, "", path="sign").status_code == 404
    assert other_phone.client.get(f"/day/visits/{first}/report.pdf").status_code == 404
    assert photograph(phone, first, "before").status_code == 303  # the control: one's own is kept


def test_the_checklist_is_read_and_written_as_data(crew: Crew, code: str) -> None:
    """What is written comes back the same; a mistake is named with its place."""
    with crew.db.reading() as session:
        service = session.query(Service).filter_by(code=code).one()
        assert read_catalogue(service)["checklist"] == CHECKLIST
        assert session.get_one(Technician, crew.technician_id).active
        wrong = {"code": "a", "kind": "tick", "label": "A", "options": ["x"]}
        with pytest.raises(
            CatalogueFault, match=r"checklist\[0\]\.options: an item of the kind tick has none"
        ):
            write_catalogue(service, {"checklist": [wrong]}, {})


def test_parts_of_two_vans_go_back_to_their_own(
    crew: Crew, phone: Phone, other_phone: Phone, code: str
) -> None:
    """A colleague with the same part takes over: each number is about the own van alone."""
    first = crew.visits[0]

    def stock(session: Any) -> tuple[int, int]:
        theirs = VanPart(technician_id=crew.colleague_id, name="Seal", quantity=7)
        session.add(theirs)
        session.flush()
        return session.query(VanPart).filter_by(technician_id=crew.technician_id).one().id, theirs.id

    mine, theirs = crew.db.run(stock)

    def left() -> tuple[int, int, dict[str, int]]:
        with crew.db.reading() as session:
            own, other = (session.get_one(VanPart, part).quantity for part in (mine, theirs))
            return own, other, session.get_one(VisitReport, first).parts

    say(phone, first, **{f"part-{mine}": "2"})
    crew.give_away(first)
    assert f'name="part-{theirs}" value=""' in re.sub(
        r'<input[^>]*?(name="part-\d+")[^>]*?(value="[^"]*")[^>]*>',
        r"\1 \2",
        other_phone.page(f"/day/visits/{first}"),
    )
    for used, stays in (("3", (3, 4, {"Seal": 5})), ("", (3, 7, {"Seal": 2}))):
        say(other_phone, first, **{f"part-{theirs}": used})
        assert left() == stays


def test_a_photo_of_why_it_cannot_be_done(crew: Crew, phone: Phone) -> None:
    """It is kept at the visit, and the page of the reason says that it is there."""
    first = crew.visits[0]
    answer = photograph(phone, first, "cannot")
    assert answer.location == f"/day/visits/{first}/cannot"
    assert 'class="tag ok"' in phone.after(answer)
