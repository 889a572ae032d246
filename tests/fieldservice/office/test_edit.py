"""Services and accounts as the office changes them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth import sessions
from fieldservice.db import Database
from fieldservice.models import (
    AuditEntry,
    Branch,
    Conversation,
    OfficeTask,
    Service,
    Skill,
    Territory,
    User,
    UserRole,
    Visit,
    VisitState,
)
from tests.factories import NOW, add, make_company, make_site, make_visit, make_work_order
from tests.fieldservice.office.owner import Owner
from tests.signing_in import make_user, signed_in


@pytest.fixture
def number(db: Database) -> int:
    """A service that can be booked."""
    return db.run(lambda session: make_company(session, 1).service.id)


def service(db: Database, number: int) -> Service:
    """The service as stored."""
    with db.reading() as session:
        found = session.get_one(Service, number)
        _ = [needed.skill for needed in found.skills]
        return found


def changes(db: Database, kind: str) -> list[dict[str, object]]:
    """What the audit trail says of a kind of row, oldest first."""
    with db.reading() as session:
        query = select(AuditEntry).where(AuditEntry.subject_kind == kind, AuditEntry.actor != "test")
        return [entry.detail for entry in session.scalars(query.order_by(AuditEntry.id))]


def test_the_figures_of_a_service(owner: Owner, db: Database, number: int) -> None:
    """Minutes and hours become durations; saving without a change writes nothing."""
    owner.send(f"/office/services/{number}", 303)
    assert changes(db, "service") == []
    owner.send(
        f"/office/services/{number}",
        303,
        duration="75",
        lead_time="4",
        max_per_day="6",
        working_days=["0", "2"],
        late_fee="$45 for the trip",
    )
    kept = service(db, number)
    assert (kept.duration, kept.lead_time) == (timedelta(minutes=75), timedelta(hours=4))
    assert (kept.max_per_day, kept.working_days, kept.late_fee) == (6, "02", "$45 for the trip")
    [detail] = changes(db, "service")
    assert detail["after"]["duration"] == 75  # type: ignore[index]
    owner.send(f"/office/services/{number}", 303, max_per_day="")
    assert service(db, number).max_per_day is None


def test_skills_of_a_service(owner: Owner, db: Database, number: int) -> None:
    """A level for each; an empty field takes the skill away."""

    def make(session: Session) -> int:
        skill = Skill(code="gas", name="Gas")
        session.add(skill)
        session.flush()
        return skill.id

    skill = db.run(make)
    owner.send(f"/office/services/{number}", 303, **{f"skill_{skill}": "2"})
    assert service(db, number).required_skills()["gas"] == 2
    owner.send(f"/office/services/{number}", 303, **{f"skill_{skill}": ""})
    assert "gas" not in service(db, number).required_skills()


def test_a_new_service_can_be_booked(owner: Owner, db: Database, number: int) -> None:
    """It stands on the first booking page; its code is there once."""
    fields = {"code": "chimney", "name": "Chimney sweep", "place": "on_site"}
    owner.send("/office/services/new", 303, **fields)
    assert "Chimney sweep" in owner.open("/book").text
    assert "Another service has this code" in owner.send("/office/services/new", 422, **fields).text


def test_what_a_service_cannot_be(owner: Owner, db: Database, number: int) -> None:
    """Each fault is named at its field."""
    for fields, words in (
        ({"duration": "0"}, "from 1 to 1440"),
        ({"duration": "an hour"}, "whole number"),
        ({"horizon_days": "9" * 30}, "whole number"),
        ({"working_days": []}, "Choose at least one day"),
        ({"place": "at_branch"}, "Choose the branch"),
        ({"crew": "4"}, "from 1 to 3"),
        ({"call_link": "javascript:alert(1)"}, "begins with https://"),
        ({"name": "\u202e"}, "Use letters"),
    ):
        assert words in owner.send(f"/office/services/{number}", 422, **fields).text, fields
    assert changes(db, "service") == []


def book(db: Database, number: int) -> int:
    """A visit of a service that is not over."""

    def work(session: Session) -> int:
        area = session.scalars(select(Territory)).one()
        site = make_site(session, territory=area)
        order = make_work_order(session, site=site, service=session.get_one(Service, number))
        return make_visit(session, territory=area, work_order=order).id

    return db.run(work)


def test_what_booked_visits_share_with_their_service(owner: Owner, db: Database, number: int) -> None:
    """Cut-offs and skills are asked about first; where it happens stays until the last visit is over."""
    book(db, number)
    mine = f"/office/services/{number}"
    before = service(db, number).cancel_cutoff
    assert "1 visit that is booked" in owner.send(mine, 422, cancel_cutoff="48").text
    assert service(db, number).cancel_cutoff == before
    owner.send(mine, 303, cancel_cutoff="48", sure="y")
    assert service(db, number).cancel_cutoff == timedelta(hours=48)
    assert "where the service does" in owner.send(mine, 422, place="remote", sure="y").text
    owner.send(mine, 303, duration="90")


def test_an_account_from_its_first_day_to_its_last(owner: Owner, db: Database) -> None:
    """Made, promoted, closed and opened: signed out at once, and the trail has no secrets."""
    fields = {
        "name": "Dan Desk",
        "email": "dan@example.com",
        "role": "dispatcher",
        "password": "a-good-long-one",
    }
    owner.send("/office/accounts/new", 303, **fields)
    with db.reading() as session:
        dan = session.scalars(select(User).where(User.email == "dan@example.com")).one()
    browser = signed_in(owner.client.application, db, dan)
    assert browser.get("/board/", follow_redirects=True).status_code == 200
    owner.send(f"/office/accounts/{dan.id}", 303, role="admin")
    assert browser.get("/office/technicians").status_code == 200
    owner.send(f"/office/accounts/{dan.id}", 303, active=None)
    assert browser.get("/office/technicians").status_code == 302
    owner.send(f"/office/accounts/{dan.id}", 303, active="y", password="another-long-one")
    said = str(changes(db, "user"))
    assert "another-long-one" not in said
    assert "a-good-long-one" not in said
    assert "Somebody else signs in" in owner.send("/office/accounts/new", 422, **fields).text
    assert "at least 8" in owner.send(f"/office/accounts/{dan.id}", 422, password="short").text


def test_one_lost_browser_is_signed_out(owner: Owner, db: Database) -> None:
    """The other one stays signed in, and a login of somebody else is not ended by this one's page."""
    dan = db.run(lambda session: make_user(session, UserRole.DISPATCHER))
    kept, lost = (signed_in(owner.client.application, db, dan) for _ in range(2))
    mine = f"/office/accounts/{dan.id}"
    with db.reading() as session:
        logins = {each.id for each in sessions.lasting(session, dan.id, now=NOW)}
        [other] = [each.id for each in sessions.lasting(session, owner.user.id, now=NOW)]
    owner.post(f"{mine}/logins/{max(logins)}/end", 303)
    owner.post(f"{mine}/logins/{other}/end", 303)
    assert lost.get("/board/").location.startswith("/login")
    assert "/login" not in (kept.get("/board/").location or "")
    assert owner.open(mine).html.count("/logins/") == 1


@pytest.mark.parametrize("gone", [{"active": None}, {"role": "technician"}])
def test_who_leaves_the_office_owns_nothing(owner: Owner, db: Database, gone: dict[str, object]) -> None:
    """Open tasks and conversations are nobody's; what was done stays theirs, and so does all of somebody who
    only changes within the office."""

    def work(session: Session) -> int:
        dan, visit = make_user(session), make_visit(session)
        add(session, Conversation(visit=visit, owner=dan, last_at=NOW))
        for done_at in (None, NOW):
            told = {"visit_id": visit.id, "owner_id": dan.id, "created_at": NOW, "done_at": done_at}
            add(session, OfficeTask(kind="complaint", **told))
        return dan.id

    def owned() -> list[int | None]:
        with db.reading() as session:
            tasks = session.scalars(select(OfficeTask.owner_id).order_by(OfficeTask.id)).all()
            return [*tasks, *session.scalars(select(Conversation.owner_id))]

    number = db.run(work)
    owner.send(f"/office/accounts/{number}", 303, role="admin", name="Dan Desk")
    assert owned() == [number] * 3
    owner.send(f"/office/accounts/{number}", 303, **gone)
    assert owned() == [None, number, None]


def test_somebody_always_administers(owner: Owner, db: Database) -> None:
    """The last administrator can neither be closed nor become something else."""
    mine = f"/office/accounts/{owner.user.id}"
    for fields in ({"active": None}, {"role": "dispatcher"}):
        assert "Nobody could administer" in owner.send(mine, 422, **fields).text
    db.run(lambda session: make_user(session, UserRole.ADMIN))
    owner.send(mine, 303, role="dispatcher")
    with db.reading() as session:
        assert session.get_one(User, owner.user.id).role == UserRole.DISPATCHER


def test_an_area_moves_and_gets_a_branch(owner: Owner, db: Database, number: int) -> None:
    """Its time zone stays; a branch stands on its page and can be chosen for a service."""
    with db.reading() as session:
        area = session.scalars(select(Territory)).one()
        zone, mine = area.time_zone, f"/office/areas/{area.id}"
    owner.send(mine, 303, territory="The valley", radius_km="40", working_days=["0", "1"], time_zone="UTC")
    with db.reading() as session:
        area = session.scalars(select(Territory)).one()
        assert (area.name, area.radius_m, area.working_days) == ("The valley", 40_000, "01")
        assert area.time_zone == zone
    old = owner.form(mine).to_dict()
    owner.send(mine, 303, radius_km="35")
    assert "Somebody else changed this meanwhile" in owner.post(mine, 422, **{**old, "radius_km": "20"}).text
    moved = {"address": "", "latitude": "39.25", "longitude": "-76.5"}
    owner.send(mine, 303, **moved)
    with db.reading() as session:
        area = session.scalars(select(Territory)).one()
        assert (area.radius_m, area.centre_lat, area.centre_lon) == (35_000, 39.25, -76.5)
    fields = {"branch": "Workshop", "address": "Mill Lane 1", "latitude": "39.2", "longitude": "-76.6"}
    owner.post(f"{mine}/branches", 303, **fields)
    assert "Workshop" in owner.open(mine).text
    assert "Enter a name" in owner.post(f"{mine}/branches", 422, **{**fields, "branch": ""}).text
    with db.reading() as session:
        branch = str(session.scalars(select(Branch)).one().id)
    owner.send(f"/office/services/{number}", 303, place="at_branch", branch=branch)
    assert service(db, number).branch_id == int(branch)


def test_an_area_is_closed_when_its_visits_are_over(owner: Owner, db: Database, number: int) -> None:
    """A visit that is promised would be forgotten in an area that nobody looks at."""
    visit = book(db, number)
    with db.reading() as session:
        mine = f"/office/areas/{session.scalars(select(Territory)).one().id}"
    assert "not over yet" in owner.send(mine, 422, active=None).text

    def cancel(session: Session) -> None:
        session.get_one(Visit, visit).advance(VisitState.CANCELLED, occurred_at=NOW, now=NOW, actor="test")

    db.run(cancel)
    owner.send(mine, 303, active=None)
    with db.reading() as session:
        assert not session.scalars(select(Territory)).one().active


def test_a_second_area(owner: Owner, db: Database, number: int) -> None:
    """With a zone of its own; no two have the same name."""
    fields = {"territory": "Far away", "time_zone": "Asia/Kathmandu", "latitude": "27.7", "longitude": "85.3"}
    owner.send("/office/areas/new", 303, **fields)
    with db.reading() as session:
        assert session.scalars(select(Territory).where(Territory.name == "Far away")).one().active
    assert "with this name already" in owner.send("/office/areas/new", 422, **fields).text
    assert "Choose a time zone" in owner.send("/office/areas/new", 422, territory="Third", time_zone="").text
