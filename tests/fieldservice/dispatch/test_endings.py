"""A customer cancels, nobody was there, somebody has time to spare, and two exchange their visits."""

from __future__ import annotations

from datetime import time, timedelta

from sqlalchemy import select
from time_machine import Traveller

from fieldservice.models import OfficeTask, OutboxMessage, Visit, VisitState
from fieldservice.web import Services
from tests.factories import TODAY, near, window
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, found_in, words_of
from tests.fieldservice.dispatch.test_away import advance, at, told
from tests.fieldservice.dispatch.test_proposals import UNDO
from tests.fieldservice.dispatch.test_urgent import path


def kinds(services: Services, visit_id: int) -> set[str]:
    """The kinds of messages that wait to be sent about a visit."""
    with services.db.reading() as session:
        waiting = select(OutboxMessage.kind).where(
            OutboxMessage.visit_id == visit_id, OutboxMessage.state == "pending"
        )
        return set(session.scalars(waiting))


def test_a_customer_cancels(dana: Dispatcher, omar: Dispatcher, services: Services) -> None:
    """The page says until when it was free; the place is given back, the customer told, the reason kept."""
    page = words_of(dana.get(path(dana, "Kim", "cancel")))
    assert "Kim Park" in page
    assert "cancel" in page
    assert dana.post(path(dana, "Kim", "cancel"), reason="Moved away").status_code == 303
    assert "Kim" not in dana.stops()
    assert dana.visit("Kim").state == VisitState.CANCELLED
    assert kinds(services, dana.scene.ids["Kim"]) == {"cancelled"}
    with services.db.reading() as session:
        events = session.get_one(Visit, dana.scene.ids["Kim"]).events
        assert events[-1].payload == {"reason": "Moved away"}
        assert events[-1].actor.startswith("user:")
    assert omar.post(path(omar, "Kim", "cancel")).status_code == 409
    assert "cannot be cancelled" in words_of(dana.get(path(dana, "Kim", "cancel")))


def test_the_office_decides_about_the_fee(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """Before the cut-off nothing is owed; after it the office charges the fee, or lets the customer off."""
    for name in ("Kim", "Ida", "Joe"):
        with services.db.transaction() as session:
            visit = session.get_one(Visit, dana.scene.ids[name])
            visit.late_fee, visit.free_until = "$49", visit.window_starts_at - timedelta(minutes=30)  # type: ignore[operator]
    assert "then: $49" in words_of(dana.get(f"{BOARD}?visit={dana.scene.ids['Kim']}"))
    page = words_of(dana.get(path(dana, "Kim", "cancel")))
    assert "After that it costs: $49." in page
    assert "The customer pays it" not in page
    assert dana.post(path(dana, "Kim", "cancel"), charge="y").status_code == 303
    assert dana.visit("Kim").fee_due == ""
    for name, charge, owed in (("Ida", {"charge": "y"}, "$49"), ("Joe", {}, "")):
        with services.db.reading() as session:
            free = session.get_one(Visit, dana.scene.ids[name]).free_until
        assert free is not None
        clock_at_now.move_to(free + timedelta(seconds=1))
        page = words_of(dana.get(path(dana, name, "cancel")))
        assert "Now it costs: $49." in page
        assert "The customer pays it" in page
        assert dana.post(path(dana, name, "cancel"), **charge).status_code == 303
        assert dana.visit(name).fee_due == owed
    found = words_of(dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}"))
    assert "which costs the customer: $49." in found


def test_nobody_was_there(
    dana: Dispatcher, omar: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """Before the window begins nobody can be missed; then the visit ends and the work waits once more."""
    assert "whose window has begun" in words_of(dana.get(path(dana, "Ida", "missed")))
    assert dana.post(path(dana, "Ida", "missed"), again="yes").status_code == 409
    now, _ = at(services, 10, 20)
    advance(services, dana, "Ida", VisitState.ON_SITE, now - timedelta(minutes=15))
    clock_at_now.move_to(now)
    assert dana.post(path(dana, "Ida", "missed"), again="maybe").status_code == 422
    answer = dana.post(path(dana, "Ida", "missed"), again="yes")
    assert answer.status_code == 303
    assert omar.post(path(omar, "Ida", "missed"), again="yes").status_code == 409
    assert dana.visit("Ida").state == VisitState.NO_SHOW
    assert kinds(services, dana.scene.ids["Ida"]) == {"missed"}
    with services.db.reading() as session:
        [more] = session.scalars(select(Visit).where(Visit.id > max(dana.scene.ids.values())))
        assert more.work_order_id == session.get_one(Visit, dana.scene.ids["Ida"]).work_order_id
        assert more.state == VisitState.REQUESTED
        assert more.links
        tasks = session.scalars(select(OfficeTask.kind).where(OfficeTask.visit_id == more.id)).all()
        assert tasks == ["find_time"]
    assert words_of(dana.get(answer.headers["Location"])).count("Ida Park") >= 2


def test_nobody_was_there_and_that_is_all(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """The work may end with it: no second visit; the rest of the route is timed anew."""
    now, _ = at(services, 11, 0)
    clock_at_now.move_to(now)
    assert dana.post(path(dana, "Kim", "missed"), again="no").status_code == 303
    with services.db.reading() as session:
        assert len(session.scalars(select(Visit)).all()) == len(dana.scene.ids)


def test_somebody_has_time(dana: Dispatcher, services: Services, clock_at_now: Traveller) -> None:
    """Ben could take Lea, who waits, and Joe from Ana; what is pinned stays; one click gives it to him."""
    now, _ = at(services, 12, 30)
    for name in ("Ida", "Kim"):
        advance(services, dana, name, VisitState.DONE, now - timedelta(hours=1))
    clock_at_now.move_to(now)
    spare = f"{BOARD}/technicians/{dana.scene.ben.id}/spare"
    page = words_of(dana.get(spare))
    assert page.index("Lea Park Unassigned") < page.index("Joe Park")
    assert "Ana Reyes 1:00 pm → Ben Okafor" in page
    assert dana.move("Joe", dana.scene.ben).status_code == 303
    assert dana.stops()["Joe"][0] == "Ben"
    page = words_of(dana.get(f"{BOARD}/technicians/{dana.scene.ana.id}/spare"))
    assert "Joe Park" not in page
    carl = f"{BOARD}/technicians/{dana.scene.carl.id}/spare"
    assert "Nothing that has not begun fits here." in words_of(dana.get(carl))


def test_time_that_is_too_short(dana: Dispatcher, services: Services, clock_at_now: Traveller) -> None:
    """Positive control: what cannot be kept is not offered; in a longer window it is."""
    with services.db.transaction() as session:
        book(
            session,
            dana.scene,
            "Amy",
            at=near(100),
            technician=dana.scene.ana,
            starts=time(9),
            promised=window(TODAY, 9, 10),
        )
        full = window(TODAY, 9, 10)
        book(
            session, dana.scene, "Bob", at=near(100), technician=dana.scene.ben, starts=time(9), promised=full
        )
    spare = f"{BOARD}/technicians/{dana.scene.ben.id}/spare"
    now, _ = at(services, 9, 30)
    advance(services, dana, "Bob", VisitState.ON_SITE, now)
    clock_at_now.move_to(now)
    assert "Amy Park" not in words_of(dana.get(spare))
    with services.db.transaction() as session:
        amy = session.get_one(Visit, dana.scene.ids["Amy"])
        amy.window_ends_at = window(TODAY, 9, 16).ends_at
    assert "Amy Park" in words_of(dana.get(spare))


def test_two_exchange_their_visits(dana: Dispatcher, omar: Dispatcher) -> None:
    """What breaks nothing is one click, a missing skill refuses; pins move aside and Undo brings all back."""
    dana.move("Kim", dana.scene.ben, "10:30")
    dana.post(f"{BOARD}/dispatch")
    before, version = dana.stops(), dana.version()
    swap = f"{BOARD}/technicians/{dana.scene.ana.id}/swap"
    page = words_of(dana.get(swap))
    assert "Ben Okafor Breaks nothing 3 visits change their technician." in page
    assert "Needs Heating level 1, has none." in page
    assert "with Carl Moss" not in page
    assert dana.post(swap, other=dana.scene.carl.id, plan_version=version).status_code == 422
    assert dana.stops() == before
    assert dana.post(swap, other=dana.scene.ben.id, plan_version=version).status_code == 303
    assert omar.post(swap, other=dana.scene.ben.id, plan_version=version).status_code == 409
    assert {name: stop[0] for name, stop in dana.stops().items()} == {
        "Ida": "Ben",
        "Joe": "Ben",
        "Kim": "Ana",
    }
    assert {name for name, kind, _ in told(dana) if kind == "technician"} == {"Ida", "Joe", "Kim"}
    board = dana.get()
    assert "Ana Reyes and Ben Okafor have exchanged their visits." in words_of(board)
    assert dana.post(found_in(board, UNDO)).status_code == 303
    assert dana.stops() == before
    assert told(dana) == set()
    assert dana.visit("Kim").pin is not None
