"""Who booked before proves it with a code and begins with what is known; nobody learns who is known."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.auth import visitors
from fieldservice.auth.codes import code_of
from fieldservice.booking import erasing
from fieldservice.geo.address import Address
from fieldservice.models import (
    Attachment,
    BookingDraft,
    CodePurpose,
    MessageState,
    OutboxMessage,
    Role,
    Site,
    Visit,
    VisitorCode,
    WorkOrder,
)
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.booking import demoville
from tests.fieldservice.booking.walker import Walker
from tests.pictures import photo

ROSA = "rosa@example.com"


@pytest.fixture
def known(walker: Walker) -> Walker:
    """Somebody in whose name a visit was booked a moment ago, before the first page."""
    walker.book()
    walker.open("/book")
    return walker


def newest_code(services: Services) -> str:
    """What the last message says, whether or not it goes out."""
    with services.db.reading() as session:
        code = session.scalars(select(VisitorCode).order_by(VisitorCode.id.desc())).first()
        assert code is not None
        return code_of(code.nonce, services.settings.secret_key)


def outbox(services: Services) -> list[OutboxMessage]:
    """The messages to visitors, in order."""
    with services.db.reading() as session:
        query = select(OutboxMessage).where(OutboxMessage.visit_id.is_(None)).order_by(OutboxMessage.id)
        return list(session.scalars(query))


def drafts(services: Services) -> list[BookingDraft]:
    """The drafts that are not booked."""
    with services.db.reading() as session:
        return list(session.scalars(select(BookingDraft).where(BookingDraft.visit_id.is_(None))))


def test_a_code_fills_in_address_and_contact(known: Walker, services: Services, home: Address) -> None:
    """From the first page over the code to the windows; the visit is the same customer's at the same site."""
    known.send(service="heating", known=" rosa@EXAMPLE.com ")
    assert known.url.startswith("/book/returning/")
    assert "If you booked with this address before" in known.page.text
    known.send(code=newest_code(services))
    assert known.url.endswith("/time")
    assert home.label.partition(",")[0] in known.page.text
    known.pick_window()
    assert known.page.fields["name"] == "Rosa Whitfield"
    assert known.page.fields["phone"] == "+14105550187"
    known.send()
    assert "You’re booked" in known.page.text
    with services.db.reading() as session:
        orders = session.scalars(select(WorkOrder)).all()
        assert len({order.customer_id for order in orders}) == len({order.site_id for order in orders}) == 1
        assert len(orders) == 2


def test_without_a_service_the_last_one_is_picked(known: Walker, services: Services) -> None:
    """By phone, from the page of its own; the first screen marks what the customer had."""
    known.open("/book/returning")
    known.send(known="(410) 555-0187")
    assert [(m.channel, m.recipient, m.state) for m in outbox(services)] == [
        ("sms", "+14105550187", MessageState.PENDING)
    ]
    known.send(code=newest_code(services))
    assert known.page.checked["service"] == ["heating"]
    assert "You had this" in known.page.text


def test_the_answer_does_not_tell_who_is_known(known: Walker, services: Services) -> None:
    """Both get the same page, and the same rows are written; only one gets a message."""
    pages = []
    for address in (ROSA, "nobody@example.com"):
        known.open("/book/returning")
        known.send(known=address)
        pages.append(re.sub(r"[\w-]{36,}", "", known.page.text))
    assert pages[0] == pages[1]
    assert [(m.recipient, m.state) for m in outbox(services)] == [
        (ROSA, MessageState.PENDING),
        ("", MessageState.CANCELLED),
    ]
    known.send(code=newest_code(services))  # nobody got it, and it opens nothing
    assert known.url.startswith("/book/returning/")
    assert drafts(services) == []


def test_a_wrong_code_counts_its_tries_and_opens_nothing(known: Walker, services: Services) -> None:
    """After five wrong ones the right one is refused."""
    known.open("/book/returning")
    known.send(known=ROSA)
    page, right = known.url, newest_code(services)
    wrong = "000000" if right != "000000" else "000001"
    for _ in range(5):
        known.open(page)
        known.send(code=wrong)
        assert "not the code" in known.page.text or "does not count any more" in known.page.text
    known.open(page)
    known.send(code=right)
    assert "does not count any more" in known.page.text
    assert drafts(services) == []


def test_a_code_counts_once_and_for_ten_minutes(
    known: Walker, services: Services, clock_at_now: Traveller
) -> None:
    """A second use and a late one lead back to the page, which says so; the positive control is the first."""
    known.open("/book/returning")
    known.send(known=ROSA)
    page, code = known.url, newest_code(services)
    known.send(code=code)
    assert known.url.startswith("/book/")
    assert "returning" not in known.url
    known.open(page)
    known.send(code=code)
    assert "does not count any more" in known.page.text
    known.open("/book/returning")
    known.send(known=ROSA)
    clock_at_now.shift(timedelta(minutes=11))
    known.send(code=newest_code(services))
    assert "does not count any more" in known.page.text


def test_three_codes_in_a_quarter_of_an_hour_for_known_and_unknown(
    known: Walker, clock_at_now: Traveller
) -> None:
    """The fourth is refused for both, and a quarter of an hour later there is another one."""
    for address in (ROSA, "nobody@example.com"):
        statuses = []
        for _ in range(4):
            known.open("/book/returning")
            known.send(known=address)
            statuses.append(known.status)
        assert statuses == [200, 200, 200, 429]
        assert "several codes" in known.page.text
    clock_at_now.shift(visitors.PERIOD + timedelta(seconds=1))
    known.open("/book/returning")
    known.send(known=ROSA)
    assert known.status == 200


def test_photos_without_a_service_are_there_after_the_code(known: Walker, services: Services) -> None:
    """Who chooses photos and says who they are before they pick a service finds them on the first screen."""
    known.open("/book")
    known.send(known=ROSA, service="", files=[(BytesIO(photo()), "boiler.jpg")])
    known.send(code=newest_code(services))
    assert known.page.title.startswith("What needs fixing?")
    assert "boiler.jpg" in known.page.html
    [draft] = [each for each in drafts(services) if each.visit_id is None]
    with services.db.reading() as session:
        assert session.scalars(select(Attachment.draft_token)).one() == draft.token


def test_a_code_opens_what_was_booked_with_its_address_alone(known: Walker, services: Services) -> None:
    """Another customer at the same phone is not shown to who proved an e-mail address."""
    known.choose_problem()
    known.give_address(q=known.home.label, access_notes="Gate 4711")
    known.open(f"/book/{known.draft}/time?day=2026-03-04")
    known.pick_window(1)
    known.confirm(name="Bo Other", email="bo@example.com")  # with Rosa's phone
    known.open("/book/returning")
    known.send(known="bo@example.com")
    known.send(code=newest_code(services))
    [draft] = drafts(services)
    assert draft.answers["contact"]["name"] == "Bo Other"
    assert len(draft.answers["saved_sites"]) == 1


def test_a_customer_with_two_addresses_picks_one(known: Walker, services: Services, town_map: Path) -> None:
    """The last one is taken; the list is one link away, and so is any other address."""
    other = demoville.an_address(town_map, 3)
    known.choose_problem()
    known.give_address(q=other.label)
    known.open(f"/book/{known.draft}/time?day=2026-03-04")
    known.pick_window(2)
    known.confirm()
    known.open("/book")
    known.send(service="heating", known=ROSA)
    known.send(code=newest_code(services))
    assert other.label.partition(",")[0] in known.page.text
    known.open(f"/book/{known.draft}/address")
    assert known.url.endswith("/sites")
    options = known.page.options["site"]
    assert known.page.checked["site"] == options[:1]
    known.send(site="4711")
    assert known.status == 422
    known.send(site=options[1])
    assert known.url.endswith("/time")
    assert known.home.label.partition(",")[0] in known.page.text
    assert "Find your address" in known.open(f"/book/{known.draft}/address?by=search").text


def test_what_is_typed_badly_is_said_at_the_line(known: Walker, services: Services) -> None:
    """Neither an address nor a number: the words, the other answers, and no code."""
    page = known.send(service="heating", problem="It drips", known="rosa at home")
    assert known.status == 422
    assert "Enter an email address or a mobile number" in page.text
    assert page.fields["problem"] == "It drips"
    known.open("/book/returning")
    assert known.send(known="").text.count("of your earlier booking")
    assert outbox(services) == []


def test_an_erasure_reaches_codes(known: Walker, services: Services) -> None:
    """The messages that carried them and the rows that name the order go, too."""
    known.open("/book/returning")
    known.send(known=ROSA)
    with services.db.transaction() as session:
        visit = session.scalars(select(Visit)).one()
        visit.cancel(now=NOW, actor="test")
        session.flush()
        erasing.erase(session, visit, store=services.files, channels=services.channels, now=NOW)
    assert outbox(services) == []
    with services.db.reading() as session:
        assert session.scalars(select(VisitorCode)).all() == []


def test_codes_are_forgotten_after_a_day(known: Walker, services: Services) -> None:
    """With the messages, that hold the addresses."""
    known.open("/book/returning")
    known.send(known=ROSA)
    for late, left in ((timedelta(hours=23), 1), (timedelta(hours=25), 0)):
        with services.db.transaction() as session:
            visitors.drop_old(session, now=NOW + late)
        assert len(outbox(services)) == left


def test_a_code_of_another_purpose_is_none(known: Walker, services: Services) -> None:
    """A token opens only what it was made for."""
    known.open("/book/returning")
    known.send(known=ROSA)
    with services.db.reading() as session:
        token = session.scalars(select(VisitorCode.token)).one()
        assert visitors.find(session, token, CodePurpose.RETURNING).channel == "email"
        with pytest.raises(visitors.CodeUnknown):
            visitors.find(session, token, CodePurpose.GUARD)
        order = session.scalars(select(WorkOrder)).one()
        assert order.contact(Role.REQUESTER) is not None
        assert session.scalars(select(Site)).one().territory_id
    assert known.open("/book/returning/unknown").text.count("Please start again")
