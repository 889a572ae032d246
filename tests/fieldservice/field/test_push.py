"""A phone is told when the office has changed its route: once, after a change, until it is signed out."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.dispatch.service import dispatch_day
from fieldservice.field import pushes
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.tables import TravelTables
from fieldservice.models import OutboxMessage, PushDevice, Technician
from tests.factories import NOW, TODAY
from tests.fieldservice.field.crew import Crew, Phone
from tests.matrix.world import BROWSER

TABLES = TravelTables(EstimatedTravelTimes())


def ask(phone: Phone, path: str = "/day/push", **fields: str) -> int:
    """What the phone's script sends when the switch is touched."""
    answer = phone.client.post(path, data={"csrf_token": phone.token, **BROWSER, **fields})
    return answer.status_code


def written(crew: Crew) -> list[str]:
    """What waits for the phones."""
    with crew.db.reading() as session:
        query = select(OutboxMessage.kind).where(OutboxMessage.channel == "push").order_by(OutboxMessage.id)
        return list(session.scalars(query))


def sweep(crew: Crew) -> int:
    """What the task does."""

    def work(session: Session) -> int:
        found = pushes.with_phones(session)
        return sum(pushes.tell_changed(session, one, tables=TABLES, now=NOW) for one in found)

    return crew.db.run(work)


def send_out(session: Session, crew: Crew) -> None:
    """The day goes to its technicians."""
    territory = session.get_one(Technician, crew.technician_id).territory
    dispatch_day(session, territory, TODAY, now=NOW, actor="user:9")


def test_a_change_is_told_once(crew: Crew, phone: Phone) -> None:
    """Not before the day is sent out, not for nothing; again for another change; welcomed when asked for."""
    assert ask(phone, first="y") == 204
    assert ask(phone) == 204  # a new login on the same phone
    crew.give_away(crew.visits[2])
    assert sweep(crew) == 0
    crew.db.run(lambda session: send_out(session, crew))
    assert sweep(crew) == 0
    crew.give_away(crew.visits[1])
    assert [sweep(crew), sweep(crew)] == [1, 0]
    crew.give_away(crew.visits[0])
    assert sweep(crew) == 1
    assert written(crew) == ["devices", "route", "route"]
    assert ask(phone, "/day/push/off") == 204
    assert sweep(crew) == 0


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
