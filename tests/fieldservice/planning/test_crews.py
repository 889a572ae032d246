"""Visits that two make together: one start on both routes, whatever is moved, and in the database as well."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

import scheduler
from fieldservice.db import Database, is_overlap
from fieldservice.models import (
    Absence,
    Plan,
    PlanChange,
    Route,
    Service,
    Stop,
    StopKind,
    Technician,
    Territory,
    Visit,
    VisitState,
)
from fieldservice.planning import changes
from fieldservice.planning.adoption import Adoption, adopt
from fieldservice.planning.asking import offer_windows, open_offer, take, windows_to_offer
from fieldservice.planning.improve import Found, search
from fieldservice.planning.judge import Move, RuleBroken, best_fits
from fieldservice.planning.order import TOGETHER
from fieldservice.planning.progress import follow
from fieldservice.planning.service import ask_for, ask_of, release_visit, slots
from fieldservice.planning.swap import swap_routes
from fieldservice.planning.why import why
from scheduler import timeline
from tests.factories import NOW, TOMORROW, make_company, near, window
from tests.fieldservice.planning.scenes import Scene
from tests.fieldservice.planning.test_changes import move, unassign
from tests.fieldservice.planning.test_kept import statements
from tests.fieldservice.planning.test_linking import at, undo, visit

ONE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def crew(scene: Scene, number: int, size: int = 2) -> int:
    """Let several make a visit, which has no place; returns the id of the change."""

    def work(session, tables):
        found = session.get_one(Visit, number)
        return changes.change_crew(
            session,
            found,
            size,
            on=TOMORROW,
            plan_version=scene.version(),
            tables=tables,
            now=NOW,
            actor="user:1 Dana",
        ).id

    return scene.change(work)


def send(scene: Scene, number: int, lead: int, hour: int | None = None, **how: object) -> int:
    """Place a visit that a crew makes; returns the id of the change."""

    def work(session, tables):
        found = session.get_one(Visit, number)
        wanted = Move(lead, TOMORROW, at(hour) if hour else None, **how)
        version = scene.version()
        return changes.move_visit(
            session,
            found,
            wanted,
            plan_version=version,
            confirmed=False,
            tables=tables,
            now=NOW,
            actor="user:1 Dana",
        ).id

    return scene.change(work, extra=[near(0, 0)])


def made(scene: Scene, number: int) -> dict[int, datetime]:
    """Who makes a visit and from when, the leader first."""
    with scene.db.reading() as session:
        found = session.get_one(Visit, number)
        stops = [found.stop, *found.crew_stops] if found.stop else []
        assert {stop.ends_at - stop.starts_at for stop in stops} <= {found.occupied}
        return {stop.technician_id: stop.starts_at for stop in stops}


@pytest.fixture
def scene(db: Database) -> Scene:
    return Scene(db, lambda session: make_company(session, 3))


def off_sick(scene: Scene, technician: int) -> None:
    """Let somebody be away for all of tomorrow."""
    with scene.db.transaction() as session:
        person = session.get_one(Technician, technician)
        person.absences.append(Absence(kind="sick", starts_at=at(1), ends_at=at(1) + timedelta(days=2)))


def free(scene: Scene) -> int:
    """A visit that two have to make and that has no place yet."""
    number = visit(scene)
    unassign(scene, number)
    crew(scene, number)
    return number


@ONE
def test_a_crew_begins_together_and_is_undone_as_one(scene: Scene) -> None:
    """The second one is found; what comes before waits for nobody; undo and redo bring all of it back."""
    one, other, third = scene.technicians
    busy = visit(scene)
    move(scene, busy, one, at(9))
    number = free(scene)
    assert made(scene, number) == {}
    placed = send(scene, number, one)
    lead, mate = made(scene, number)
    assert lead == one
    assert mate in (other, third)
    assert len(set(made(scene, number).values())) == 1
    sent = send(scene, number, third, 13)
    assert made(scene, number) == {third: at(13), mate: at(13)}
    undone = undo(scene, sent)
    assert set(made(scene, number)) == {one, mate}
    undo(scene, undone)
    assert made(scene, number) == {third: at(13), mate: at(13)}
    assert placed != sent


@ONE
def test_others_are_asked_for_by_name_and_one_comes_in_place_of_another(scene: Scene) -> None:
    """Those who are named come; somebody new replaces the one whose bar was dragged, else the leader."""
    one, other, third = scene.technicians
    number = free(scene)
    send(scene, number, one, 10, others=(third,))
    assert made(scene, number) == {one: at(10), third: at(10)}
    send(scene, number, other, 11, instead=third)
    assert made(scene, number) == {one: at(11), other: at(11)}
    send(scene, number, third, 11)
    assert list(made(scene, number)) == [third, other]
    off_sick(scene, other)
    with pytest.raises(RuleBroken):
        send(scene, number, third, 12, others=(other,))


@ONE
def test_nothing_parts_a_crew(scene: Scene) -> None:
    """What would delay one of them is refused, also after a second click; searches leave them in place."""
    one, other, third = scene.technicians
    number, single = free(scene), visit(scene)
    send(scene, number, one, 10, others=(other,))
    with pytest.raises(RuleBroken) as refused:
        move(scene, single, other, at(9) + timedelta(minutes=45), confirmed=True)
    assert {violation.rule for violation in refused.value.violations} == {TOGETHER}
    move(scene, single, other, at(13))
    before = made(scene, number)
    with scene.db.reading() as session:
        found = search(scene.day(session, lift=True), seconds=None, iterations=30)
        assert [route.visit_ids for route in found.plan.routes if f"c{number}@{other}" in route.visit_ids]
        assert not [change for change in found.changes() if change.visit_id == number]
    scene.change(
        lambda session, tables: swap_routes(
            session,
            session.scalars(select(Visit)).first().stop.route.plan,
            other,
            third,
            plan_version=scene.version(),
            tables=tables,
            now=NOW,
            actor="test",
        )
    )
    assert made(scene, number) == before
    assert scene.stops()[single][0] == third


@ONE
def test_who_is_away_is_everybody_s_trouble(scene: Scene) -> None:
    """A search lifts the whole crew when a member is away, and says that nobody else can be found by it."""
    one, other, _ = scene.technicians
    number = free(scene)
    send(scene, number, one, 10, others=(other,))
    off_sick(scene, other)
    with scene.db.reading() as session:
        day = scene.day(session, lift=True)
        assert f"v{number}" in {left.visit for left in day.plan.unassigned}
        assert not [name for route in day.plan.routes for name in route.visit_ids if name[0] in "vc"]


@ONE
def test_a_crew_waits_for_its_last_member(scene: Scene) -> None:
    """One who runs late delays the others: the board and what is stored say one start."""
    one, other, _ = scene.technicians
    number, early = free(scene), visit(scene)
    move(scene, early, other, at(8))
    send(scene, number, one, 10, others=(other,))
    now = at(9)

    def arrive(session, tables) -> None:
        found = session.get_one(Visit, early)
        found.advance(VisitState.ON_SITE, occurred_at=now, now=now, actor="t")
        found.service_duration = timedelta(hours=3)
        session.flush()
        follow(session, found, tables=tables, now=now)

    scene.change(arrive, now=now)
    assert made(scene, number) == {one: at(12), other: at(12)}


@ONE
def test_places_for_a_crew_are_found_and_given_back(scene: Scene) -> None:
    """Unassigned it has a best fit, a reason and windows; cancelling gives back what each of them had."""
    one, other, third = scene.technicians
    number = free(scene)
    with scene.db.reading() as session:
        day, found = scene.day(session), session.get_one(Visit, number)
        fit = best_fits(day, [found])[number]
        assert len({fit.technician_id, *fit.others}) == 2
        told = why(day, found)
        assert told
        assert len(told.alternatives[0].others) == 1
        ask = ask_of(found)
        assert ask
        assert ask.crew == 2
        offer = slots(session, ask, [TOMORROW], now=NOW, tables=scene.tables)[TOMORROW]
        assert offer.slots
    scene.book(offer.slots[0].window, visit=number)
    assert len(made(scene, number)) == 2
    scene.change(
        lambda session, tables: release_visit(session, session.get_one(Visit, number), tables=tables, now=NOW)
    )
    with scene.db.reading() as session:
        assert session.scalars(select(Stop)).all() == []
    for technician in (one, other):
        busy = visit(scene)
        move(scene, busy, technician, at(9))
    for technician in (one, other):
        off_sick(scene, technician)
    with scene.db.reading() as session:
        day, found = scene.day(session), session.get_one(Visit, number)
        assert best_fits(day, [found]) == {}
        told = why(day, found)
        assert told
        assert told.ways[-1].refusal.rule == "crew"


def held(scene: Scene) -> dict[int, set[tuple[int, datetime]]]:
    """By held window who keeps it free, and from when."""
    with scene.db.reading() as session:
        found: dict[int, set[tuple[int, datetime]]] = {}
        for stop in session.scalars(select(Stop).where(Stop.hold_id.is_not(None))):
            found.setdefault(stop.hold_id, set()).add((stop.technician_id, stop.starts_at))
        return found


def test_windows_are_reserved_for_a_crew(scene: Scene) -> None:
    """Each of two windows is kept by two who begin together, no other stop is touched, one is taken whole."""
    first, number = scene.book(), free(scene)
    before, until = scene.stops(), NOW + timedelta(hours=1)
    wanted = [window(starts=14, ends=16), window(starts=8, ends=10)]

    def offer(session, tables) -> None:
        found = session.get_one(Visit, number)
        free_ones = windows_to_offer(session, found, tables=scene.tables, now=NOW, until=until)
        assert set(wanted) <= set(free_ones)
        offer_windows(session, found, wanted, tables=tables, now=NOW, until=until, actor="test")

    scene.change(offer, extra=[near(0, 0)])
    assert scene.stops() == before
    assert [len(stops) for stops in held(scene).values()] == [2, 2]
    assert all(len({start for _, start in stops}) == 1 for stops in held(scene).values())
    with scene.db.reading() as session:
        ask = ask_of(session.get_one(Visit, number))
        assert ask
        mine = [f"h{hold}" for hold in held(scene)]
        offered = slots(session, ask, [TOMORROW], now=NOW, tables=scene.tables, without=mine)[TOMORROW]
        assert set(wanted) <= {slot.window for slot in offered.slots}

    def choose(session, tables) -> None:
        found = session.get_one(Visit, number)
        asked = open_offer(session, found, now=NOW)
        take(session, found, asked.id, 0, tables=tables, now=NOW, actor="customer")

    scene.change(choose, extra=[near(0, 0)])
    assert len(made(scene, number)) == 2
    assert len(set(made(scene, number).values())) == 1
    assert held(scene) == {}
    assert scene.stops()[first] == before[first]


@ONE
def test_a_plan_for_one_of_a_crew_stands_or_falls_with_the_others(scene: Scene) -> None:
    """A plan takes another visit off the leader; a member's route changed meanwhile: nothing moves."""
    single = scene.book(window(starts=14, ends=16))
    lead = scene.stops()[single][0]
    mate, third = (each for each in scene.technicians if each != lead)
    number = free(scene)
    send(scene, number, lead, 10, others=(mate,))
    with scene.db.reading() as session:
        day = scene.day(session, lift=True)
        alone = timeline.schedule(day.problem, f"t{lead}", [f"v{number}"])
        taken = timeline.schedule(day.problem, f"t{third}", [f"v{single}"])
        found = Found(day, scheduler.Plan(routes=(alone, day.plan.route_of(f"t{mate}"), taken)))
        orders, based_on = found.orders(), found.based_on()
    before = scene.stops()

    def touch(session) -> None:
        session.scalars(select(Route).where(Route.technician_id == mate)).one().version += 1

    scene.db.run(touch)

    def adopted(session, tables) -> Adoption:
        plan = session.scalars(select(Plan)).one()
        return adopt(session, plan, orders=orders, based_on=based_on, tables=tables, now=NOW, actor="test")

    adoption = scene.change(adopted)
    assert (adoption.change, adoption.left_out) == (None, {single})
    assert scene.stops() == before


def test_all_rows_follow_whoever_leads(scene: Scene) -> None:
    """On my way, arrived and done move every member's row, and what they do afterwards."""
    one, other, _ = scene.technicians
    number, later = free(scene), visit(scene)
    send(scene, number, one, 10, others=(other,))
    move(scene, later, other, at(11))
    now = at(10) + timedelta(minutes=40)
    hour, drive = timedelta(hours=1), timedelta(minutes=10)
    for state, moment, ends in (
        (VisitState.EN_ROUTE, now, now + hour),
        (VisitState.ON_SITE, now, now + hour),
        (VisitState.DONE, now + hour / 2, now + hour / 2),
    ):
        scene.change(partial(_tap, number, state, moment), now=moment)
        with scene.db.reading() as session:
            found = session.get_one(Visit, number)
            spare = drive if state == VisitState.EN_ROUTE else timedelta(0)  # some set off later
            for stop in (found.stop, *found.crew_stops):
                assert now <= stop.starts_at <= now + spare, (state, stop.technician_id)
                assert ends <= stop.ends_at <= ends + spare, (state, stop.technician_id)
            assert scene.stops()[later][1] >= found.crew_stops[0].ends_at


def _tap(number: int, state: VisitState, moment: datetime, session, tables) -> None:
    found = session.get_one(Visit, number)
    found.advance(state, occurred_at=moment, now=moment, actor="test")
    session.flush()
    follow(session, found, tables=tables, now=moment)


@ONE
def test_windows_for_a_crew_take_no_more_reading_than_for_one(scene: Scene) -> None:
    """What was read for one customer serves the next, who needs a crew at another place on many days."""
    days = [TOMORROW + timedelta(days=ahead) for ahead in range(5)]
    for on in days:
        scene.book(window(on, 10, 12))

    def asked(crew: int, place) -> list[int]:
        with scene.db.reading() as session:
            service = session.get_one(Service, scene.service_id)
            needs = replace(service.needs(), crew=crew)
            ask = ask_for(service, session.get_one(Territory, scene.territory_id), place, changed=needs)
            with statements(scene.db) as sent:
                offers = slots(session, ask, days, now=NOW, tables=scene.tables)
            assert not [statement for statement in sent if "FROM stop" in statement] or crew == 1
        return [len(offers[on].slots) for on in days]

    assert all(asked(1, near(100)))
    assert all(asked(2, near(-4_000, 500)))
    assert asked(2, near(-4_000, 500)) == asked(3, near(-4_000, 500))


def elsewhere(session, number: int) -> None:
    """Put a visit to where the crew is."""
    stop = session.scalars(select(Stop).where(Stop.visit_id == number)).one()
    stop.arrives_at = stop.starts_at = at(10)
    stop.ends_at = at(11)
    session.flush()


def twice(session) -> None:
    """Let a member of a crew come a second time, later."""
    found = session.scalars(select(Stop).where(Stop.kind == StopKind.CREW)).one()
    again = {"route_id": found.route_id, "technician_id": found.technician_id, "kind": StopKind.CREW}
    times = dict.fromkeys(("arrives_at", "starts_at", "ends_at"), at(20))
    session.add(Stop(crew_visit_id=found.crew_visit_id, **again, **times))
    session.flush()


def test_the_database_refuses_a_member_who_is_elsewhere(scene: Scene) -> None:
    """The guard against overlaps holds for every member, and one of them cannot be there twice."""
    one, other, _ = scene.technicians
    number, single = free(scene), visit(scene)
    send(scene, number, one, 10, others=(other,))
    move(scene, single, other, at(14))
    with pytest.raises(DBAPIError) as refused:
        scene.db.run(lambda session: elsewhere(session, single))
    assert is_overlap(refused.value)
    with pytest.raises(DBAPIError):
        scene.db.run(twice)
    with scene.db.reading() as session:  # what both changes left behind is the plan as it was
        assert session.scalars(select(PlanChange).order_by(PlanChange.id.desc())).first().kind == "move"
    assert made(scene, number) == {one: at(10), other: at(10)}
