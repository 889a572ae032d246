"""Visits that a dispatcher ties together: no hand and no search takes them apart, and it can be undone."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from fieldservice.db import Database
from fieldservice.models import PlanChange, Technician, Visit, VisitLink
from fieldservice.planning import changes, linking
from fieldservice.planning.chains import between
from fieldservice.planning.improve import search, snapshot
from fieldservice.planning.judge import RuleBroken
from fieldservice.planning.linking import Tie
from fieldservice.planning.order import LAG, SAME
from fieldservice.planning.swap import swaps
from fieldservice.planning.travel import table_of
from tests.factories import CENTRE, NOW, TOMORROW, make_company, near, window
from tests.fieldservice.planning.scenes import Scene
from tests.fieldservice.planning.test_changes import move, unassign

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL differs here

HOUR = timedelta(hours=1)
PLAIN = Tie()


def link(scene: Scene, visit: int, first: int, tie: Tie | None = PLAIN) -> int:
    """Let a visit follow another one, or free it; returns the id of the change."""

    def work(session, tables):
        pair = session.get_one(Visit, visit), session.get_one(Visit, first)
        return linking.link_visits(
            session, *pair, tie, on=TOMORROW, tables=tables, now=NOW, actor="user:1 Dana"
        ).id

    return scene.change(work)


def visit(scene: Scene, place=CENTRE) -> int:
    """A visit that may begin whenever somebody works, on a route."""
    booked = scene.book(window(starts=8, ends=10), at=place)
    wide = window(starts=8, ends=17)

    def widen(session) -> None:
        session.get_one(Visit, booked).window_ends_at = wide.ends_at

    scene.db.run(widen)
    return booked


def undo(scene: Scene, change: int) -> int:
    """Take back a change; returns the id of what did."""

    def work(session, tables):
        found = session.get_one(PlanChange, change)
        return changes.undo_change(session, found, tables=tables, now=NOW, actor="user:1 Dana").id

    return scene.change(work)


def links(scene: Scene) -> list[tuple[int, int]]:
    """Which visit follows which."""
    with scene.db.reading() as session:
        return [(row.visit_id, row.after_id) for row in session.scalars(select(VisitLink))]


def at(hour: int):
    """An hour of tomorrow."""
    return window(starts=hour, ends=hour + 1).starts_at


def refusal(scene: Scene, visit: int, technician: int, hour: int) -> tuple[str, str | None]:
    """The one rule that refuses a move, even with a second click, and whose it is."""
    with pytest.raises(RuleBroken) as refused:
        move(scene, visit, technician, at(hour), confirmed=True)
    (violation,) = refused.value.violations
    return violation.rule, violation.visit


def test_no_move_breaks_a_link(db: Database) -> None:
    """Too soon, too late, by somebody else, either end: refused; free again, each of them is made."""
    scene = Scene(db, lambda session: make_company(session, 2))
    one, other = scene.technicians
    first, then = visit(scene), visit(scene)
    move(scene, first, one, at(8))
    move(scene, then, one, at(11))
    link(scene, then, first, Tie(HOUR, 3 * HOUR, same_technician=True))
    before = scene.stops()
    assert refusal(scene, then, one, 9) == (LAG, f"v{then}")
    assert refusal(scene, then, one, 13) == (LAG, f"v{then}")
    assert refusal(scene, first, one, 12) == (LAG, f"v{first}")
    assert refusal(scene, then, other, 11) == (SAME, f"v{then}")
    assert scene.stops() == before
    move(scene, then, one, at(12))
    link(scene, then, first, None)
    move(scene, first, one, at(14))
    move(scene, then, other, at(9))
    assert scene.stops()[then][:2] == (other, at(9))


def test_a_link_is_undone_and_made_again(db: Database) -> None:
    """Undo frees, redo ties; a link in a circle, or that does not hold already, is refused."""
    scene = Scene(db, lambda session: make_company(session, 1))
    (one,) = scene.technicians
    first, then = visit(scene), visit(scene)
    move(scene, first, one, at(8))
    move(scene, then, one, at(11))
    with pytest.raises(RuleBroken):
        link(scene, first, then)
    assert links(scene) == []
    made = link(scene, then, first)
    with pytest.raises(linking.GoesInCircles):
        link(scene, first, then)
    with pytest.raises(linking.GoesInCircles):
        link(scene, then, then)
    undone = undo(scene, made)
    assert links(scene) == []
    move(scene, first, one, at(14))
    with pytest.raises(RuleBroken):
        undo(scene, undone)  # it would not hold where the visits are now
    assert links(scene) == []
    move(scene, first, one, at(8))
    undo(scene, undone)
    assert links(scene) == [(then, first)]
    with db.reading() as session:
        order = between(session, session.get_one(Visit, then))  # what its customer may choose
        assert order.earliest == scene.stops()[first][2]
        assert order.has(window(starts=10, ends=12))
        assert not order.has(window(starts=8, ends=10))


def free(number: int, session, tables) -> None:
    """Let searches have a visit again."""
    visit = session.get_one(Visit, number)
    changes.pin_visit(session, visit, None, tables=tables, now=NOW, actor="Dana")


def searched(scene: Scene):
    """Visit -> technician and start, as a search of the day would have it."""
    with scene.db.reading() as session:
        territory = session.get_one(Technician, scene.technicians[0]).territory
        rows = scene.day(session).rows
        day = snapshot(session, territory, TOMORROW, table=table_of(scene.tables, rows), now=NOW)
    plan = search(day, seconds=None, iterations=200).plan
    return {
        stop.visit: (route.shift, day.instant(stop.start_s), day.instant(stop.departure_s))
        for route in plan.routes
        for stop in route.stops
        if stop.visit
    }


def test_no_search_takes_linked_visits_apart(db: Database) -> None:
    """A search puts two visits close together, unless a link wants an hour between.

    What follows a visit that has no place yet is left alone; an exchange of routes is judged with the link.
    """
    scene = Scene(db, lambda session: make_company(session, 2))
    one, other = scene.technicians
    far, close = visit(scene, near(9000)), visit(scene)
    move(scene, far, one, at(13))
    move(scene, close, other, at(10))
    for number in (far, close):
        scene.change(partial(free, number))
    apart = searched(scene)
    assert apart[f"v{far}"][1] < apart[f"v{close}"][2] + HOUR  # the guard off: nobody waits an hour
    link(scene, far, close, Tie(HOUR))
    tied = searched(scene)
    assert tied[f"v{far}"][1] >= tied[f"v{close}"][2] + HOUR
    with db.reading() as session:
        day = scene.day(session)
        assert all(swap.possible for swap in swaps(day, one))
    unassign(scene, close)
    assert set(searched(scene)) == {f"v{close}", f"v{far}"}
    unassign(scene, far)
    assert set(searched(scene)) == {f"v{close}"}


def test_a_promise_beside_the_link_is_no_way_out(db: Database) -> None:
    """Where a link leaves nothing of a window no search moves the visit, placed or not."""
    scene = Scene(db, lambda session: make_company(session, 2))
    (one, _) = scene.technicians
    first, then, open_one = visit(scene), visit(scene), visit(scene)
    move(scene, first, one, at(8))
    move(scene, then, one, at(9))
    for follower in (then, open_one):
        link(scene, follower, first, Tie(max_lag=HOUR))
    unassign(scene, open_one)
    with scene.db.transaction() as session:
        for number in (then, open_one):
            found = session.get_one(Visit, number)
            found.pin = None
            found.window_starts_at, found.window_ends_at = at(14), at(17)
    with scene.db.reading() as session:
        found = search(scene.day(session, lift=True), seconds=None, iterations=20)
        assert not {change.visit_id for change in found.changes()} & {then, open_one}
