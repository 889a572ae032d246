"""The office sees who worked how long in a week, as tapped and as put right, and takes it away as a file."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from io import StringIO

import time_machine
from flask import Flask
from sqlalchemy import event
from sqlalchemy.orm import Session

from fieldservice.models import HoursCorrection, Technician, Territory
from fieldservice.planning import time_sheets
from tests.factories import NOW, TODAY, make_stop, make_technician
from tests.fieldservice.field.crew import Crew, Phone, phone_of
from tests.signing_in import make_user

EVENING = NOW + timedelta(hours=10)
FORMULA = '=HYPERLINK("https://example.com")'


def worked(crew: Crew, phone: Phone, clock: time_machine.Traveller) -> None:
    """8:00 to 15:00 by taps with a break of twenty minutes, an hour of it on the road."""
    first, second, _third = crew.visits
    taps = [(0, first, "on_my_way"), (30, first, "arrived"), (180, first, "done")]
    taps += [(210, second, "on_my_way"), (240, second, "arrived"), (420, second, "done")]
    for minutes, visit, tap in taps:
        clock.move_to(NOW + timedelta(minutes=minutes))
        phone.say(visit, tap)

    def rest(session: Session) -> None:
        start = NOW + timedelta(minutes=185)
        make_stop(
            session,
            session.get_one(Technician, crew.technician_id),
            start,
            start + timedelta(minutes=20),
        )

    crew.db.run(rest)
    clock.move_to(EVENING)


def put_right(crew: Crew, technician_id: int, reason: str, *, days_ago: int = 0) -> None:
    """Somebody says that they worked a night from 22:00 to 2:00."""

    def work(session: Session) -> None:
        ends = NOW - timedelta(days=days_ago, hours=6)
        session.add(
            HoursCorrection(
                technician_id=technician_id,
                on=(ends - timedelta(hours=9)).date(),
                starts_at=ends - timedelta(hours=4),
                ends_at=ends,
                pause=timedelta(minutes=15),
                reason=reason,
                said_at=NOW,
                event_key=f"key-{technician_id}-{days_ago}-{reason[:9]}",
            )
        )

    crew.db.run(work)


def office_of(app: Flask, crew: Crew, at: datetime) -> Phone:
    """A dispatcher's browser, signed in just now."""
    return phone_of(app, crew.db, crew.db.run(make_user), now=at)


def lines(office: Phone, path: str) -> list[dict[str, str]]:
    """The file as a spreadsheet reads it."""
    answer = office.client.get(path)
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="hours-')
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(StringIO(answer.data.decode("utf-8-sig"), newline="")))


def test_a_week_of_taps_and_corrections(
    app: Flask, crew: Crew, phone: Phone, clock: time_machine.Traveller
) -> None:
    """Work, travel and breaks are told apart; the newest correction counts, and what was tapped stays."""
    worked(crew, phone, clock)
    office = office_of(app, crew, EVENING)
    week = f"/board/{TODAY}/hours"
    [line] = lines(office, f"{week}.csv")
    minutes = {name: int(line[name]) for name in line if name.endswith("minutes")}
    assert minutes == {
        "break_minutes": 20,
        "worked_minutes": 400,
        "at_visits_minutes": 330,
        "on_road_minutes": 60,
        "tapped_break_minutes": 20,
        "tapped_worked_minutes": 400,
    }
    assert (line["began"], line["ended"], line["source"]) == (f"{TODAY} 08:00", f"{TODAY} 15:00", "recorded")
    page = office.page(week)
    for words in ("<b>6 h 40</b>", "5 h 30", "1 h 00", "20 min", "8:00 am – 3:00 pm"):
        assert words in page
    assert "Put right by the technicians" not in page
    phone.client.post(
        f"/day/hours/{TODAY}",
        data={
            "csrf_token": phone.token,
            "idempotency_key": "put-right-once",
            "starts": "07:00",
            "ends": "15:00",
            "reason": "Loaded the van",
        },
    )
    [line] = lines(office, f"{week}.csv")
    assert (line["source"], line["worked_minutes"], line["tapped_worked_minutes"]) == (
        "corrected",
        "480",
        "400",
    )
    page = office.page(week)
    assert "tapped: 6 h 40" in page
    assert "Loaded the van" in page
    assert "href" in office.page(f"/board/{TODAY}/week").split(week)[0]
    assert office.page(f"/board/{TODAY - timedelta(days=7)}/hours").count("<b>0 min</b>") == 2


def tap(phone: Phone, clock: time_machine.Traveller, *taps: tuple[int, int, str]) -> None:
    """Minutes after eight, visit, and what is tapped."""
    for minutes, visit, kind in taps:
        clock.move_to(NOW + timedelta(minutes=minutes))
        phone.say(visit, kind)


def of_colleague(app: Flask, crew: Crew) -> dict[str, str]:
    """The colleague's line in the file."""
    found = lines(office_of(app, crew, EVENING), f"/board/{TODAY}/hours.csv")
    with crew.db.reading() as session:
        name = session.get_one(Technician, crew.colleague_id).name
    [line] = [line for line in found if line["technician"] == name]
    return {each: line[each] for each in ("began", "ended", "at_visits_minutes", "on_road_minutes")}


def test_who_helps_has_worked(app: Flask, crew: Crew, phone: Phone, clock: time_machine.Traveller) -> None:
    """A day of a visit that somebody else leads: its taps are the hours of both."""
    first, second, _third = crew.visits
    crew.make_together(second, crew.colleague_id)
    tap(phone, clock, (0, first, "arrived"), (100, first, "done"), (110, second, "on_my_way"))
    tap(phone, clock, (130, second, "arrived"), (190, second, "done"))
    clock.move_to(EVENING)
    assert of_colleague(app, crew) == {
        "began": f"{TODAY} 09:50",
        "ended": f"{TODAY} 11:10",
        "at_visits_minutes": "60",
        "on_road_minutes": "20",
    }


def test_who_leads_one_and_helps_with_another_is_in_one_place(
    app: Flask, crew: Crew, phone: Phone, other_phone: Phone, clock: time_machine.Traveller
) -> None:
    """Whoever leads drives off while the colleague still works elsewhere: those minutes count once."""
    first, second, _third = crew.visits
    crew.give_away(first)
    crew.make_together(second, crew.colleague_id)
    tap(other_phone, clock, (0, first, "on_my_way"), (20, first, "arrived"))
    tap(phone, clock, (90, second, "on_my_way"))
    tap(other_phone, clock, (100, first, "done"))
    tap(phone, clock, (130, second, "arrived"), (190, second, "done"))
    clock.move_to(EVENING)
    assert of_colleague(app, crew) == {
        "began": f"{TODAY} 08:00",
        "ended": f"{TODAY} 11:10",
        "at_visits_minutes": "140",
        "on_road_minutes": "50",
    }


def test_no_cell_is_a_formula_and_nobody_is_left_out(
    app: Flask, crew: Crew, clock: time_machine.Traveller
) -> None:
    """A name or a reason that a spreadsheet would compute is text; who has left this week is there, too."""

    def leave(session: Session) -> None:
        colleague = session.get_one(Technician, crew.colleague_id)
        colleague.name, colleague.active = FORMULA, False

    crew.db.run(leave)
    monday = TODAY - timedelta(days=TODAY.weekday())
    sunday = NOW + timedelta(days=6 - TODAY.weekday())
    clock.move_to(sunday)
    office = office_of(app, crew, sunday)
    put_right(crew, crew.colleague_id, "@SUM(A1)", days_ago=-2 - TODAY.weekday())
    put_right(crew, crew.colleague_id, "Of the week before", days_ago=14)
    [line] = lines(office, f"/board/{monday}/hours.csv")
    assert (line["technician"], line["reason"]) == (f"'{FORMULA}", "'@SUM(A1)")
    assert line["worked_minutes"] == "225"
    assert line["began"][:10] == line["day"]
    assert line["ended"][:10] > line["day"]
    assert "HYPERLINK" in office.page(f"/board/{monday}/hours")
    later = monday + timedelta(days=7)
    assert "HYPERLINK" not in office.page(f"/board/{later}/hours")


def test_more_technicians_cost_no_more_queries(
    crew: Crew, phone: Phone, clock: time_machine.Traveller
) -> None:
    """The week of a large company is read as that of a small one."""
    worked(crew, phone, clock)

    def count() -> int:
        statements: list[str] = []

        def note(_c: object, _cur: object, statement: str, *_: object) -> None:
            statements.append(statement)

        event.listen(crew.db.engine, "before_cursor_execute", note)
        with crew.db.reading() as session:
            territory = session.get_one(Territory, crew.scene.territory_id)
            people = time_sheets.who_worked(session, territory, TODAY)
            assert time_sheets.weeks(session, people, TODAY, now=EVENING)
        event.remove(crew.db.engine, "before_cursor_execute", note)
        return len(statements)

    few = count()
    crew.db.run(lambda session: make_technician(session, session.get_one(Territory, crew.scene.territory_id)))
    assert count() == few
