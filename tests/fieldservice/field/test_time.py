"""A technician's own time: hours from the taps, corrected with a reason; wishes, decided by the office."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.models import Absence, HoursCorrection, ShiftWish, Stop, Technician, User, UserRole
from tests.factories import NOW, TODAY, TOMORROW, make_stop
from tests.fieldservice.field.crew import Crew, Phone, make_account, phone_of


def send(phone: Phone, path: str, *, key: str = "", **fields: str) -> str:
    """Send a form twice, as an outbox whose answer was lost does; the page that it led to."""
    data = {"csrf_token": phone.token, "idempotency_key": key or web.new_key(), **fields}
    phone.client.post(path, data=data)
    answer = phone.client.post(path, data=data)
    return phone.after(answer) if answer.status_code == 303 else answer.text


def test_hours_come_from_the_taps_and_are_put_right(
    crew: Crew, phone: Phone, clock: time_machine.Traveller
) -> None:
    """First tap to last, less the break between them; a correction counts once, with its reason."""
    first, second, _third = crew.visits

    phone.say(first, "on_my_way")
    clock.move_to(NOW + timedelta(hours=3))
    phone.say(first, "done")
    clock.move_to(NOW + timedelta(hours=3, minutes=30))
    phone.say(second, "arrived")
    clock.move_to(NOW + timedelta(hours=7))
    phone.say(second, "done")

    def rest(session: Session) -> None:
        start = NOW + timedelta(hours=3, minutes=5)
        technician = session.get_one(Technician, crew.technician_id)
        make_stop(session, technician, start, start + timedelta(minutes=20))

    crew.db.run(rest)
    page = phone.page("/day/hours")
    assert "8:00 am – 3:00 pm · breaks 20 min" in page
    fields = {"starts": "07:30", "ends": "11:45", "pause": "45", "reason": "Loaded the van"}
    page = send(phone, f"/day/hours/{TODAY}", **fields)
    assert "7:30 am – 11:45 am · breaks 45 min" in page
    assert "Corrected: Loaded the van" in page
    assert "Enter a time after" in send(phone, f"/day/hours/{TODAY}", **{**fields, "ends": "18:00"})
    with crew.db.reading() as session:
        assert len(session.scalars(select(HoursCorrection)).all()) == 1
    phone.page(f"/day/hours/{TOMORROW}", 404)


def correct(app: Flask, crew: Crew, clock: time_machine.Traveller, on: date, **fields: str) -> str:
    """Three days later the technician says what the hours of a day were; the line of that day."""
    at = datetime.combine(on + timedelta(days=3), time(12), UTC)
    clock.move_to(at)
    phone = phone_of(app, crew.db, crew.account, now=at)
    page = send(phone, f"/day/hours/{on}", reason="On call", **fields)
    [line] = [line for line in page.split("<li") if f"/day/hours/{on}" in line]
    return line


@pytest.mark.parametrize(
    ("on", "ends", "second", "worked"),
    [
        (date(2026, 3, 3), "02:00", "", 240),
        (date(2026, 3, 3), "21:59", "", 24 * 60 - 1),
        (date(2026, 3, 7), "02:00", "", 240),  # the clocks go from 2 to 3: there is no such time
        (date(2026, 3, 7), "03:00", "", 240),
        (date(2026, 10, 31), "02:00", "", 300),  # the clocks go from 2 back to 1
        (date(2026, 10, 31), "01:30", "", 210),
        (date(2026, 10, 31), "01:30", "y", 270),
        (date(2026, 10, 31), "00:30", "y", 150),
    ],
)
def test_a_shift_goes_past_midnight(
    app: Flask,
    crew: Crew,
    clock: time_machine.Traveller,
    on: date,
    ends: str,
    second: str,
    worked: int,
) -> None:
    """From 10 pm into the next day, counted by what went by, in the nights of clock changes as well."""
    line = correct(app, crew, clock, on, starts="22:00", ends=ends, **({"second": second} if second else {}))
    assert "(next day)" in line
    with crew.db.reading() as session:
        [row] = session.scalars(select(HoursCorrection))
        assert (row.on, row.ends_at - row.starts_at) == (on, timedelta(minutes=worked))
    phone = phone_of(app, crew.db, crew.account, now=row.said_at)
    page = phone.page(f"/day/hours/{on}")
    assert f'value="{row.ends_at.astimezone(ZoneInfo("America/New_York")):%H:%M}"' in page
    assert ("The clocks went back" in page) == (on.month == 10)
    assert ("checked" in page) == bool(second and ends == "01:30")


def test_no_shift_is_a_day_long(app: Flask, crew: Crew, clock: time_machine.Traveller, phone: Phone) -> None:
    """An end at the beginning is a slip, and so is one after midnight that is still to come."""
    fields = {"starts": "22:00", "reason": "On call"}
    for on, ends in ((TODAY - timedelta(days=3), "22:00"), (TODAY, "02:00")):
        assert "Enter a time after" in send(phone, f"/day/hours/{on}", ends=ends, **fields)
    with crew.db.reading() as session:
        assert session.scalars(select(HoursCorrection)).all() == []


def test_the_office_approves_and_the_plan_knows(crew: Crew, phone: Phone, app: Flask) -> None:
    """Away today from noon: an absence that the shift keeps; a second yes changes nothing."""
    fields = {"kind": "away", "first_on": TODAY.isoformat(), "starts": "12:00", "ends": "23:00"}
    assert "Waits for the office" in send(phone, "/day/wishes", words="My child is ill", **fields)
    with crew.db.reading() as session:
        [wish] = session.scalars(select(ShiftWish)).all()
    office = crew.db.run(lambda session: make_account(session, None, "Dana"))

    def promote(session: Session) -> None:
        session.get_one(User, office.id).role = UserRole.DISPATCHER

    crew.db.run(promote)
    office.role = UserRole.DISPATCHER
    board = phone_of(app, crew.db, office)
    assert "My child is ill" in board.page("/board/inbox")
    path = f"/board/wishes/{wish.id}"
    assert "Asked by technicians" not in send(board, path, decision="approve", answer="Get well")
    refused = send(board, path, decision="refuse", answer="We need you <today>")
    assert "decided this already" in refused
    assert "We need you &lt;today&gt;" in refused, "what was typed is still there"
    page = phone.page("/day/wishes")
    assert "Approved" in page
    assert "The office: Get well" in page
    with crew.db.reading() as session:
        [absence] = session.scalars(select(Absence).where(Absence.technician_id == crew.technician_id)).all()
        assert absence.kind == "holiday"
        technician = session.get_one(Technician, crew.technician_id)
        day = technician.working_day(TODAY, technician.territory.zone)
        assert day
        assert day.ends_at == absence.starts_at
        assert session.scalars(select(Stop.id).where(Stop.visit_id == crew.visits[2])).first()


def test_what_was_typed_stays_when_it_is_refused(
    crew: Crew, phone: Phone, app: Flask, clock: time_machine.Traveller
) -> None:
    """Too long a word, and days that are over: the reason is at the field, and the words are in it."""
    fields = {"kind": "away", "first_on": TODAY.isoformat(), "starts": "09:00", "ends": "10:00"}
    send(phone, "/day/wishes", words="My child is ill", **fields)
    with crew.db.reading() as session:
        [wish] = session.scalars(select(ShiftWish)).all()
    office = crew.db.run(lambda session: make_account(session, None, "Dana"))
    crew.db.run(lambda session: setattr(session.get_one(User, office.id), "role", UserRole.DISPATCHER))
    office.role = UserRole.DISPATCHER
    board, path = phone_of(app, crew.db, office), f"/board/wishes/{wish.id}"
    page = send(board, path, decision="approve", answer="long " * 100)
    assert "at most 300 characters" in page
    assert f'value="{("long " * 100).strip()}"' in page
    clock.move_to(NOW + timedelta(hours=3))
    page = send(board, path, decision="approve", answer="Get well")
    assert "These days are over" in page
    assert 'value="Get well"' in page
    send(board, path, decision="refuse", answer="Get well")
    assert "The office: Get well" in phone.page("/day/wishes")


def test_other_hours_and_second_thoughts(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """Faults are named; nobody withdraws what another asked for; one's own is gone from the inbox."""
    fields = {"kind": "hours", "first_on": TOMORROW.isoformat()}
    assert "Enter both times" in send(phone, "/day/wishes", **fields)
    over = {"kind": "away", "first_on": (TODAY - timedelta(days=1)).isoformat()}
    assert "Choose days from today on" in send(phone, "/day/wishes", **over)
    send(phone, "/day/wishes", **fields, starts="06:00", ends="14:00")
    with crew.db.reading() as session:
        [wish] = session.scalars(select(ShiftWish)).all()
    send(other_phone, f"/day/wishes/{wish.id}/withdraw")
    assert "Waits for the office" in phone.page("/day/wishes")
    assert "Withdrawn" in send(phone, f"/day/wishes/{wish.id}/withdraw")
