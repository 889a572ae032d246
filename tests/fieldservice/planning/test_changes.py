"""What a dispatcher does by hand: checked, cascading, pinned, undone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.models import PlanChange, Stop, Visit, Window
from fieldservice.planning import changes
from fieldservice.planning.improve import search, snapshot
from fieldservice.planning.judge import Move, RuleBroken
from fieldservice.planning.order import ORDER
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import release_visit
from fieldservice.planning.travel import table_of
from tests.factories import NOW, TOMORROW, make_company, make_technician, near, window
from tests.fieldservice.planning.scenes import Scene


def move(scene: Scene, visit: int, technician: int, starts_at=None, *, confirmed=False, version=None) -> int:
    """Move a visit tomorrow; returns the id of the change."""
    seen = scene.version() if version is None else version

    def work(session, tables):
        change = changes.move_visit(
            session,
            session.get_one(Visit, visit),
            Move(technician, TOMORROW, starts_at),
            plan_version=seen,
            confirmed=confirmed,
            tables=tables,
            now=NOW,
            actor="user:1 Dana",
        )
        return change.id

    return scene.change(work)


def undo(scene: Scene, change: int) -> None:
    """Take back a change."""

    def work(session, tables):
        found = session.get_one(PlanChange, change)
        changes.undo_change(session, found, tables=tables, now=NOW, actor="user:1 Dana")

    scene.change(work)


def unassign(scene: Scene, visit: int) -> int:
    """Take a visit off its route; returns the id of the change."""

    def work(session, tables):
        return changes.unassign_visit(
            session,
            session.get_one(Visit, visit),
            plan_version=scene.version(),
            tables=tables,
            now=NOW,
            actor="test",
        ).id

    return scene.change(work)


def test_a_move_pins_the_visit_and_shifts_later_stops(db: Database) -> None:
    """The visit starts when it was put, the one after it starts later, both promises hold."""
    scene = Scene(db, lambda session: make_company(session, 2))
    later = scene.book(window(starts=10, ends=12))
    with db.reading() as session:
        mine = scene.stops()[later][0]
    moved = scene.book(window(starts=10, ends=12))
    start = window(starts=10, ends=12).starts_at
    move(scene, moved, mine, start)
    stops = scene.stops()
    assert stops[moved][:2] == (mine, start)
    assert stops[later][1] == start + timedelta(hours=1)
    with db.reading() as session:
        pin = session.get_one(Visit, moved).pin
        assert (pin.technician_id, pin.starts_at) == (mine, start)


def test_a_hard_rule_refuses_and_changes_nothing(db: Database) -> None:
    """A technician without the skill does not get the visit, not even with a second click."""

    def make(session):
        company = make_company(session, 1)
        company.technicians.append(make_technician(session, company.territory, skills={"plumbing": 1}))
        return company

    scene = Scene(db, make)
    visit = scene.book()
    before = scene.stops()
    with pytest.raises(RuleBroken) as refused:
        move(scene, visit, scene.technicians[1], window().starts_at, confirmed=True)
    assert [violation.rule for violation in refused.value.violations] == ["skill"]
    assert scene.stops() == before


def test_a_broken_promise_needs_one_more_click_and_is_remembered(db: Database) -> None:
    """Outside the window the move waits for a yes; then it is done, and the visit carries the violation."""
    scene = Scene(db, lambda session: make_company(session, 1))
    visit = scene.book(window(starts=10, ends=12))
    afternoon = window(starts=14, ends=16).starts_at
    with pytest.raises(changes.NeedsConfirmation) as asked:
        move(scene, visit, scene.technicians[0], afternoon)
    assert [violation.rule for violation in asked.value.judgement.soft] == ["window"]
    move(scene, visit, scene.technicians[0], afternoon, confirmed=True)
    assert scene.stops()[visit][1] == afternoon
    with db.reading() as session:
        assert session.get_one(Visit, visit).accepted_violations[0]["rule"] == "window"


def test_a_stale_page_is_refused(db: Database) -> None:
    """A move that was decided on an older plan does not happen."""
    scene = Scene(db, lambda session: make_company(session, 2))
    visit = scene.book()
    seen = scene.version()
    scene.book(window(starts=14, ends=16))
    with pytest.raises(changes.StalePlan):
        move(scene, visit, scene.technicians[1], version=seen)


def test_undo_brings_back_orders_and_pins(db: Database) -> None:
    """After the undo every visit is where it was, the pin is gone, and a second undo is refused."""
    scene = Scene(db, lambda session: make_company(session, 2))
    visits = [scene.book(window(starts=hour, ends=hour + 2), at=near(hour * 300)) for hour in (8, 10, 12)]
    before = scene.stops()
    other = next(tech for tech in scene.technicians if tech != before[visits[1]][0])
    change = move(scene, visits[1], other, window(starts=10, ends=12).starts_at)
    assert scene.stops() != before
    undo(scene, change)
    assert scene.stops() == before
    with db.reading() as session:
        assert session.get_one(Visit, visits[1]).pin is None
    with pytest.raises(changes.NothingToUndo):
        undo(scene, change)


def test_undo_is_refused_after_somebody_else_changed_the_route(db: Database) -> None:
    """A booking on the same route after the move makes the undo impossible, and the booking stays."""
    scene = Scene(db, lambda session: make_company(session, 1))
    visit = scene.book(window(starts=10, ends=12))
    change = move(scene, visit, scene.technicians[0], window(starts=11, ends=12).starts_at)
    newcomer = scene.book(window(starts=14, ends=16))
    with pytest.raises(changes.NothingToUndo):
        undo(scene, change)
    assert newcomer in scene.stops()


def test_unassigning_keeps_the_promise_and_can_be_undone(db: Database) -> None:
    """The visit leaves its route but not its window; undo gives it its place again."""
    scene = Scene(db, lambda session: make_company(session, 1))
    visit = scene.book()
    before = scene.stops()
    change = unassign(scene, visit)
    assert scene.stops() == {}
    with db.reading() as session:
        assert session.get_one(Visit, visit).promised
        assert [row.id for row in scene.day(session).rows.unassigned] == [visit]
    undo(scene, change)
    assert scene.stops() == before


@pytest.mark.parametrize("days_later", [0, 1])
def test_undo_is_refused_after_the_visit_found_another_place(db: Database, days_later: int) -> None:
    """An unassigned visit that was placed with somebody else, or booked on another day, is not torn away."""
    scene = Scene(db, lambda session: make_company(session, 2))
    visit = scene.book()
    first = scene.stops()[visit][0]
    change = unassign(scene, visit)
    if days_later:
        scene.book(window(TOMORROW + timedelta(days=days_later)), visit=visit)
    else:
        move(scene, visit, next(other for other in scene.technicians if other != first))
    placed = scene.stops()
    with pytest.raises(changes.NothingToUndo):
        undo(scene, change)
    assert scene.stops() == placed


def test_the_optimiser_leaves_a_pinned_visit_where_it_is(db: Database) -> None:
    """A visit that was moved far off its cheapest place is still there after a search."""
    scene = Scene(db, lambda session: make_company(session, 2))
    visit = scene.book(window(starts=10, ends=12), at=near(0, 0))
    scene.book(window(starts=10, ends=12), at=near(0, 2000))
    other = next(tech for tech in scene.technicians if tech != scene.stops()[visit][0])
    move(scene, visit, other, window(starts=11, ends=12).starts_at)
    with db.reading() as session:
        territory = session.get_one(Visit, visit).territory
        table = table_of(scene.tables, load_day(session, territory, TOMORROW, now=NOW))
        day = snapshot(session, territory, TOMORROW, table=table, now=NOW)
    pinned_at = scene.stops()[visit][1]
    found = search(day, seconds=None, iterations=50)
    route = found.plan.route_of(f"t{other}")
    assert f"v{visit}" in route.visit_ids
    start = next(stop.start_s for stop in route.stops if stop.visit == f"v{visit}")
    assert day.instant(start) == pinned_at


def test_a_released_visit_leaves_no_gap_in_the_times(db: Database) -> None:
    """After a cancellation the drive to the next stop is the one from the stop before."""
    scene = Scene(db, lambda session: make_company(session, 1))
    first = scene.book(window(starts=8, ends=10), at=near(0, 0))
    middle = scene.book(window(starts=10, ends=12), at=near(9000, 0))
    last = scene.book(window(starts=12, ends=14), at=near(0, 0))

    def cancel(session, tables):
        release_visit(session, session.get_one(Visit, middle), tables=tables, now=NOW)

    scene.change(cancel)
    with db.reading() as session:
        travel = dict(session.execute(select(Stop.visit_id, Stop.travel)).all())
    assert travel[last] == timedelta(0)
    assert set(travel) == {first, last}


def linked(scene: Scene, first: Window, second: Window) -> tuple[int, int]:
    """Two visits of one booking, the second after the first."""
    pair = scene.book(first), scene.book(second)

    def link(session) -> None:
        for turn, number in enumerate(pair, start=1):
            visit = session.get_one(Visit, number)
            visit.turn, visit.work_order.request_key = turn, "both"

    scene.db.run(link)
    return pair


def test_linked_visits_stay_in_order(db: Database) -> None:
    """Neither is put where the other one may still be, not even with a second click.

    The time that the first may need is its window, or its start once it is pinned.
    """
    scene = Scene(db, lambda session: make_company(session, 2))
    first, second = linked(scene, window(starts=8, ends=10), window(starts=12, ends=14))
    one, other = scene.technicians
    before = scene.stops()
    for visit, hour, side in ((second, 10, "until_s"), (first, 12, "begins_s")):
        with pytest.raises(RuleBroken) as refused:
            move(scene, visit, other, window(starts=hour, ends=16).starts_at, confirmed=True)
        (violation,) = refused.value.violations
        assert (violation.rule, violation.visit, side in violation.numbers) == ("order", f"v{visit}", True)
    assert scene.stops() == before
    scene.db.run(lambda session: _unlink(session, second))  # the guard off: both would have been made
    move(scene, second, other, window(starts=10, ends=16).starts_at, confirmed=True)
    scene.db.run(lambda session: _unlink(session, second, turn=2))
    move(scene, second, other, window(starts=12, ends=14).starts_at)
    move(scene, first, one, window(starts=8, ends=10).starts_at)
    move(scene, second, other, window(starts=10, ends=12).starts_at, confirmed=True)
    assert scene.stops()[second][1] >= scene.stops()[first][2]


def _unlink(session: Session, number: int, *, turn: int = 0) -> None:
    session.get_one(Visit, number).turn = turn


def test_what_pushes_a_linked_visit_out_of_its_order_is_refused(db: Database) -> None:
    """Another visit put before the first of a pair would make it end after the second has begun."""
    scene = Scene(db, lambda session: make_company(session, 1))
    first, _ = linked(scene, window(starts=8, ends=10), window(starts=12, ends=14))
    third = scene.book(window(starts=14, ends=16))
    with db.transaction() as session:
        session.get_one(Visit, third).service_duration = timedelta(hours=4)
    with pytest.raises(RuleBroken) as refused:
        move(scene, third, scene.technicians[0], window(starts=8, ends=10).starts_at, confirmed=True)
    assert (ORDER, f"v{first}") in [(each.rule, each.visit) for each in refused.value.violations]
