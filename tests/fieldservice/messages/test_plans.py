"""What customers of service plans are told, and what they are not told any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from fieldservice.booking import plan_sweep
from fieldservice.booking.new_visits import company_of
from fieldservice.db import Database
from fieldservice.models import ServicePlan, Visit
from tests.factories import NOW, TODAY, make_company, make_customer, make_service_plan, make_site, window
from tests.fieldservice.messages.conftest import Sender, part, states_of_all
from tests.services import SmtpSink

DAY = timedelta(days=1)


def make(session: Session, **terms: object) -> ServicePlan:
    """A plan of a customer who can be reached by e-mail, first due in five days."""
    company = make_company(session, 1)
    company.service.name = "Boiler service"
    customer = make_customer(session, email="rosa@example.com", phone="")
    site = make_site(session, customer, territory=company.territory)
    return make_service_plan(session, company, first_on=TODAY + 5 * DAY, site=site, **terms)


def sweep(sender: Sender, days: int = 0) -> None:
    """The plans' sweep writes, the outbox' sends."""
    now = NOW + days * DAY
    plan_sweep.serve_plans(sender.db, company_of(sender.settings), now=now)
    sender.sweep(now)


def test_invitation_reminder_and_end_of_term(db: Database, sender: Sender, sink: SmtpSink) -> None:
    """Each with its days in words and a link to the page where it is answered."""
    db.run(lambda session: make(session, term_months=1, renewal="ask"))
    sweep(sender)
    sweep(sender, 5)
    sweep(sender, 8)
    invited, reminded, term = sink.messages
    assert invited["Subject"] == "Pick a time for your Boiler service"
    assert "we come between Saturday, Mar 7 and Friday, Mar 20" in part(invited, "text/plain")
    assert "/time" in part(invited, "text/plain")
    assert "Pick a time</a>" in part(invited, "text/html")
    assert reminded["Subject"] == "Pick a time for your Boiler service until Friday, Mar 20"
    assert term["Subject"] == "Your service plan ends on Monday, Apr 6: shall it go on?"
    assert "/plan" in part(term, "text/plain")


def test_what_is_no_longer_true_is_not_sent(db: Database, sender: Sender, sink: SmtpSink) -> None:
    """The window was picked, or invitations refused, between writing and sending."""

    def both(session: Session) -> None:
        for _ in range(2):
            make(session)

    db.run(both)
    plan_sweep.serve_plans(db, company_of(sender.settings), now=NOW)

    def change(session: Session) -> None:
        picked, refused = session.query(Visit).order_by(Visit.id)
        picked.promise(window(TODAY + 6 * DAY), now=NOW, actor="customer")
        refused.work_order.consents[0].given = False

    db.run(change)
    sender.sweep()
    assert [mail["Subject"].split(":")[0] for mail in sink.messages] == ["You’re booked"]
    assert states_of_all(db)["cancelled"] == 2
