"""A booking by phone: the caller is found, a window is promised, the confirmation is sent."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import Customer, OutboxMessage, Site, Stop, Visit, VisitState
from fieldservice.web import Services, new_key
from tests.factories import Company, ask, make_company, make_customer, make_site, near
from tests.signing_in import csrf_token, make_user, signed_in

AGE = {"code": "age", "kind": "number", "label": "How old is it?", "required": True}
ASKED = ("rosa", "Diaz rosa", "410 555 0177", "(410) 555-0177", "o'donnell", "2939 o'don")


class Office:
    """Somebody at the phone, without JavaScript."""

    def __init__(self, client: FlaskClient, company: Company, site: Site) -> None:
        self.client, self.company, self.site, self.token = client, company, site, csrf_token(client)

    def post(self, path: str = "", *, site: int | None = None, **form: Any):
        """Send the form, by default for the known caller."""
        where = f"?site={self.site.id}" if site is None else "?new=1"
        known = {"name": "Rosa Diaz", "phone": "+14105550177", "service": self.company.service.code}
        fields = {"csrf_token": self.token, "idempotency_key": new_key(), **known, **form}
        return self.client.post(f"/board/phone{path}{where}", data=fields)

    def first(self, **form: Any) -> str:
        """The first window that the page offers."""
        page = self.post("/times", **form)
        found = re.search(r'name="window" id="window-0" value="([^"]+)"', page.text)
        assert found, page.text
        return found[1]


@pytest.fixture
def office(app: Flask, services: Services, client: FlaskClient) -> Office:
    """A company with two technicians and one customer who has been served before."""

    def work(session: Session) -> tuple[Company, Site]:
        company = make_company(session, technicians=2)
        ask(
            session,
            company.service,
            [{"code": "age", "kind": "number", "label": "How old is it?", "required": True}],
        )
        customer = make_customer(session, name="Rosa Diaz", phone="+14105550177", email="rosa@example.com")
        site = make_site(session, customer, territory=company.territory, address="2939 O'Donnell Street")
        make_site(
            session, make_customer(session, name="Bo 100% Ltd", phone=""), address="4 Elm Road", at=near(500)
        )
        return company, site

    company, site = services.db.run(work)
    return Office(signed_in(app, services.db, services.db.run(make_user)), company, site)


@pytest.mark.parametrize(
    "asked", ["rosa", "Diaz rosa", "410 555 0177", "(410) 555-0177", "o'donnell", "2939 o'don"]
)
def test_a_caller_is_found(office: Office, asked: str) -> None:
    """By part of a name, an address or a phone number, whatever its spelling; on the page and in the list."""
    for path in ("/board/phone", "/board/phone/found"):
        page = office.client.get(path, query_string={"q": asked}).text
        assert f"/board/phone?site={office.site.id}" in page
        assert "Elm Road" not in page


@pytest.mark.parametrize("asked", ["%", "_", "nobody", "41", "\\"])
def test_nobody_is_found(office: Office, asked: str) -> None:
    """Signs that mean something to the database mean themselves, and two digits are in every number."""
    page = office.client.get("/board/phone/found", query_string={"q": asked}).text
    assert "2939" not in page


def test_a_known_customer_is_booked(office: Office, services: Services) -> None:
    """Name, phone and address are there; service, answer and window are left. No second customer or site."""
    page = office.client.get(f"/board/phone?site={office.site.id}").text
    assert 'value="Rosa Diaz"' in page
    assert 'name="street"' not in page
    code = office.company.service.code
    answers = {f"about-{code}-age": "12", "problem": "It drips"}
    answer = office.post(**answers, window=office.first(**answers))
    assert answer.status_code == 303
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.state == VisitState.BOOKED
        assert visit.window is not None
        assert visit.work_order.site_id == office.site.id
        assert visit.work_order.source == "phone"
        assert visit.work_order.answers == {"age": 12}
        assert visit.links
        assert session.scalars(select(Stop).where(Stop.visit_id == visit.id)).one()
        kinds = session.scalars(select(OutboxMessage.kind).where(OutboxMessage.channel == "email")).all()
        assert kinds[0] == "confirmation"
        assert len(session.scalars(select(Customer)).all()) == 2
        assert visit.events[0].actor not in ("customer", "")
    board = office.client.get(answer.headers["Location"])
    assert "The confirmation is on its way." in board.text


def test_a_new_customer_whose_address_nobody_finds(office: Office, services: Services) -> None:
    """The address is unknown to the map: no window, but the visit is kept and the office has to find it."""
    form = {
        "name": "Al New",
        "phone": "410 555 0199",
        "street": "1 Nowhere Lane",
        "city": "Baltimore",
        f"about-{office.company.service.code}-age": "3",
    }
    assert "No window can be promised here." in office.post("/times", site=0, **form).text
    assert office.post(site=0, **form, do="later").status_code == 303
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.state == VisitState.REQUESTED
        assert visit.work_order.customer.phone == "+14105550199"


def test_an_emergency_goes_on_to_who_can_come(office: Office, services: Services) -> None:
    """The visit is stored and the next page says who can be there."""
    code = office.company.service.code
    answer = office.post(**{f"about-{code}-age": "3"}, do="emergency")
    assert answer.status_code == 303
    assert re.search(r"/board/visits/\d+/emergency", answer.headers["Location"])
    page = office.client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert "Send " in page.text


def test_what_is_missing_is_said(office: Office, services: Services) -> None:
    """Each fault names its field, everything typed stays, and nothing is stored."""
    answer = office.post(
        site=0, name="", phone="", email="x", street="", window="never", problem="Kept words"
    )
    assert answer.status_code == 422
    for words in (
        "Enter the customer’s name",
        "Enter an email address in the correct format",
        "Enter a street address",
        "Answer this question: How old is it?",
        "Choose an arrival window",
        "Kept words",
    ):
        assert words in answer.text
    with services.db.reading() as session:
        assert session.scalars(select(Visit)).all() == []


def test_who_is_too_late_is_told(office: Office, services: Services) -> None:
    """A window that was taken meanwhile: the page again with what is free, and nothing is stored."""
    code = office.company.service.code
    answers = {f"about-{code}-age": "12"}
    first = office.first(**answers)
    for _ in range(2):  # as many as there are technicians
        assert office.post(**answers, window=first).status_code == 303
    answer = office.post(**answers, window=first)
    while answer.status_code == 303:  # two fit into two hours
        answer = office.post(**answers, window=first)
    assert answer.status_code == 409
    assert "This window has just been taken." in answer.text
    with services.db.reading() as session:
        stored = len(session.scalars(select(Visit)).all())
        assert stored == len(session.scalars(select(Stop)).all())


def test_a_caller_is_written_to_in_their_own_language(office: Office, services: Services) -> None:
    """What they chose now, else what they spoke before, else the company's; nothing else is a language."""

    def spoken(**form: str) -> str | None:
        asked = {f"about-{office.company.service.code}-age": "12"} | form
        assert office.post(do="later", **asked).status_code == 303
        with services.db.reading() as session:
            return session.scalars(select(Visit).order_by(Visit.id.desc())).first().work_order.locale

    assert spoken() == "en_US"
    assert spoken(language="nl") == "nl"
    assert spoken() == "nl"
    assert spoken(name="New", phone="410 555 0123", email="") == "en_US"
    assert office.post(do="later", language="xx").status_code == 422
