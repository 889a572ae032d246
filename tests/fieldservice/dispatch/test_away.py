"""A technician falls out on a running day: sick, or with a van that does not start."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import select
from time_machine import Traveller

from fieldservice.dispatch import absences
from fieldservice.models import (
    Absence,
    AuditEntry,
    Job,
    JobState,
    MessageState,
    OutboxMessage,
    Pin,
    Technician,
    Visit,
    VisitState,
)
from fieldservice.planning.jobs import Work, run_next_job
from fieldservice.web import Services
from tests.factories import NOW, TODAY, near, window
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, found_in, words_of
from tests.fieldservice.dispatch.test_proposals import ACCEPT, DISCARD, UNDO

END = r'action="(/board/[-\d]+/absences/\d+/end[^"]*)"'


def path(technician: Technician, what: str = "sick") -> str:
    """The address of a technician's trouble today."""
    return f"{BOARD}/technicians/{technician.id}/{what}"


def mend(work: Work) -> None:
    """What the worker does."""
    assert run_next_job(work, owner="test")


def told(dispatcher: Dispatcher) -> set[tuple[str, str, str]]:
    """First name, kind and channel of what is to be sent about changes of the plan."""
    with dispatcher.db.reading() as session:
        rows = session.execute(
            select(OutboxMessage, Visit)
            .join(Visit, Visit.id == OutboxMessage.visit_id)
            .where(OutboxMessage.kind.in_(["technician", "ask"]))
            .where(OutboxMessage.state == MessageState.PENDING)
        )
        return {
            (visit.work_order.customer.name.split()[0], message.kind, message.channel)
            for message, visit in rows
        }


def test_sick_accept_undo(dana: Dispatcher, work: Work) -> None:
    """Three posts to an accepted plan; just those who know who comes are told; Undo brings all back."""
    dana.post(f"{BOARD}/dispatch")
    before = dana.stops()
    assert "Off sick from now" in words_of(dana.get())
    assert dana.post(path(dana.scene.ana)).status_code == 303
    page = words_of(dana.get())
    assert "Ana Reyes is off sick. A plan for 2 visits is on its way." in page
    assert "1 off sick" in page
    mend(work)
    page = dana.get()
    assert "Ana Reyes off sick: plan for 2 visits" in words_of(page)
    assert "2 / 2 of these kept" in words_of(page)
    assert "Ana Reyes is off sick. Inside 1 pm – 3 pm." in words_of(page)
    assert dana.stops() == before
    assert told(dana) == set()
    assert dana.post(found_in(page, ACCEPT)).status_code == 303
    after = dana.stops()
    assert {name: stop[0] for name, stop in after.items()} == dict.fromkeys(
        ("Ida", "Joe", "Kim", "Lea"), "Ben"
    )
    both = ("email", "sms")
    assert told(dana) == {(name, "technician", channel) for name in ("Ida", "Joe") for channel in both}
    board = dana.get()
    assert "2 customers are told." in words_of(board)
    assert dana.post(found_in(board, UNDO)).status_code == 303
    assert dana.stops() == before
    assert told(dana) == set()
    page = words_of(dana.get())
    assert "off sick" not in page.replace("Off sick from", "")


def test_nobody_is_told_who_does_not_know(dana: Dispatcher, work: Work) -> None:
    """Before the day is sent out no customer was told a name, so none is told of another one."""
    dana.post(path(dana.scene.ana))
    mend(work)
    dana.post(found_in(dana.get(), ACCEPT))
    assert dana.stops()["Ida"][0] == "Ben"
    assert told(dana) == set()


def test_what_was_told_is_corrected(
    dana: Dispatcher, work: Work, services: Services, clock_at_now: Traveller
) -> None:
    """When the messages are out, Undo writes to the same customers that the first one comes after all."""
    dana.post(f"{BOARD}/dispatch")
    dana.post(path(dana.scene.ana))
    mend(work)
    dana.post(found_in(dana.get(), ACCEPT))
    with services.db.transaction() as session:
        for message in session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "technician")):
            message.state = MessageState.SENT
    clock_at_now.move_to(NOW + timedelta(minutes=1))
    dana.post(found_in(dana.get(), UNDO))
    assert {name for name, *_ in told(dana)} == {"Ida", "Joe"}
    assert "2 customers are told again." in words_of(dana.get())


def test_those_without_a_place_are_asked(dana: Dispatcher, work: Work, services: Services) -> None:
    """Nobody else can heat: the visits come first, and Accept asks their customers, with windows."""
    for technician in (dana.scene.ana, dana.scene.ben):
        dana.post(path(technician))
    with services.db.reading() as session:
        jobs = session.scalars(select(Job).order_by(Job.id)).all()
        assert [job.state for job in jobs] == [JobState.CANCELLED, JobState.QUEUED]
    mend(work)
    page = dana.get()
    panel = words_of(page).split("Plan for 3 visits")[1]
    assert "0 / 3 of these kept" in panel
    assert "Ana Reyes is off sick. Nobody else can keep 10 am – 12 pm." in panel
    assert "The customer is offered Tue, Mar 3, 8 am – 10 am or Tue, Mar 3," in panel
    dana.post(found_in(page, ACCEPT))
    assert dana.stops() == {}
    assert {(name, kind) for name, kind, _ in told(dana)} == {(name, "ask") for name in ("Ida", "Joe", "Kim")}
    with services.db.reading() as session:
        visit = session.get_one(Visit, dana.scene.ids["Ida"])
        payload = next(message.payload for message in visit.messages if message.kind == "ask")
        assert len(payload["choices"]) == 2
        assert visit.window == window(TODAY, 10, 12)  # the promise stands until the customer picks another


def test_two_who_report_the_same(dana: Dispatcher, omar: Dispatcher, services: Services) -> None:
    """The second is told that somebody was quicker; there is one absence and one search."""
    assert dana.post(path(dana.scene.ana)).status_code == 303
    assert omar.post(path(dana.scene.ana)).status_code == 409
    with services.db.reading() as session:
        assert len(session.scalars(select(Absence)).all()) == 1
        assert len(session.scalars(select(Job)).all()) == 1


def test_without_the_look_both_would_be_stored(
    dana: Dispatcher, omar: Dispatcher, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positive control: when the second does not look for what the first reported, it is stored twice."""
    monkeypatch.setattr(absences, "_is_known", lambda *_: False)
    for dispatcher in (dana, omar):
        dispatcher.post(path(dana.scene.ana))
    with services.db.reading() as session:
        assert len(session.scalars(select(Absence)).all()) == 2


def test_back_at_work(dana: Dispatcher, work: Work, services: Services) -> None:
    """The absence ends, the plan that was made for it is closed, and the history says who did both."""
    dana.post(path(dana.scene.ana))
    mend(work)
    page = dana.get()
    assert dana.post(found_in(page, END)).status_code == 303
    assert "Ana Reyes is back at work." in words_of(dana.get())
    assert dana.post(found_in(page, ACCEPT)).status_code == 409
    with services.db.reading() as session:
        assert session.scalars(select(Absence)).all() == []
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "technician"))
        assert actions.all() == ["absence", "back_at_work"]


def test_discard_keeps_the_absence(dana: Dispatcher, work: Work) -> None:
    """Without the plan the visits stay on the row, struck out, until somebody does something."""
    dana.post(path(dana.scene.ana))
    mend(work)
    dana.post(found_in(dana.get(), DISCARD))
    assert dana.stops()["Ida"] == ("Ana", "10:00")
    assert words_of(dana.get()).count("needs another technician") == 2


def test_from_a_time(dana: Dispatcher, work: Work) -> None:
    """From noon on: the morning's visit stays. A time that is over, and an end before it, are refused."""
    for form in ({"start": "07:00"}, {"start": "12:00", "until": "2026-03-01"}, {"until": "2027-03-01"}):
        answer = dana.post(path(dana.scene.ana), **form)
        assert answer.status_code == 422
        assert "Choose a time from now on" in words_of(answer)
    assert "is off sick" in words_of(dana.get(path(dana.scene.ana)))
    assert dana.post(path(dana.scene.ana), start="12:00", until="2026-03-04").status_code == 303
    mend(work)
    dana.post(found_in(dana.get(), ACCEPT))
    assert dana.stops()["Ida"] == ("Ana", "10:00")
    assert dana.stops()["Joe"][0] == "Ben"


def test_a_pin_does_not_hold_what_cannot_be(dana: Dispatcher, work: Work, services: Services) -> None:
    """A visit that was pinned to the sick technician moves; Undo brings the pin back."""
    dana.move("Joe", dana.scene.ana, "13:30")
    dana.post(path(dana.scene.ana))
    mend(work)
    dana.post(found_in(dana.get(), ACCEPT))
    assert dana.stops()["Joe"][0] == "Ben"
    with services.db.reading() as session:
        assert session.scalars(select(Pin)).all() == []
    dana.post(found_in(dana.get(), UNDO))
    assert dana.stops()["Joe"] == ("Ana", "13:30")
    with services.db.reading() as session:
        assert [pin.visit_id for pin in session.scalars(select(Pin))] == [dana.scene.ids["Joe"]]


def at(services: Services, hour: int, minute: int = 0) -> tuple[datetime, Work]:
    """A time of the day, and a worker who lives then."""
    instant = datetime.combine(TODAY, time(hour, minute), NOW.tzinfo) + timedelta(hours=5)
    return instant, Work(services.db, services.tables, 0.3, lambda: instant)


def advance(services: Services, dispatcher: Dispatcher, name: str, state: VisitState, now: datetime) -> None:
    """A tap of the technician."""
    with services.db.transaction() as session:
        visit = session.get_one(Visit, dispatcher.scene.ids[name])
        visit.advance(state, occurred_at=now, now=now, actor="technician")


def test_the_van_does_not_start(dana: Dispatcher, services: Services, clock_at_now: Traveller) -> None:
    """What is in progress goes on; what falls into the two hours is lost, what comes later stays."""
    with services.db.transaction() as session:
        book(
            session,
            dana.scene,
            "Pia",
            at=near(400),
            technician=dana.scene.ana,
            starts=time(11, 30),
            promised=window(TODAY, 11, 13),
        )
    now, work = at(services, 10, 30)
    advance(services, dana, "Ida", VisitState.ON_SITE, now - timedelta(minutes=20))
    clock_at_now.move_to(now)
    assert "The visit in progress goes on." in words_of(dana.get(path(dana.scene.ana, "vehicle")))
    assert dana.post(path(dana.scene.ana, "vehicle"), hours="7").status_code == 422
    assert dana.post(path(dana.scene.ana, "vehicle"), hours="2").status_code == 303
    assert "Ana Reyes cannot drive. A plan for 1 visit is on its way." in words_of(dana.get())
    mend(work)
    page = dana.get()
    assert "Ana Reyes cannot drive: plan for 1 visit" in words_of(page)
    dana.post(found_in(page, ACCEPT))
    stops = dana.stops()
    assert stops["Ida"][0] == "Ana"
    assert stops["Joe"][0] == "Ana"
    assert stops["Pia"] != ("Ana", "11:30")
    with services.db.reading() as session:
        [absence] = session.scalars(select(Absence)).all()
        assert absence.starts_at == now + timedelta(minutes=40)
        assert abs(absence.ends_at - now - timedelta(hours=2)) < timedelta(minutes=1)


def test_a_short_trouble_beside_a_long_visit(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """The van is repaired before the visit in progress ends: nothing is stored, and the page says so."""
    now, _ = at(services, 10, 0)
    advance(services, dana, "Ida", VisitState.ON_SITE, now)
    clock_at_now.move_to(now - timedelta(minutes=1))
    answer = dana.post(path(dana.scene.ana, "vehicle"), hours="1")
    assert answer.status_code == 422
    assert "The visit in progress takes longer than that." in words_of(answer)


def test_a_way_that_was_begun_is_taken_back(
    dana: Dispatcher, services: Services, clock_at_now: Traveller
) -> None:
    """Who falls sick on the way to a customer does not arrive: the visit can go to somebody else."""
    now, work = at(services, 9, 50)
    advance(services, dana, "Ida", VisitState.EN_ROUTE, now)
    clock_at_now.move_to(now)
    dana.post(path(dana.scene.ana))
    assert dana.visit("Ida").state == VisitState.BOOKED
    mend(work)
    dana.post(found_in(dana.get(), ACCEPT))
    assert dana.stops()["Ida"][0] == "Ben"
