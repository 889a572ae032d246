"""A phone is told when the office has changed its route: once, after a change, until it is signed out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection, event, select
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.dispatch.service import dispatch_day
from fieldservice.field import tasks
from fieldservice.models import OutboxMessage, PushDevice, Technician
from fieldservice.worker import Worker, make_worker
from tests.factories import NOW, TODAY
from tests.fieldservice.field.crew import Crew, Phone
from tests.fieldservice.field.test_news import got_it
from tests.matrix.world import BROWSER


def ask(phone: Phone, path: str = "/day/push", **fields: str) -> int:
    """What the phone's script sends when the switch is touched."""
    answer = phone.client.post(path, data={"csrf_token": phone.token, **BROWSER, **fields})
    return answer.status_code


def written(crew: Crew) -> list[str]:
    """What waits for the phones."""
    with crew.db.reading() as session:
        query = select(OutboxMessage.kind).where(OutboxMessage.channel == "push").order_by(OutboxMessage.id)
        return list(session.scalars(query))


@pytest.fixture
def worker(settings: Settings) -> Iterator[Worker]:
    """Who runs the periodic task."""
    worker = make_worker(settings)
    yield worker
    worker.services.db.dispose()


def sweep(crew: Crew, worker: Worker) -> int:
    """Run the periodic task; returns how many notifications it wrote."""
    before = len(written(crew))
    tasks.push()
    return len(written(crew)) - before


def send_out(session: Session, crew: Crew) -> None:
    """The day goes to its technicians."""
    territory = session.get_one(Technician, crew.technician_id).territory
    dispatch_day(session, territory, TODAY, now=NOW, actor="user:9")


def test_a_change_is_told_once(crew: Crew, phone: Phone, worker: Worker) -> None:
    """Not before the day is sent out, not for nothing; again for another change; welcomed when asked for."""
    assert ask(phone, first="y") == 204
    assert ask(phone) == 204  # a new login on the same phone
    crew.give_away(crew.visits[2])
    assert sweep(crew, worker) == 0
    crew.db.run(lambda session: send_out(session, crew))
    assert sweep(crew, worker) == 0
    crew.give_away(crew.visits[1])
    assert [sweep(crew, worker), sweep(crew, worker)] == [1, 0]
    crew.give_away(crew.visits[0])
    assert sweep(crew, worker) == 1
    assert written(crew) == ["devices", "route", "route"]
    assert ask(phone, "/day/push/off") == 204
    assert sweep(crew, worker) == 0


def test_a_helper_is_told_of_a_change_and_not_for_nothing(
    crew: Crew, phone: Phone, other_phone: Phone, worker: Worker
) -> None:
    """The visit that somebody else leads was sent out: no news. It is made without the helper: news."""
    second = crew.visits[1]
    crew.make_together(second, crew.colleague_id)
    ask(other_phone)
    crew.db.run(lambda session: send_out(session, crew))
    assert "The office changed your route" not in other_phone.page()
    assert sweep(crew, worker) == 0
    crew.make_together(second)
    assert "No longer on your route:" in other_phone.page()
    assert [sweep(crew, worker), sweep(crew, worker)] == [1, 0]


def test_the_same_change_is_told_again_after_got_it(crew: Crew, phone: Phone, worker: Worker) -> None:
    """Taken off, known; put back, known; taken off once more: that is a third change."""
    ask(phone)
    crew.db.run(lambda session: send_out(session, crew))
    for minutes, change in enumerate((crew.give_away, crew.take_back, crew.give_away), start=1):
        change(crew.visits[2])
        assert sweep(crew, worker) == 1, minutes
        at = NOW + timedelta(seconds=minutes)
        got_it(phone, phone.page(), tapped_at=at.isoformat())
        assert sweep(crew, worker) == 0, minutes


def test_nothing_is_written_while_nothing_changes(crew: Crew, phone: Phone, worker: Worker) -> None:
    """Every fifteen seconds it looks; only a change that nobody was told of is a reason to write."""
    ask(phone)
    crew.db.run(lambda session: send_out(session, crew))
    writers: list[bool] = []

    def note(connection: Connection) -> None:
        writers.append(not connection.get_execution_options().get("read_only"))

    tasks.push()  # the first look of a process
    event.listen(worker.services.db.engine, "begin", note)
    tasks.push()
    assert not any(writers)
    crew.give_away(crew.visits[1])
    tasks.push()
    assert sum(writers) == 1
    tasks.push()
    assert sum(writers) == 1


def test_the_notifications_end_with_the_login(crew: Crew, phone: Phone) -> None:
    """The phone hears that it is notified; signed out, it is not."""
    ask(phone)
    said = phone.client.get("/day/phone.json").json
    assert said
    assert said["notified"]
    phone.client.post("/logout", data={"csrf_token": phone.token})
    with crew.db.reading() as session:
        assert session.scalars(select(PushDevice)).all() == []


@pytest.mark.parametrize("endpoint", ["https://10.0.0.1/x", "http://push.example.com/x", "https://metadata/"])
def test_no_browser_leads_into_the_own_network(crew: Crew, phone: Phone, endpoint: str) -> None:
    """Refused with words, and nothing is stored."""
    assert ask(phone, endpoint=endpoint) == 422
    assert ask(phone, auth="short") == 422
    with crew.db.reading() as session:
        assert session.scalars(select(PushDevice)).all() == []
