"""Answers that the company writes beforehand, and how whoever answers a customer uses them."""

from __future__ import annotations

from sqlalchemy import select
from werkzeug.test import TestResponse

from fieldservice.db import Database
from fieldservice.models import AuditEntry, CannedAnswer, Channel, Conversation, Guest
from fieldservice.web import new_key
from tests.factories import NOW, add, make_customer, make_site, make_visit, make_work_order, window
from tests.fieldservice.booking.walker import Page
from tests.fieldservice.messages.conftest import rows
from tests.fieldservice.office.owner import Owner
from tests.signing_in import csrf_token

ANSWERS = "/office/answers"


def write(owner: Owner, title: str, body: str, language: str = "en", status: int = 303) -> str:
    """Write an answer; what the page says."""
    words = {"title": title, "body": body, "language": language}
    return owner.send(f"{ANSWERS}/new", status, **words).text


def post(owner: Owner, path: str, **fields: object) -> TestResponse:
    """A form with a new key."""
    form = {"csrf_token": csrf_token(owner.client), "idempotency_key": new_key(), **fields}
    return owner.client.post(path, data=form)


def pick(owner: Owner, page: str, answer: int, body: str = "") -> str:
    """What stands in the form after an answer was inserted."""
    shown = post(owner, f"{page}/answer", do="pick", canned=answer, body=body)
    assert shown.status_code == 200
    return Page(shown.text).fields["body"].replace("\r\n", "\n").strip()


def test_an_answer_is_written_changed_and_removed(owner: Owner, db: Database) -> None:
    """What cannot be filled in later is refused, two in a language have different titles, what somebody else
    changed meanwhile is not overwritten, and the history says who did what."""
    write(owner, "Ovens", "Yes, {company} repairs ovens.")
    assert "{dya} is no placeholder here" in write(owner, "Days", "On {dya}.", status=422)
    assert "is called so" in write(owner, "Ovens", "No.", status=409)
    write(owner, "Ovens", "Ja, {company} repareert ovens.", language="nl")
    page = owner.open(ANSWERS)
    assert "Yes, {company} repairs ovens." in page.text
    assert "Ja, {company} repareert ovens." in page.text
    first, second = rows(db, CannedAnswer)
    changed = {"body": "Yes, and stoves.", "language": "en"}
    owner.send(f"{ANSWERS}/{first.id}", 303, **changed)
    assert "Somebody changed this text" in owner.send(f"{ANSWERS}/{first.id}", 409, version=1, **changed).text
    assert post(owner, f"{ANSWERS}/{second.id}/remove").status_code == 303
    assert [answer.body for answer in rows(db, CannedAnswer)] == ["Yes, and stoves."]
    with db.reading() as session:
        changes = select(AuditEntry).where(AuditEntry.subject_kind == "canned_answer")
        told = session.scalars(changes.order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.detail["language"]) for entry in told] == [
        ("answer_changed", "en"),
        ("answer_changed", "nl"),
        ("answer_changed", "en"),
        ("answer_removed", "nl"),
    ]
    assert all("Olive Owner" in entry.actor for entry in told)


def test_whoever_answers_inserts_one_below_what_they_typed(owner: Owner, db: Database) -> None:
    """Without a script: the page comes back with the words filled in for the visit, those in the language of
    the customer first; nothing is sent. What is not known has to be written before it is."""
    write(owner, "When", "We come to {address} on {day}, {window}: {service}.")
    write(owner, "Wanneer", "Op {day}, {window}, met {technician}.", language="nl")
    with db.transaction() as session:
        customer = make_customer(session, locale="nl_NL")
        order = make_work_order(session, site=make_site(session, customer), locale="nl_NL")
        visit = make_visit(session, work_order=order)
        visit.promise(window(), now=NOW, actor="customer")
        add(session, Conversation(visit=visit, last_at=NOW)).ask("Wanneer?", channel=Channel.PAGE, now=NOW)
        guest = Guest(channel="whatsapp", address="14105550142", began_at=NOW)
        add(session, Conversation(last_at=NOW, guests=[guest])).ask("When?", channel="whatsapp", now=NOW)
        visit_page, guest_page = f"/board/inbox/{visit.id}", f"/board/inbox/guests/{guest.id}"
        address = order.site.one_line
    when, wanneer = rows(db, CannedAnswer)
    html = owner.client.get(visit_page).text
    assert html.index("Wanneer</option>") < html.index("When</option>")
    html = owner.client.get(guest_page).text
    assert html.index("When</option>") < html.index("Wanneer</option>")
    picked = pick(owner, visit_page, when.id, body="Hello!")
    assert picked.startswith(f"Hello!\n\nWe come to {address} on dinsdag")
    assert "{" not in picked
    assert "{technician}" in pick(owner, visit_page, wanneer.id)
    left = pick(owner, guest_page, when.id)
    assert left == "We come to {address} on {day}, {window}: {service}."
    refused = post(owner, f"{guest_page}/answer", body=left)
    assert refused.status_code == 422
    assert "Write what stands for {address}, {day}, {service}, {window}" in Page(refused.text).text
    with db.reading() as session:
        assert all(len(talk.messages) == 1 for talk in session.scalars(select(Conversation)))
