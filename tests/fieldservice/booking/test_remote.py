"""A remote visit: who is called where, or which page to open, and nobody's home address."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking.catalogue import CatalogueFault, write_catalogue
from fieldservice.booking.catalogue_text import read_catalogue
from fieldservice.models import Role, Service, Visit
from fieldservice.models.facts import facts_of
from fieldservice.notify.rendering import Occasion, letter, short_text
from fieldservice.web import Services
from tests.fieldservice.booking.walker import Walker
from tests.signing_in import make_user, signed_in

LINK = "https://meet.example.com/harbor"


def by_video(session: Session) -> None:
    """The remote service takes place under a link."""
    write_catalogue(of_code(session, "call"), {"remote": {"link": LINK}}, {})


def of_code(session: Session, code: str) -> Service:
    """A service of the company."""
    return session.scalars(select(Service).where(Service.code == code)).one()


def to_confirm(walker: Walker) -> None:
    """As far as the last form; nobody is asked how to get in."""
    walker.choose_problem("call")
    walker.send(q=walker.home.label)
    walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
    walker.pick_window()


def told(services: Services, kind: str) -> str:
    """The e-mail and the text of the newest visit."""
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        occasion = Occasion(kind=kind, facts=facts_of(visit, services.settings, link="https://x/visit/y"))
        return f"{letter(occasion).text}\n{short_text(occasion)}"


def test_a_number_is_asked_for_and_said_wherever_the_visit_is(walker: Walker, services: Services) -> None:
    """An e-mail address alone is no number to call; page, messages and calendar say which one it is."""
    to_confirm(walker)
    assert "By phone or video" in walker.page.text
    assert "We call you on this number." in walker.page.text
    assert walker.home.street not in walker.page.text
    assert "on the way" not in walker.page.text
    walker.confirm(phone="")
    assert walker.status == 422
    assert "Enter the phone number that we call" in walker.page.text
    walker.confirm()
    walker.open(walker.url.removesuffix("/booked"))
    assert "We call (410) 555-0187" in walker.page.text
    assert walker.home.street not in walker.page.text
    for kind in ("confirmation", "changed", "reminder_24h", "reminder_2h"):
        assert told(services, kind).count("We call this number: (410) 555-0187") == 2
    assert "this number" not in told(services, "done").splitlines()[-1]
    calendar = walker.client.get(f"{walker.url}/calendar.ics").text.replace("\r\n ", "")
    assert "We call this number: (410) 555-0187" in calendar


def test_a_number_that_is_called_is_not_taken_away(walker: Walker) -> None:
    """It can be corrected, but not left out."""
    to_confirm(walker)
    walker.confirm()
    walker.open(f"{walker.url.removesuffix('/booked')}/details")
    walker.send(phone="")
    assert walker.status == 422
    walker.send(phone="410 555 0188")
    assert "We call (410) 555-0188" in walker.page.text


def test_somebody_at_the_address_is_called_in_place_of_who_asks(walker: Walker, services: Services) -> None:
    """Their number is enough."""
    to_confirm(walker)
    walker.confirm(phone="", site_name="Ann Other", site_phone="410 555 0199")
    assert "You’re booked" in walker.page.text
    assert "We call this number: (410) 555-0199" in told(services, "confirmation")
    with services.db.reading() as session:
        requester = session.scalars(select(Visit)).one().work_order.contact(Role.REQUESTER)
        assert requester is not None
        assert requester.phone == ""


def test_a_link_takes_the_place_of_a_number(walker: Walker, services: Services) -> None:
    """An e-mail address is enough; page and messages have the link, a cancelled visit has none."""
    services.db.run(by_video)
    to_confirm(walker)
    assert "You get the link with the confirmation." in walker.page.text
    walker.confirm(phone="")
    walker.open(walker.url.removesuffix("/booked"))
    assert LINK in walker.page.links
    for kind in ("confirmation", "changed", "reminder_24h", "reminder_2h"):
        assert told(services, kind).count(f"Join here: {LINK}") == 2
    assert "We meet you online" in told(services, "confirmation")
    walker.open(f"{walker.url}/cancel")
    walker.send()
    assert LINK not in walker.page.html
    assert LINK not in told(services, "cancelled")


def test_other_visits_ask_as_before(walker: Walker, services: Services) -> None:
    """A link at a service of another kind changes nothing."""
    services.db.run(
        lambda session: write_catalogue(of_code(session, "heating"), {"remote": {"link": LINK}}, {})
    )
    walker.to_confirm()
    assert "For a text when your technician is on the way." in walker.page.text
    walker.confirm(phone="")
    assert "You’re booked" in walker.page.text
    assert LINK not in told(services, "confirmation")
    walker.open(walker.url.removesuffix("/booked"))
    assert LINK not in walker.page.html
    assert walker.home.street in walker.page.text


def test_the_office_asks_for_a_number_too(app: Flask, services: Services, walker: Walker) -> None:
    """Whoever calls with a hidden number is asked for one."""
    client = signed_in(app, services.db, services.db.run(make_user))
    desk = Walker(client, walker.home)
    desk.open("/board/phone?new=1")
    street, _, town = walker.home.label.partition(", ")
    desk.send(
        url="/board/phone?new=1",
        name="Rosa",
        email="r@example.com",
        service="call",
        street=street,
        city=town,
        do="later",
    )
    assert desk.status == 422
    assert "Enter the phone number that we call" in desk.page.text


@pytest.mark.parametrize(
    "link", ["", "http://x.example", "javascript:alert(1)", "https://", "https://a b", 7]
)
def test_only_a_safe_link_is_written(
    session: Session, walker: Walker, services: Services, link: object
) -> None:
    """What is written is read again and stays until it is taken away; anything but a page under https is
    refused."""
    with services.db.transaction() as own:
        service = of_code(own, "call")
        with pytest.raises(CatalogueFault, match=r"^remote\.link"):
            write_catalogue(service, {"remote": {"link": link}}, {})
        write_catalogue(service, {"remote": {"link": LINK}}, {})
        assert read_catalogue(service)["remote"] == {"link": LINK}
        write_catalogue(service, {}, {})
        assert service.call_link == LINK
        write_catalogue(service, {"remote": {}}, {})
        assert service.call_link == ""
