"""Who lives outside every territory is told once when one of them reaches there."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldservice.booking import area
from fieldservice.booking.drafts import SiteAnswers
from fieldservice.geo.types import Coordinates
from fieldservice.models import AreaWish, OutboxMessage, Service, Territory
from tests.factories import NOW, make_service, make_territory, near
from tests.fieldservice.messages.conftest import Sender
from tests.services import SmtpSink


@pytest.fixture
def wish(sender: Sender) -> int:
    """Somebody eight kilometres from the centre of a territory of three, who asked for two services."""
    with sender.db.transaction() as session:
        territory = make_territory(session, radius_m=3_000)
        site = SiteAnswers(address="1 Far Lane", city="Farville", postcode="21000", coordinates=near(8_000))
        for code in ("heating", "cooling"):
            service = make_service(session, code=code, name=code.title())
            area.wish_for_area(session, "rosa@example.com", service, site, locale="nl", now=NOW)
        return territory.id


def widen(sender: Sender, territory_id: int, radius_m: int, *, active: bool = True) -> None:
    """What the office does."""
    with sender.db.transaction() as session:
        territory = session.get_one(Territory, territory_id)
        territory.radius_m, territory.active = radius_m, active


def test_nobody_is_told_before_we_come_there(sender: Sender, sink: SmtpSink, wish: int) -> None:
    """Nor where the rough place is so near to the border that the house may be beyond it, or it is closed."""
    for radius_m, active in ((3_000, True), (8_300, True), (20_000, False)):
        widen(sender, wish, radius_m, active=active)
        assert area.tell_all(sender.db, now=NOW) == 0
    sender.sweep(NOW + timedelta(minutes=1))
    assert sink.messages == []


def test_a_territory_that_is_widened_is_told_once(sender: Sender, sink: SmtpSink, wish: int) -> None:
    """One e-mail for both services, in the language of who asked, with the page to book on."""
    widen(sender, wish, 12_000)
    assert area.tell_all(sender.db, now=NOW) == 1
    assert area.tell_all(sender.db, now=NOW) == 0
    sender.sweep(NOW + timedelta(minutes=1))
    sender.sweep(NOW + timedelta(minutes=2))
    [mail] = sink.messages
    assert mail["To"].endswith("rosa@example.com>") or mail["To"] == "rosa@example.com"
    body = mail.get_body(("plain",))
    assert body is not None
    assert "https://visits.example.com/book" in body.get_content()
    assert "We komen nu ook bij jou" in str(mail["Subject"])
    with sender.db.reading() as session:
        assert {each.told_at for each in session.scalars(select(AreaWish))} == {NOW}
        assert session.scalars(select(OutboxMessage.state)).all() == ["sent"]


def test_another_wish_is_told_on_its_own(sender: Sender, sink: SmtpSink, wish: int) -> None:
    """Somebody else, elsewhere, waits until we come to them."""
    with sender.db.transaction() as session:
        service = session.scalars(select(Service)).first()
        assert service is not None
        far = near(8_000)
        there = Coordinates(far.lat + 0.5, far.lon)
        site = SiteAnswers(address="9 Farther Lane", city="Elsewhere", coordinates=there)
        area.wish_for_area(session, "ann@example.com", service, site, locale="en_US", now=NOW)
    widen(sender, wish, 12_000)
    assert area.tell_all(sender.db, now=NOW) == 1
    with sender.db.reading() as session:
        waiting = session.scalars(select(AreaWish.email).where(AreaWish.told_at.is_(None))).all()
    assert waiting == ["ann@example.com"]
