"""Drafts: kept for a day, then forgotten; five confirmations at once make one visit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from fieldservice.booking import drafts
from fieldservice.booking.drafts import DraftAnswers, SiteAnswers
from fieldservice.db import Database
from fieldservice.files import FileMissing
from fieldservice.geo.types import Coordinates
from fieldservice.models import BookingDraft, Visit
from fieldservice.web import Services
from tests.factories import NOW, make_attachment, make_company, make_draft, make_hold, window
from tests.fieldservice.booking.walker import Walker

PARALLEL = 5


def test_answers_come_back_from_the_row_as_they_went_in(db: Database) -> None:
    """Instants, coordinates and what is not answered yet survive the way through JSON."""
    answers = DraftAnswers(
        service="heating",
        questions={"symptoms": ["No heat"]},
        site=SiteAnswers(address="1 Main Street", coordinates=Coordinates(39.45, -76.95)),
        window=window(),
        contact={"name": "Rosa"},
    )
    with db.transaction() as session:
        token = drafts.start(session, answers, now=NOW).token
    with db.reading() as session:
        row = session.scalars(select(BookingDraft).where(BookingDraft.token == token)).one()
        assert DraftAnswers.from_json(row.answers) == answers


def test_tokens_cannot_be_guessed(db: Database) -> None:
    """256 random bits, different each time."""
    with db.transaction() as session:
        tokens = {drafts.start(session, DraftAnswers(service="x"), now=NOW).token for _ in range(50)}
    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {43}


def test_old_drafts_are_forgotten_and_others_are_not(db: Database, services: Services) -> None:
    """One that still has a hold waits until that was given back. Files vanish with their draft."""
    with db.transaction() as session:
        company = make_company(session, technicians=0)
        make_draft(session, token="a-draft-that-is-old", expires_at=NOW - timedelta(seconds=1))
        make_draft(session, token="a-draft-that-is-new", expires_at=NOW + timedelta(seconds=1))
        held = make_draft(session, token="a-draft-that-holds", expires_at=NOW - timedelta(seconds=1))
        make_hold(session, company.territory, company.service, draft=held)
        old = make_attachment(session, services.files, "a-draft-that-is-old")
        new = make_attachment(session, services.files, "a-draft-that-is-new")
    with db.transaction() as session:
        assert drafts.drop_expired(session, services.files, now=NOW) == 1
    with pytest.raises(FileMissing):
        services.files.path(old.key)
    assert services.files.path(new.key)
    with db.reading() as session:
        assert set(session.scalars(select(BookingDraft.token))) == {
            "a-draft-that-is-new",
            "a-draft-that-holds",
        }


@pytest.mark.parametrize("same_key", [True, False], ids=["same key", "another key each"])
def test_five_confirmations_at_once_make_one_visit(
    walker: Walker, app: Flask, services: Services, same_key: bool
) -> None:
    """The same form posted in parallel, or from five tabs: every answer leads to the one visit."""
    walker.to_confirm()
    cookie = walker.client.get_cookie("fieldservice")
    assert cookie is not None
    form = dict(walker.page.fields.items()) | {"name": "Rosa Whitfield", "phone": "410 555 0187"}

    def post(number: int) -> tuple[int, str]:
        client = app.test_client()
        client.set_cookie("fieldservice", cookie.value)
        key = form["idempotency_key"] if same_key else f"tab number {number}"
        response = client.post(walker.url, data=form | {"idempotency_key": key})
        return response.status_code, response.headers.get("Location", "")

    with ThreadPoolExecutor(PARALLEL) as pool:
        answers = set(pool.map(post, range(PARALLEL)))
    assert {status for status, _ in answers} == {303}
    assert len({location for _, location in answers}) == 1
    with services.db.reading() as session:
        assert session.scalar(select(func.count()).select_from(Visit)) == 1
