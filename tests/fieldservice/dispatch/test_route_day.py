"""A whole route goes to another day in one change: checked, promised anew, told, and taken back."""

from __future__ import annotations

from datetime import date, time, timedelta

from sqlalchemy import select

from fieldservice.models import MessageState, OutboxMessage, Stop, Visit, VisitState
from fieldservice.web import Services
from tests.factories import NOW, TODAY, TOMORROW, make_absence, make_override, near, window
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, found_in, words_of
from tests.fieldservice.dispatch.test_why import REDO, UNDO


def path(dispatcher: Dispatcher) -> str:
    """Where Ana's route is moved."""
    return f"{BOARD}/technicians/{dispatcher.scene.ana.id}/another-day"


def move(dispatcher: Dispatcher, to: date = TOMORROW, **form: object):
    """Move Ana's route."""
    fields = {"to": to.isoformat(), "plan_version": dispatcher.version()} | form
    return dispatcher.post(path(dispatcher), **fields)


def days(dispatcher: Dispatcher) -> dict[str, tuple[date, str, str]]:
    """First name -> day, technician and start of every visit with a stop."""
    zone = dispatcher.scene.territory.zone
    with dispatcher.db.reading() as session:
        return {
            stop.visit.work_order.customer.name.split()[0]: (
                stop.starts_at.astimezone(zone).date(),
                stop.technician.name.split()[0],
                f"{stop.starts_at.astimezone(zone):%H:%M}",
            )
            for stop in session.scalars(select(Stop).where(Stop.visit_id.is_not(None)))
        }


def changed(dispatcher: Dispatcher) -> list[str]:
    """Whose promise changed, by the messages that wait to be sent."""
    with dispatcher.db.reading() as session:
        rows = session.scalars(
            select(Visit)
            .join(OutboxMessage, OutboxMessage.visit_id == Visit.id)
            .where(OutboxMessage.kind == "changed", OutboxMessage.state == MessageState.PENDING)
        )
        return sorted({visit.work_order.customer.name.split()[0] for visit in rows})


def test_a_route_goes_to_tomorrow_and_back(dana: Dispatcher) -> None:
    """Same technician, same time of day, promised and told; Undo brings promises back and tells nobody."""
    before = days(dana)
    page = words_of(dana.get(path(dana)))
    assert "2 visits move. Everybody keeps the time of day." in page
    assert move(dana).status_code == 303
    after = days(dana)
    assert after["Ida"] == (TOMORROW, "Ana", "10:00")
    assert after["Joe"] == (TOMORROW, "Ana", "13:00")
    assert after["Kim"] == before["Kim"]
    assert dana.visit("Ida").window == window(TOMORROW, 10, 12)
    assert changed(dana) == ["Ida", "Joe"]
    assert dana.post(found_in(dana.get(), UNDO)).status_code == 303
    assert days(dana) == before
    assert dana.visit("Joe").window == window(TODAY, 13, 15)
    assert changed(dana) == []
    assert dana.post(found_in(dana.get(), REDO)).status_code == 303
    assert days(dana) == after
    assert dana.visit("Joe").window == window(TOMORROW, 13, 15)


def test_undo_tells_those_who_were_told(dana: Dispatcher) -> None:
    """Once the message was sent, the customer hears of the way back as well."""
    move(dana)
    with dana.db.transaction() as session:
        for message in session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "changed")):
            message.state = MessageState.SENT
    dana.post(found_in(dana.get(), UNDO))
    assert changed(dana) == ["Ida", "Joe"]
    assert "2 customers are told again." in words_of(dana.get())


def test_what_has_begun_stays_and_what_is_full_gives_another_time(
    dana: Dispatcher, services: Services
) -> None:
    """A visit in progress does not move; beside a visit of the same hour the promise is another window."""
    with services.db.transaction() as session:
        visit = session.get_one(Visit, dana.scene.ids["Ida"])
        visit.advance(VisitState.ON_SITE, occurred_at=NOW, now=NOW, actor="technician")
        dana.scene.today = TOMORROW
        book(
            session,
            dana.scene,
            "Pia",
            at=near(800),
            technician=dana.scene.ana,
            starts=time(12, 30),
            promised=window(TOMORROW, 12, 13),
            service_duration=timedelta(hours=3),
        )
        dana.scene.today = TODAY
    assert move(dana).status_code == 303
    after = days(dana)
    assert after["Ida"][0] == TODAY
    assert after["Joe"][0] == TOMORROW
    promised = dana.visit("Joe").window
    assert promised is not None
    assert promised != window(TOMORROW, 13, 15)
    assert promised.starts_at.astimezone(dana.scene.territory.zone).date() == TOMORROW


def test_rules_are_kept(dana: Dispatcher, services: Services) -> None:
    """Nobody moves to a day off, a stale page changes nothing; a shift that ends too early needs a reason."""
    with services.db.transaction() as session:
        ana = session.merge(dana.scene.ana)
        make_absence(
            session,
            ana,
            window(TOMORROW, 0, 23).starts_at,
            window(TOMORROW, 0, 23).ends_at + timedelta(hours=1),
        )
        make_override(
            session, ana, TOMORROW + timedelta(days=1), starts=time(8), ends=time(13), overtime=timedelta(0)
        )
    before = days(dana)
    assert move(dana).status_code == 422
    assert move(dana, to=TODAY).status_code == 409
    assert move(dana, plan_version=99).status_code == 409
    later = TOMORROW + timedelta(days=1)
    assert "Why is the rule broken?" in words_of(dana.get(path(dana)))
    assert move(dana, to=later).status_code == 422
    assert days(dana) == before
    assert move(dana, to=later, reason="Ana agreed").status_code == 303
    assert days(dana)["Joe"][0] == later
