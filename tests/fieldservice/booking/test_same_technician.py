"""A customer asks for the technician they know: only their windows, and a preference afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.geo.address import Address
from fieldservice.models import Technician, Visit, VisitState
from fieldservice.planning.problem import PREFERRED_TECHNICIAN_S, build, shift_id, visit_id
from fieldservice.planning.rows import load_day
from fieldservice.planning.travel import table_of
from fieldservice.web import Services
from tests.factories import HEATING, NOW, make_absence, make_technician, window
from tests.fieldservice.booking import demoville
from tests.fieldservice.booking.tight import AT, WEDNESDAY, easy_visit, who_comes
from tests.fieldservice.booking.walker import Walker

DAY = WEDNESDAY.isoformat()


@pytest.fixture
def walker(services: Services, client: FlaskClient, unlimited: None, home: Address) -> Walker:
    """A customer of a company with two technicians who can do the same."""
    with services.db.transaction() as session:
        company = demoville.open_company(session, technicians=0)
        for name in ("Nora Near", "Edda Expert"):
            make_technician(session, company.territory, name=name, skills={HEATING: 1}, home=AT)
    return Walker(client, home)


def done_by(walker: Walker, services: Services, name: str = "Edda Expert") -> str:
    """A visit that this technician made; its private link."""
    walker.book()
    link = walker.url.removesuffix("/booked")

    def finish(session: Session) -> None:
        visit = session.scalars(select(Visit).order_by(Visit.id.desc()).limit(1)).one()
        visit.advance(VisitState.DONE, occurred_at=NOW, now=NOW, actor="test")
        who = session.scalars(select(Technician).where(Technician.name == name)).one()
        if visit.stop is not None and visit.stop.technician_id != who.id:
            visit.preferred_technician_id = who.id  # whom this customer asked for then

    services.db.run(finish)
    return link


def again(walker: Walker, link: str) -> None:
    """The customer comes back by the link and goes as far as the windows of Wednesday."""
    walker.open(link)
    walker.send(url=f"{link}/again")
    walker.send()
    walker.open(f"/book/{walker.draft}/time?day={DAY}")


def test_a_new_customer_knows_nobody(walker: Walker) -> None:
    """No name is told to somebody who has proved nothing."""
    walker.to_time(DAY)
    assert "knows your place" not in walker.page.text
    assert "Edda" not in walker.page.html


def test_who_comes_back_is_asked_and_gets_them(walker: Walker, services: Services) -> None:
    """The address and the contact are there; the chosen technician is planned and kept as preferred."""
    again(walker, done_by(walker, services))
    assert "Edda Expert knows your place." in walker.page.text
    (same,) = [href for href in walker.page.links if "technician=same" in href and "windows" not in href][:1]
    walker.open(same)
    assert "Times with Edda Expert only." in walker.page.text
    walker.pick_window()
    assert walker.page.fields["name"] == "Rosa Whitfield"
    walker.confirm()
    with services.db.reading() as session:
        visit = session.scalars(select(Visit).order_by(Visit.id.desc()).limit(1)).one()
        edda = session.scalars(select(Technician.id).where(Technician.name == "Edda Expert")).one()
        assert visit.preferred_technician_id == edda
        assert visit.stop is not None
        assert visit.stop.technician_id == edda


def test_only_their_windows_are_shown_and_booked(walker: Walker, services: Services) -> None:
    """While they are with somebody else the window is not theirs, though a colleague has time."""
    link = done_by(walker, services)
    taken = window(WEDNESDAY, 12, 14)
    for _ in range(2):
        easy_visit(services, taken)
    again(walker, link)
    everybody = set(walker.page.options["window"])
    walker.open(f"/book/{walker.draft}/time?day={DAY}&technician=same")
    theirs = set(walker.page.options["window"])
    assert taken.starts_at.isoformat() in everybody - theirs
    walker.send(window=taken.starts_at.isoformat())
    assert walker.status == 409
    assert "That time was just taken" in walker.page.text
    walker.open(f"/book/{walker.draft}/time?day={DAY}&technician=any")
    walker.send(window=taken.starts_at.isoformat())
    assert walker.url.endswith("/confirm")
    page = walker.client.get(f"/book/{walker.draft}/missing-windows?day={DAY}&technician=same").text
    assert "Edda Expert has no time then." in page


def test_the_planner_respects_the_wish(walker: Walker, services: Services) -> None:
    """In every search the visit costs ten minutes of driving more with anybody else."""
    again(walker, done_by(walker, services))
    walker.open(f"/book/{walker.draft}/time?day={DAY}&technician=same")
    walker.pick_window()
    walker.confirm()
    with services.db.reading() as session:
        visit = session.scalars(select(Visit).order_by(Visit.id.desc()).limit(1)).one()
        rows = load_day(session, visit.territory, WEDNESDAY, now=NOW)
        planned = build(rows, table_of(services.tables, rows)).problem.visit_by_id[visit_id(visit)]
        assert visit.preferred_technician_id is not None
        wanted = shift_id(visit.preferred_technician_id)
    assert planned.preferred_technicians == {wanted: PREFERRED_TECHNICIAN_S}
    assert planned.technicians is None  # who falls ill does not take the promise with them


def test_another_time_with_the_same(walker: Walker, services: Services) -> None:
    """The wish stays with the visit when it moves, until the customer takes anybody."""
    again(walker, done_by(walker, services))
    walker.open(f"/book/{walker.draft}/time?day={DAY}&technician=same")
    walker.pick_window()
    walker.confirm()
    link = walker.url.removesuffix("/booked")
    walker.open(f"{link}/time?day=2026-03-05")
    assert "Times with Edda Expert only." in walker.page.text
    walker.pick_window()
    with services.db.reading() as session:
        visit = session.scalars(select(Visit).order_by(Visit.id.desc()).limit(1)).one()
    assert who_comes(services, visit.id) == "Edda Expert"
    walker.open(f"{link}/time?day=2026-03-05&technician=any")
    walker.send(window=walker.page.options["window"][-1])
    with services.db.reading() as session:
        assert session.get_one(Visit, visit.id).preferred_technician_id is None


def test_who_left_is_not_offered(walker: Walker, services: Services) -> None:
    """A technician who no longer works is not asked for, and an absent one has no time on that day."""
    link = done_by(walker, services)
    away = window(WEDNESDAY, 0, 23)

    def absent(session: Session) -> None:
        edda = session.scalars(select(Technician).where(Technician.name == "Edda Expert")).one()
        make_absence(session, edda, away.starts_at, away.ends_at + timedelta(hours=1))

    services.db.run(absent)
    again(walker, link)
    walker.open(f"/book/{walker.draft}/time?day={DAY}&technician=same")
    assert "Thursday, Mar 5" in walker.page.text
    assert "Wednesday, Mar 4" not in walker.page.text

    def leaves(session: Session) -> None:
        edda = session.scalars(select(Technician).where(Technician.name == "Edda Expert")).one()
        edda.active = False

    services.db.run(leaves)
    walker.open(f"/book/{walker.draft}/time?day={DAY}&technician=same")
    assert "Edda" not in walker.page.text
    assert walker.page.options["window"]


def test_nonsense_about_the_technician_is_passed_over(walker: Walker, services: Services) -> None:
    """What the address says is `same`, `any` or nothing."""
    again(walker, done_by(walker, services))
    walker.open(f"/book/{walker.draft}/time?day={DAY}&technician=17")
    assert walker.status == 200
    assert "Edda Expert knows your place." in walker.page.text
