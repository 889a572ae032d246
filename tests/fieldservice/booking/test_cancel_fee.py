"""What cancelling late costs, on both sides of the cut-off: said before it is booked, agreed to, charged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.booking.catalogue import CatalogueFault, write_catalogue
from fieldservice.booking.catalogue_text import read_catalogue
from fieldservice.messages.writing import Writer
from fieldservice.models import OutboxMessage, Service, ServiceTranslation, Visit, VisitState
from fieldservice.models.cancel_terms import free_until
from fieldservice.notify.rendering import letter, short_text
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.booking.demoville import heating
from tests.fieldservice.booking.test_people import approver
from tests.fieldservice.booking.walker import Walker

FREE = "Cancelling is free until 10:00 pm on Tuesday, Mar 3. After that it costs: $49 for the trip."
NOW_COSTS = "Cancelling was free until 10:00 pm on Tuesday, Mar 3. Now it costs: $49 for the trip."
LATE = timedelta(hours=40)  # from the booking into the last twelve hours before the window


@pytest.fixture
def booked(walker: Walker, services: Services) -> Walker:
    """A customer whose visit, the day after tomorrow, costs something when it is cancelled late."""
    with services.db.transaction() as session:
        heating(session).late_fee = "$49 for the trip"
    walker.to_time()
    walker.pick_window(1)
    assert FREE in walker.page.text
    walker.confirm()
    assert FREE in walker.page.text
    walker.open(walker.url.removesuffix("/booked"))
    return walker


def the_visit(services: Services) -> Visit:
    """The only visit."""
    with services.db.reading() as session:
        return session.scalars(select(Visit)).one()


def written(services: Services, kind: str) -> tuple[str, str, str]:
    """A message of a kind as it would be sent now: the e-mail's text and HTML, and the text message."""
    with services.db.reading() as session:
        rows = select(OutboxMessage).where(OutboxMessage.kind == kind, OutboxMessage.role == "requester")
        row = session.scalars(rows).first()
        assert row is not None
        visit = session.get_one(Visit, row.visit_id)
        occasion = Writer(services.settings).occasion(row, visit, NOW)
        mail = letter(occasion)
        return mail.text, mail.html, short_text(occasion)


def test_who_has_to_agree_reads_what_cancelling_costs(walker: Walker, app: Flask, services: Services) -> None:
    """Before the answer, as it would be promised then, in their language; nothing where it costs nothing."""
    with services.db.transaction() as session:
        heating(session).late_fee = "$49 for the trip"
    walker.to_time()
    walker.pick_window(1)
    walker.confirm(approver_email="boss@bay.example")
    boss = approver(app, services)
    assert FREE in boss.page.text
    with services.db.transaction() as session:
        service = heating(session)
        service.late_fee = ""
        texts = {service.price_text: "$95 voorrijkosten"}
        service.translations["nl"] = ServiceTranslation(language="nl", texts=texts)
    assert "Cancelling" not in boss.open(boss.url).text
    dutch = boss.open(f"{boss.url}?lang=nl").text
    assert "$95 voorrijkosten" in dutch
    assert "$95 visit" not in dutch


def test_before_the_cut_off_it_is_free(booked: Walker, services: Services) -> None:
    """Page and messages say until when; nothing is owed, and the message of the end says so."""
    assert FREE in booked.page.text
    for text in written(services, "confirmation"):
        assert (
            "Cancelling is free until Tuesday, Mar 3, 10:00 pm. After that it costs: $49 for the trip."
            in text
        )
    booked.open(f"{booked.url}/cancel")
    assert FREE in booked.page.text
    assert booked.page.fields["fee"] == ""
    assert "Cancel for a fee" not in booked.page.text
    booked.send()
    assert "Cancelling cost nothing." in booked.page.text
    assert the_visit(services).fee_due == ""
    assert "Cancelling cost nothing." in written(services, "cancelled")[0]


def test_after_the_cut_off_it_costs_what_was_said(
    booked: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """It stays possible online, for the fee; page, messages and the visit keep it."""
    clock_at_now.shift(LATE)
    booked.open(booked.url)
    assert NOW_COSTS in booked.page.text
    booked.open(f"{booked.url}/cancel")
    assert NOW_COSTS in booked.page.text
    assert "Cancel for a fee" in booked.page.text
    booked.send()
    assert "It was cancelled late, which costs: $49 for the trip." in booked.page.text
    visit = the_visit(services)
    assert (visit.state, visit.fee_due) == (VisitState.CANCELLED, "$49 for the trip")
    for text in written(services, "cancelled"):
        assert "It was cancelled late, which costs: $49 for the trip." in text


def test_nobody_pays_what_they_have_not_seen(
    booked: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """A page that was opened before the cut-off cancels nothing after it: it comes again, with the fee."""
    booked.open(f"{booked.url}/cancel")
    clock_at_now.shift(LATE)
    booked.send(reason="Sold the house")
    assert booked.status == 409
    assert "Nothing is cancelled yet." in booked.page.text
    assert NOW_COSTS in booked.page.text
    assert booked.page.fields["reason"] == "Sold the house"
    assert the_visit(services).state == VisitState.BOOKED
    booked.send()
    assert the_visit(services).fee_due == "$49 for the trip"


@pytest.mark.parametrize(("shift", "fee"), [(0, ""), (1, "$49 for the trip")])
def test_the_last_free_moment(
    booked: Walker, services: Services, clock_at_now: Traveller, shift: int, fee: str
) -> None:
    """The cut-off itself is free, a second later it costs."""
    until = the_visit(services).free_until
    assert until is not None
    clock_at_now.move_to(until + timedelta(seconds=shift), tick=False)
    booked.open(f"{booked.url}/cancel")
    booked.send()
    assert the_visit(services).fee_due == fee


def test_once_the_window_has_begun_the_office_helps(booked: Walker, clock_at_now: Traveller) -> None:
    """No fee makes it possible to cancel a visit on which somebody may be waiting at the door."""
    clock_at_now.shift(timedelta(hours=51))
    booked.open(f"{booked.url}/cancel")
    assert booked.status == 409


def test_what_was_promised_stays(booked: Walker, services: Services, clock_at_now: Traveller) -> None:
    """A fee that the company raises later is for later bookings; a window that it moved costs nothing."""
    with services.db.transaction() as session:
        heating(session).late_fee = "$99"
        heating(session).cancel_cutoff = timedelta(days=9)
    booked.open(booked.url)
    assert FREE in booked.page.text
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        window = visit.window
        assert window is not None
        moved = type(window)(window.starts_at + timedelta(hours=2), window.ends_at + timedelta(hours=2))
        visit.promise(moved, now=NOW, actor="user:1")
    clock_at_now.shift(LATE)
    booked.open(booked.url)
    assert "costs" not in booked.page.text
    assert "Cancelling" not in written(services, "changed")[0]


def test_who_books_late_has_an_hour_to_think() -> None:
    """The cut-off may be over when one books; the hour ends when the window begins at the latest."""
    service = Service(cancel_cutoff=timedelta(hours=12))
    for ahead, free in ((48, 36), (12.5, 1), (3, 1), (0.5, 0.5)):
        until = free_until(service, NOW + timedelta(hours=ahead), now=NOW)
        assert until == NOW + timedelta(hours=free)


def test_the_site_contact_reads_nothing_of_fees(booked: Walker, services: Services) -> None:
    """Whoever has no private link learns nothing of what the requester agreed to."""
    with services.db.transaction() as session:
        for row in session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "confirmation")):
            row.role = "site_contact"
    with services.db.reading() as session:
        row = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "confirmation")).first()
        assert row is not None
        occasion = Writer(services.settings).occasion(row, session.get_one(Visit, row.visit_id), NOW)
    assert "costs" not in letter(occasion).text


def test_the_catalogue_sets_the_fee(services: Services, walker: Walker) -> None:
    """What is written comes back, in other languages as well; what cannot be meant names its place."""
    terms = {"fee": "$49 for the trip", "hours_before": 24}
    dutch = {"nl": {"$49 for the trip": "$49 voor de rit"}}
    with services.db.transaction() as session:
        service = heating(session)
        write_catalogue(service, {"cancelling": terms, "translations": dutch}, {})
        session.flush()
        assert read_catalogue(service)["cancelling"] == terms
        assert service.in_language(service.late_fee, "nl") == "$49 voor de rit"
        assert service.cancel_cutoff == timedelta(hours=24)
        write_catalogue(service, {}, {})
        assert "cancelling" not in read_catalogue(service)
        for wrong, place in (
            ({"fee": ""}, "cancelling.fee"),
            ({"fee": "$1", "hours_before": 0}, "cancelling.hours_before"),
            ({"fee": "$1", "minutes": 4}, "cancelling.minutes"),
            ("$1", "cancelling"),
        ):
            with pytest.raises(CatalogueFault, match=f"^{place}:"):
                write_catalogue(service, {"cancelling": wrong}, {})
