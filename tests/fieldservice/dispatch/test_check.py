"""What a drop would do, told before it is made."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from fieldservice.dispatch.day import rows_of
from fieldservice.dispatch.scale import Scale
from fieldservice.models import PlanChange, Territory, Visit
from fieldservice.planning.judge import Move
from fieldservice.planning.preview import Verdict, preview
from fieldservice.planning.problem import Day, build, visit_id
from fieldservice.planning.rows import load_day, visit_place
from fieldservice.planning.travel import table_of
from fieldservice.web import Services
from tests.factories import NOW, TODAY
from tests.fieldservice.dispatch.scene import Dispatcher, words_of


def check(dispatcher: Dispatcher, name: str, technician: int, start: str) -> str:
    """The words of the hint for a drop."""
    path = f"/board/visits/{dispatcher.scene.ids[name]}/check"
    answer = dispatcher.get(f"{path}?on={TODAY}&technician={technician}&start={start}")
    assert answer.status_code == 200
    return words_of(answer)


def test_the_hint_says_what_a_drop_would_do(dana: Dispatcher) -> None:
    """Feasible with its driving and who is hit; a soft rule asks for a reason, a hard one refuses."""
    scene = dana.scene
    before = dana.stops()
    fine = check(dana, "Lea", scene.ana.id, "13:00")
    assert "Drop: Ana Reyes, 1:00 pm" in fine
    assert "Inside the promise 1 pm – 3 pm" in fine
    assert "min driving." in fine
    assert "Joe Park starts 2:01 pm, was 1:00 pm." in fine
    asks = check(dana, "Lea", scene.ben.id, "16:00")
    assert "Starts 4:00 pm, outside the promised 1:00 pm to 3:00 pm." in asks
    assert "Asks for a reason." in asks
    refused = check(dana, "Lea", scene.carl.id, "13:00")
    assert "Cannot be: Carl Moss Needs Heating level 1, has none." in refused
    assert "driving" not in refused
    assert dana.stops() == before


def test_what_cannot_be_asked(dana: Dispatcher) -> None:
    """Without a technician, for a visit that is not on the map, for none at all."""
    path = f"/board/visits/{dana.scene.ids['Lea']}/check"
    assert dana.get(path).status_code == 422
    assert dana.get(f"/board/visits/{dana.scene.ids['Max']}/check?technician=1").status_code == 409
    assert dana.get("/board/visits/999999/check?technician=1").status_code == 404


def test_the_move_page_can_be_asked_first(dana: Dispatcher) -> None:
    """Without a mouse, too: the same words on the Move page, and nothing is stored."""
    answer = dana.move("Lea", dana.scene.ana, "13:00", check="yes")
    assert answer.status_code == 200
    assert "Joe Park starts 2:01 pm, was 1:00 pm." in words_of(answer)
    assert "Lea" not in dana.stops()
    with dana.db.reading() as session:
        assert session.query(PlanChange).count() == 0


def _day(services: Services, dana: Dispatcher, name: str) -> tuple[Day, Visit]:
    with services.db.reading() as session:
        visit = session.get_one(Visit, dana.scene.ids[name])
        place = visit_place(visit)
        assert place
        rows = load_day(session, visit.territory, TODAY, now=NOW)
        day = build(rows, table_of(services.tables, rows, [place]), without=[visit_id(visit)])
        session.expunge_all()
        return day, visit


@pytest.mark.parametrize(
    ("name", "to", "start"), [("Lea", "ben", 13), ("Kim", "ana", 11), ("Ida", "ben", 11)]
)
def test_the_hint_is_what_the_drop_then_does(
    dana: Dispatcher, services: Services, name: str, to: str, start: int
) -> None:
    """Start and driving of the whole day come out as the hint said."""
    technician = getattr(dana.scene, to)
    before = _driving(services, dana)
    day, visit = _day(services, dana, name)
    starts_at = datetime.combine(TODAY, time(start), dana.scene.territory.zone)
    found = preview(day, visit, Move(technician.id, TODAY, starts_at))
    assert found.verdict is Verdict.FINE
    assert dana.move(name, technician, f"{start}:00").status_code == 303
    assert found.starts_at
    minute = Scale(TODAY, dana.scene.territory.zone, 0, 1).minute(found.starts_at)
    assert dana.stops()[name][1] == f"{minute // 60:02d}:{minute % 60:02d}"
    assert found.added_travel == _driving(services, dana) - before


def _driving(services: Services, dana: Dispatcher) -> timedelta:
    """All driving of the day as the board adds it up, the ways home included."""
    with services.db.reading() as session:
        territory = session.get_one(Territory, dana.scene.territory.id)
        rows = load_day(session, territory, TODAY, now=NOW)
        return sum(
            (row.driving for row in rows_of(build(rows, table_of(services.tables, rows)))), timedelta(0)
        )
