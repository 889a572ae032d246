"""Days that are kept between offers answer as if they were read anew, whatever has changed meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, select

from fieldservice.db import Database
from fieldservice.models import Service, Technician, Territory, Visit
from fieldservice.planning import service as planning
from fieldservice.planning.problem import visit_id
from tests.factories import NOW, TOMORROW, make_absence, make_company, make_draft, near, window
from tests.fieldservice.planning.scenes import Scene

DAYS = [TOMORROW + timedelta(days=ahead) for ahead in range(3)]
HERE = near(3_000, -2_000)


@pytest.fixture
def scene(db: Database) -> Scene:
    """Two technicians with a visit each day."""
    scene = Scene(db, lambda session: make_company(session, 2, duration=timedelta(hours=2)))
    for on in DAYS:
        scene.book(window(on, 10, 12), at=near(1_000))
    return scene


def offers(scene: Scene, *, now: datetime = NOW, anew: bool = False, without=(), at=HERE):
    """What is offered; `anew` by a process that has kept nothing."""
    db = Database(scene.db.engine.url.render_as_string(hide_password=False)) if anew else scene.db
    try:
        with db.reading() as session:
            ask = planning.ask_for(
                session.get_one(Service, scene.service_id), session.get_one(Territory, scene.territory_id), at
            )
            return planning.slots(session, ask, DAYS, now=now, tables=scene.tables, without=without)
    finally:
        if anew:
            db.dispose()


@contextmanager
def statements(db: Database) -> Iterator[list[str]]:
    """What is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        sent.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield sent
    event.remove(db.engine, "before_cursor_execute", note)


def test_the_second_customer_reads_no_routes(scene: Scene) -> None:
    """From another place too; a day that changed is read again."""
    offers(scene)
    with statements(scene.db) as sent:
        offers(scene, at=near(-4_000, 500))
    assert not [statement for statement in sent if "FROM stop" in statement]
    scene.book(window(DAYS[1], 14, 16))
    with statements(scene.db) as sent:
        offers(scene)
    assert [statement for statement in sent if "FROM stop" in statement]


def test_a_change_of_any_kind_is_seen(scene: Scene) -> None:
    """Bookings, a visit that moves or is given back, somebody who falls ill."""

    def same() -> None:
        assert offers(scene) == offers(scene, anew=True)

    same()
    visit = scene.book(window(DAYS[0], 8, 10))
    same()
    scene.book(window(DAYS[2], 14, 16), visit=visit)
    same()

    def release(session, tables) -> None:
        planning.release_visit(session, session.get_one(Visit, visit), tables=tables, now=NOW)

    scene.change(release, days=DAYS)
    same()

    def falls_ill(session) -> None:
        technician = session.scalars(select(Technician)).first()
        make_absence(session, technician, window(DAYS[0], 7, 9).starts_at, window(DAYS[1], 7, 9).starts_at)

    before = offers(scene)
    scene.db.run(falls_ill)
    same()
    assert offers(scene) != before


def test_a_reservation_that_runs_out_is_free_again(scene: Scene) -> None:
    """Nothing is written when its time is over, and yet the window is offered."""

    def hold(session, tables) -> None:
        ask = planning.ask_for(
            session.get_one(Service, scene.service_id), session.get_one(Territory, scene.territory_id), HERE
        )
        for _ in range(2):
            planning.hold_slot(
                session,
                make_draft(session),
                ask,
                window(DAYS[0], 14, 16),
                tables=tables,
                now=NOW,
                until=NOW + timedelta(minutes=15),
            )

    free = offers(scene)
    scene.change(hold, extra=[HERE])
    assert offers(scene) != free
    assert offers(scene, now=NOW + timedelta(minutes=16)) == free


def test_what_somebody_would_give_up_does_not_count(scene: Scene) -> None:
    """The windows of a customer who changes their time are those of a day without their visit."""
    visit = scene.book(window(DAYS[0], 14, 16))
    with scene.db.reading() as session:
        name = visit_id(session.get_one(Visit, visit))
    offers(scene)
    kept, anew = offers(scene, without=[name]), offers(scene, without=[name], anew=True)
    assert [slot.window for slot in kept[DAYS[0]].slots] == [slot.window for slot in anew[DAYS[0]].slots]
    assert kept == anew


def test_a_place_that_the_day_has_already(scene: Scene) -> None:
    """A neighbour at the very same door needs no drive."""
    assert offers(scene, at=near(1_000)) == offers(scene, at=near(1_000), anew=True)
