"""Requester, site contact, payer and approver may be four people; nothing is promised before one agreed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.auth.links import approval_token
from fieldservice.booking import again, approvals, approvals_sweep, erasing, personal
from fieldservice.config import SettingError, Settings
from fieldservice.messages import service as messages
from fieldservice.models import (
    Approval,
    ContactRole,
    Customer,
    CustomerKind,
    Hold,
    OutboxMessage,
    Purpose,
    Role,
    Technician,
    Territory,
    Visit,
    VisitState,
)
from fieldservice.models.aftercare import Consent
from fieldservice.planning.rows import unplanned_visits
from fieldservice.planning.travel import with_travel
from fieldservice.web import Services
from tests.factories import HEATING, NOW, window
from tests.fieldservice.booking.demoville import heating
from tests.fieldservice.booking.electric import make_wiring
from tests.fieldservice.booking.tight import AT, WEDNESDAY
from tests.fieldservice.booking.walker import Walker
from tests.races import all_at_once, count, row_counts

SITE = {"site_name": "Jo Porter", "site_phone": "410 555 0123"}
PAYER = {
    "payer_name": "Bay Housing",
    "payer_email": "Accounts@BAY.example",
    "payer_address": "1 Bay Road",
    "payer_reference": "PO 77",
}
SOON = NOW + timedelta(minutes=1)  # the clock goes on while a customer types
BOSS = {"approver_email": "boss@bay.example"}


def ask_first(walker: Walker, **more: str) -> Walker:
    """A booking on Wednesday that the boss has to agree to."""
    walker.to_confirm()
    walker.confirm(**(BOSS | more))
    return walker


def approver(app: Flask, services: Services) -> Walker:
    """Whoever has the link from the mail, in a browser of their own."""
    with services.db.reading() as session:
        approval = session.scalars(select(Approval)).one()
        token = approval_token(approval.nonce, services.settings.secret_key)
    boss = Walker(app.test_client(), None)  # type: ignore[arg-type]
    boss.open(f"/approve/{token}")
    return boss


def the_visit(services: Services) -> Visit:
    """The only visit, detached, with its people and messages."""
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        _ = (visit.messages, visit.work_order.contacts, visit.work_order.customer, visit.stop)
        return visit


def told(services: Services) -> set[tuple[str, str, str]]:
    """Kind, role and recipient of every message that is still to be sent, or was."""
    with services.db.reading() as session:
        found = session.scalars(select(OutboxMessage).where(OutboxMessage.state != "cancelled"))
        return {(message.kind, message.role, message.recipient) for message in found}


def mailed(services: Services) -> list[str]:
    """The texts of all e-mails."""
    files = sorted((services.settings.data_dir / "outbox").iterdir())
    found = [message_from_bytes(path.read_bytes(), policy=policy.default) for path in files]
    bodies = [mail.get_body(("plain",)) for mail in found]
    return [str(body.get_content()) for body in bodies if body is not None]


def test_everybody_is_kept_with_what_was_said(walker: Walker, services: Services) -> None:
    """Four roles on the order; the payer has an address and a reference of their own."""
    walker.to_confirm()
    walker.confirm(**SITE, **PAYER)
    people = {contact.role: contact for contact in the_visit(services).work_order.contacts}
    assert (people[Role.SITE_CONTACT].name, people[Role.SITE_CONTACT].phone) == ("Jo Porter", "+14105550123")
    payer = people[Role.PAYER]
    assert (payer.name, payer.email, payer.address, payer.reference) == (
        "Bay Housing",
        "Accounts@bay.example",
        "1 Bay Road",
        "PO 77",
    )
    assert people[Role.REQUESTER].name == "Rosa Whitfield"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"payer_reference": "PO 77"}, "Enter the name of the person or company that pays"),
        ({"approver_email": "nobody"}, "Enter an email address in the correct format"),
        ({"approver_email": "ROSA@example.com"}, "Enter the email of somebody else than yourself"),
        ({"payer_address": "x" * 301, "payer_name": "Bay"}, "Use 300 characters or fewer"),
    ],
)
def test_what_does_not_fit_is_said_at_its_field(walker: Walker, typed: dict[str, str], said: str) -> None:
    """Nothing is lost: the part about others is open, with what was typed."""
    walker.to_confirm()
    walker.confirm(**typed)
    assert walker.status == 422
    assert said in walker.page.text
    assert '<details class="mt-3" open>' in walker.page.html
    assert walker.page.fields["name"] == "Rosa Whitfield"


def test_the_person_at_the_site_gets_texts_without_the_private_link(
    walker: Walker, services: Services
) -> None:
    """Confirmation, reminders and changes go to their phone as well; whoever refused texts gets none."""
    walker.to_confirm()
    walker.confirm(**SITE)
    site = {(kind, number) for kind, role, number in told(services) if role == Role.SITE_CONTACT}
    assert site == {(kind, "+14105550123") for kind in ("confirmation", "reminder_24h", "reminder_2h")}
    messages.sweep(services.db, services.channels, services.settings, now=SOON, owner="test")
    texts = [path.read_text() for path in (services.settings.data_dir / "sms").iterdir()]
    theirs = [text for text in texts if "+14105550123" in text]
    hers = [text for text in texts if "+14105550187" in text]
    assert len(theirs) == len(hers) == 1
    assert "/visit/" in hers[0]
    assert "/visit/" not in theirs[0]
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        visit.work_order.consents.append(Consent(purpose=Purpose.TEXTS, given=False, changed_at=NOW))
        visit.advance(VisitState.EN_ROUTE, occurred_at=NOW, now=NOW, actor="test")
        visit.tell_on_my_way(arrives_at=NOW + timedelta(hours=1), now=NOW)
    assert ("on_my_way", Role.SITE_CONTACT, "+14105550123") in told(services)
    messages.sweep(
        services.db, services.channels, services.settings, now=SOON + timedelta(minutes=1), owner="test"
    )
    with services.db.reading() as session:
        on_my_way = select(OutboxMessage).where(
            OutboxMessage.kind == "on_my_way", OutboxMessage.channel == "sms"
        )
        assert {m.last_error for m in session.scalars(on_my_way)} == {"the customer wants no texts"}


def test_nothing_is_promised_before_somebody_agrees(walker: Walker, app: Flask, services: Services) -> None:
    """The window is reserved, the office is not asked to place the visit, and the requester sees it."""
    ask_first(walker)
    assert "We asked for the approval" in walker.page.text
    visit = the_visit(services)
    assert (visit.state, visit.window) == (VisitState.REQUESTED, None)
    assert count(services.db, "office_task") == 0
    with services.db.reading() as session:
        hold = session.scalars(select(Hold)).one()
        approval = session.scalars(select(Approval)).one()
        assert hold.expires_at == approval.expires_at > NOW + timedelta(hours=24)
        assert unplanned_visits(session, session.scalars(select(Territory)).one()) == []
    assert told(services) == {
        ("approval", "approver", "boss@bay.example"),
        ("awaiting", Role.REQUESTER, "rosa@example.com"),
    }
    page = walker.open(walker.url.removesuffix("/booked"))
    assert "Waiting for approval" in page.text
    assert not any(link.endswith(("/time", "/earlier")) for link in page.links)
    walker.open(f"{walker.url}/earlier")
    assert walker.status == 409


def test_the_approvers_link_is_in_the_mail_and_opens_only_this(
    walker: Walker, app: Flask, services: Services
) -> None:
    """HEAD and ten GETs change nothing; it is no private link, and a private link is none of these."""
    ask_first(walker)
    private = walker.url
    messages.sweep(services.db, services.channels, services.settings, now=SOON, owner="test")
    mails = "".join(mailed(services))
    boss = approver(app, services)
    assert boss.url.rsplit("/", 1)[1] in mails
    assert "Rosa Whitfield would like to book this" in boss.page.text
    assert "Heating: Wednesday, Mar 4" in boss.page.text
    before = row_counts(services.db)
    for _ in range(10):
        assert boss.client.get(boss.url).status_code == 200
        assert boss.client.head(boss.url).status_code == 200
    assert row_counts(services.db) == before
    token = boss.url.rsplit("/", 1)[1]
    assert boss.client.get(f"/visit/{token}").status_code == 404
    assert boss.client.get(f"/approve/{private.split('/')[2]}").status_code == 404


def test_agreeing_books_the_reserved_window_and_tells_all(
    walker: Walker, app: Flask, services: Services
) -> None:
    """The requester and the site get the confirmation, the approver and the payer hear of it; a second answer
    changes nothing."""
    ask_first(walker, **SITE, **PAYER)
    boss = approver(app, services)
    boss.send(answer="agree")
    assert "You agreed" in boss.page.text
    visit = the_visit(services)
    assert visit.state == VisitState.BOOKED
    assert visit.window == window(WEDNESDAY, 8, 10)
    assert visit.stop is not None
    assert count(services.db, "hold") == 0
    assert {
        ("confirmation", Role.REQUESTER, "rosa@example.com"),
        ("confirmation", Role.SITE_CONTACT, "+14105550123"),
        ("approved", "approver", "boss@bay.example"),
        ("approved", "approver", "Accounts@bay.example"),
    } <= told(services)
    assert "decline" not in boss.page.html
    boss.client.post(boss.url, data={"answer": "decline", "idempotency_key": "another-key"})
    assert the_visit(services).state == VisitState.BOOKED
    page = walker.open(walker.url.removesuffix("/booked"))
    assert "Waiting for approval" not in page.text


def test_declining_frees_the_window_and_says_why(walker: Walker, app: Flask, services: Services) -> None:
    """The next customer is offered it at once, although the days are kept; the requester reads the reason."""
    with services.db.transaction() as session:
        session.scalars(select(Technician)).first().active = False
        heating(session).duration = timedelta(hours=3)  # two of them do not both begin before ten
    ask_first(walker)
    taken = window(WEDNESDAY, 8, 10).starts_at.isoformat()
    rival = Walker(app.test_client(), walker.home)
    assert taken not in rival.to_time().options["window"]
    boss = approver(app, services)
    boss.send(answer="decline", reason="Too dear")
    assert "You declined" in boss.page.text
    assert the_visit(services).state == VisitState.CANCELLED
    assert count(services.db, "hold") == count(services.db, "stop") == 0
    assert taken in rival.to_time().options["window"]
    assert ("not_approved", Role.REQUESTER, "rosa@example.com") in told(services)
    messages.sweep(services.db, services.channels, services.settings, now=SOON, owner="test")
    assert any("Too dear" in mail and "not booked" in mail for mail in mailed(services))


@pytest.mark.parametrize("answer", ["", "maybe"])
def test_an_answer_that_is_none_is_asked_again(
    walker: Walker, app: Flask, services: Services, answer: str
) -> None:
    """Nothing changes, and the reason that was typed is still there."""
    ask_first(walker)
    boss = approver(app, services)
    boss.send(answer=answer, reason="Because")
    assert boss.status == 422
    assert boss.page.fields["reason"] == "Because"
    assert the_visit(services).state == VisitState.REQUESTED


def test_a_question_that_nobody_answers_runs_out(
    walker: Walker, app: Flask, services: Services, clock_at_now: Traveller
) -> None:
    """From the deadline on the page says so and a POST is refused, even before the sweep came; then the
    requester is told, once."""
    ask_first(walker)
    boss = approver(app, services)
    with services.db.reading() as session:
        until = session.scalars(select(Approval.expires_at)).one()
    clock_at_now.move_to(until)
    boss.send(answer="agree")
    assert boss.status == 409
    assert "It is too late to agree" in boss.page.text
    assert approvals_sweep.expire_all(services.db, now=until - timedelta(seconds=1)) == 0
    assert approvals_sweep.expire_all(services.db, now=until) == 1
    assert approvals_sweep.expire_all(services.db, now=until) == 0
    assert the_visit(services).state == VisitState.CANCELLED
    assert ("not_approved", Role.REQUESTER, "rosa@example.com") in told(services)


def test_the_deadline_comes_before_the_window() -> None:
    """Two days, or as long as we can still prepare; at short notice half an hour, never past the start."""
    soon, late = window(WEDNESDAY, 8, 10), window(WEDNESDAY + timedelta(days=7), 8, 10)
    hours = partial(approvals.deadline, lead=timedelta(hours=2), hours=48)
    assert hours([late], now=NOW) == NOW + timedelta(hours=48)
    assert hours([late, soon], now=NOW) == soon.starts_at - timedelta(hours=2)
    assert hours([soon], now=soon.starts_at - timedelta(hours=2)) == soon.starts_at - timedelta(minutes=90)
    assert hours([soon], now=soon.starts_at - timedelta(minutes=10)) == soon.starts_at
    assert hours([], now=NOW) == NOW + timedelta(hours=48)


def test_a_visit_that_is_cancelled_meanwhile_is_not_asked_for(
    walker: Walker, app: Flask, services: Services
) -> None:
    """Its window is free again, and the approver is told that nobody has to agree any more."""
    ask_first(walker)
    walker.open(walker.url.removesuffix("/booked") + "/cancel")
    walker.send()
    assert count(services.db, "hold") == 0
    boss = approver(app, services)
    assert "Nobody has to agree any more" in boss.page.text


def test_linked_visits_wait_together(walker: Walker, app: Flask, services: Services) -> None:
    """One question for both windows, one answer books both in their order."""
    with services.db.transaction() as session:
        make_wiring(session, code="sockets", name="Sockets", skills={HEATING: 1}, intake_questions=[])
    walker.choose_problem()
    walker.give_address()
    walker.open(f"/book/{walker.draft}/services")
    walker.send(service="sockets")
    walker.open(f"/book/{walker.draft}/time?apart=1")
    walker.pick_window()
    walker.confirm(**BOSS)
    assert count(services.db, "hold") == 2
    boss = approver(app, services)
    assert "Heating: " in boss.page.text
    assert "Sockets: " in boss.page.text
    boss.send(answer="agree")
    with services.db.reading() as session:
        first, second = session.scalars(select(Visit).order_by(Visit.turn)).all()
        assert first.window is not None
        assert second.window is not None
        assert second.window.starts_at >= first.window.ends_at + first.occupied


@pytest.mark.parametrize("rival", ["expire", "decline", "agree"])
def test_one_answer_wins(walker: Walker, services: Services, rival: str) -> None:
    """Agreeing at the last instant against the sweep, a refusal, or somebody else who agrees: one counts."""
    ask_first(walker)
    with services.db.reading() as session:
        approval = session.scalars(select(Approval)).one()
        approval_id, until = approval.id, approval.expires_at
        territory_id = session.scalars(select(Territory.id)).one()
    just_in_time = until - timedelta(seconds=1)

    def agree() -> bool:
        return attempt(
            lambda session, tables: approvals.agree(
                session, session.get_one(Approval, approval_id), tables=tables, now=just_in_time
            )
        )

    def attempt(work: Callable[..., object]) -> bool:
        try:
            with_travel(
                services.db,
                services.tables,
                territory_id,
                [WEDNESDAY],
                [AT],
                now=just_in_time,
                work=lambda tables: services.db.run(lambda session: work(session, tables) and None),
            )
        except approvals.NotPending:
            return False
        return True

    others = {
        "agree": agree,
        "expire": lambda: approvals_sweep.expire_all(services.db, now=until) == 1,
        "decline": lambda: attempt(
            lambda session, tables: approvals.decline(
                session, session.get_one(Approval, approval_id), reason="", now=just_in_time
            )
        ),
    }
    won = [outcome.result for outcome in all_at_once([agree, others[rival]])]
    assert won.count(True) == 1
    visit = the_visit(services)
    assert visit.state in (VisitState.BOOKED, VisitState.CANCELLED)
    assert (visit.state == VisitState.BOOKED) == (visit.stop is not None)
    assert count(services.db, "hold") == 0
    kinds = {kind for kind, *_ in told(services)}
    assert ("confirmation" in kinds) != ("not_approved" in kinds)


@pytest.fixture
def with_internal_customers(settings: Settings) -> Settings:
    """A company whose own people book, too."""
    object.__setattr__(settings, "internal_domains", "harbor.example, HQ.harbor.example")
    object.__setattr__(settings, "cost_centre_pattern", r"CC-\d{4}")
    return settings


def test_internal_customers_give_a_cost_centre(
    with_internal_customers: Settings, client: FlaskClient, walker: Walker, services: Services
) -> None:
    """Whoever has one of our addresses must, and it has to look like one; others need none."""
    walker.to_confirm()
    walker.confirm(email="jo@hq.harbor.example")
    assert walker.status == 422
    assert "Enter the cost centre that pays for the visit" in walker.page.text
    walker.confirm(email="jo@hq.harbor.example", cost_centre="4711")
    assert walker.status == 422
    assert "This is not one of our cost centres" in walker.page.text
    walker.confirm(email="jo@hq.harbor.example", cost_centre="CC-4711")
    order = the_visit(services).work_order
    assert (order.cost_centre, order.customer.kind) == ("CC-4711", CustomerKind.INTERNAL)
    with services.db.transaction() as session:
        draft = again.begin(session, session.scalars(select(Visit)).one(), now=NOW)
        session.flush()
        token = draft.token
    walker.open(f"/book/{token}/time")
    walker.pick_window()
    walker.confirm(email="jo@elsewhere.example")  # known by the private link, whatever the address
    assert walker.status == 422


def test_others_are_not_asked_for_a_cost_centre(walker: Walker, services: Services) -> None:
    """A company without internal customers has no such field, and a made-up one is not kept."""
    walker.to_confirm()
    assert "cost_centre" not in walker.page.fields
    walker.confirm(cost_centre="CC-4711")
    assert the_visit(services).work_order.cost_centre == ""


def test_a_pattern_that_is_none_is_refused_at_the_start() -> None:
    """The setting is named."""
    with pytest.raises(SettingError, match="FIELDSERVICE_COST_CENTRE_PATTERN"):
        Settings.from_environment({"FIELDSERVICE_COST_CENTRE_PATTERN": "CC-["})


def test_download_and_erasure_know_the_people(walker: Walker, app: Flask, services: Services) -> None:
    """Whom she named is in her file, and afterwards in no table."""
    ask_first(walker, **SITE, **PAYER)
    approver(app, services).send(answer="decline", reason="Too dear")
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        content = json.dumps(personal.export(session, visit))
        for word in ("Jo Porter", "PO 77", "1 Bay Road", "boss@bay.example", "Too dear"):
            assert word in content, word
        erasing.erase(session, visit, store=services.files, channels=services.channels, now=NOW)
    for table in (Approval, ContactRole, OutboxMessage):
        assert count(services.db, table.__tablename__) == 0
    with services.db.reading() as session:
        assert session.scalars(select(Customer.name)).one() == erasing.ERASED
