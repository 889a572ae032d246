"""Proposals in parts: scopes and goals, changes one by one, and what somebody changed meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select

import scheduler
from fieldservice.db import Database
from fieldservice.models import Job, OutboxMessage, Plan, PlanChange, Proposal, Stop
from fieldservice.planning import improve, jobs, proposals, relaxing
from fieldservice.planning.goals import Aim, Goal, Scope, aimed, busy_gap_s
from fieldservice.planning.improve import Asked
from fieldservice.planning.jobs import Work
from fieldservice.planning.parts import Parts
from fieldservice.planning.problem import Day
from tests.factories import NOW, TOMORROW, make_company, near, window
from tests.fieldservice.planning.scenes import Scene


@pytest.fixture
def scene(db: Database) -> Scene:
    """Two technicians and six visits, booked so that each serves both ends of the town."""
    scene = Scene(db, lambda session: make_company(session, 2))
    for hour in (8, 10, 12):
        for north in (0, 9000):
            scene.book(window(starts=hour, ends=hour + 2), at=near(north, 500 * hour))
    return scene


def look(scene: Scene, *, lift: bool = False) -> Day:
    """The day as it is stored now."""
    with scene.db.reading() as session:
        return scene.day(session, TOMORROW, lift=lift)


def searched(scene: Scene, aim: Aim) -> improve.Found:
    """What a short search finds."""
    return improve.search(look(scene, lift=True), seconds=None, iterations=60, aim=aim)


def exchanged(scene: Scene) -> improve.Found:
    """A plan that exchanges the two routes as a whole."""
    day = look(scene, lift=True)
    one, two = day.plan.routes
    routes = (replace(one, stops=two.stops), replace(two, stops=one.stops))
    return improve.Found(day, scheduler.Plan(routes=routes))


def stored(scene: Scene, found: improve.Found) -> int:
    """The number of a proposal of a found plan."""

    def work(session):
        plan = session.scalars(select(Plan).where(Plan.on == TOMORROW)).one()
        job = improve.request_proposal(session, plan, now=NOW, actor="test")
        job.state = "done"
        return proposals.store_proposal(session, found, job=job, seconds=1, now=NOW).id

    return scene.db.run(work)


def decide(scene: Scene, number: int, work: Callable) -> object:
    """Do something with a proposal in a transaction."""

    def transaction(session, tables):
        proposal = session.get_one(Proposal, number)
        return work(session, proposal, proposals.By(tables, NOW, "test", None))

    return scene.change(transaction)


def take(scene: Scene, number: int, names: Collection[str]) -> None:
    """Accept some changes."""
    decide(scene, number, lambda session, proposal, by: proposals.accept_part(session, proposal, names, by))


def open_parts(scene: Scene, number: int) -> Parts:
    """What is left of a proposal now."""
    with scene.db.reading() as session:
        return proposals.parts_of(scene.day(session, TOMORROW), session.get_one(Proposal, number))


def orders(scene: Scene) -> dict[str, tuple[str, ...]]:
    """The visits of each route, in order."""
    return {route.shift: route.visit_ids for route in look(scene).plan.routes}


def require_legal(scene: Scene) -> None:
    """The stored day breaks no rule of the scheduler."""
    day = look(scene)
    assert scheduler.check(day.problem, day.plan) == []


def test_one_by_one_is_the_same_as_all_at_once(scene: Scene) -> None:
    """Each part is a checked change of its own with an entry in the history; after the last one the day is as
    the proposal wanted it, and the proposal is closed."""
    found = exchanged(scene)
    number = stored(scene, found)
    steps = 0
    while names := sorted(open_parts(scene, number).open):
        parts = open_parts(scene, number)
        part = next(part for name in names if (part := parts.part(name)))
        take(scene, number, part.names)
        require_legal(scene)
        steps += 1
        assert steps < 10
    assert orders(scene) == {f"t{key}": tuple(names) for key, names in found.orders().items()}
    with scene.db.reading() as session:
        assert session.scalar(select(func.count(PlanChange.id))) == steps >= 1
        assert session.get_one(Proposal, number).state == "accepted"


def test_what_belongs_together_cannot_be_made_alone(scene: Scene) -> None:
    """A visit whose place is taken goes with the one that makes room; without the check both overlap."""
    parts = open_parts(scene, stored(scene, exchanged(scene)))
    needy = [name for name in parts.moves if parts.together({name}) is None]
    assert needy
    part = parts.part(needy[0])
    assert part is not None
    assert len(part.names) > 1
    assert parts.together(part.names) == part


def test_skipped_changes_stay_out(scene: Scene) -> None:
    """What was skipped is not made with the rest, which is worked out anew around it."""
    number = stored(scene, exchanged(scene))
    before = orders(scene)
    skipped = min(open_parts(scene, number).moves)
    decide(scene, number, lambda *args: proposals.skip_part(args[0], args[1], {skipped}, args[2]))
    assert skipped not in open_parts(scene, number).open
    decide(scene, number, proposals.accept_proposal)
    where = {name: shift for shift, names in orders(scene).items() for name in names}
    assert skipped in before[where[skipped]]
    require_legal(scene)


def test_a_booking_meanwhile_is_merged(scene: Scene) -> None:
    """A customer books while a proposal waits: the booking stays, the rest of the plan is made around it or
    named, and nobody is lost."""
    number = stored(scene, exchanged(scene))
    newcomer = scene.book(window(starts=14, ends=16))
    adoption = decide(scene, number, proposals.accept_proposal)
    assert newcomer in scene.stops()
    assert len(scene.stops()) == 7
    assert adoption.adopted or adoption.left_out
    require_legal(scene)


def test_what_a_dispatcher_moved_no_longer_holds(scene: Scene) -> None:
    """A visit that is elsewhere than the proposal saw it is left alone, and named."""
    number = stored(scene, exchanged(scene))
    parts = open_parts(scene, number)
    name = min(parts.moves)

    def take_off(session, _tables):
        stop = session.scalars(select(Stop).where(Stop.visit_id == int(name[1:]))).one()
        stop.route.version += 1
        session.delete(stop)

    scene.change(take_off)
    assert name in open_parts(scene, number).gone
    with pytest.raises(proposals.PartGone):
        take(scene, number, {name})
    adoption = decide(scene, number, proposals.accept_proposal)
    assert int(name[1:]) in adoption.left_out
    assert int(name[1:]) not in scene.stops()


def test_a_search_for_one_route_leaves_the_others(scene: Scene) -> None:
    """Only the route that was asked for has another order; all others are as they were."""
    mine = scene.technicians[0]
    found = searched(scene, Aim(scope=Scope(technician_id=mine)))
    was = look(scene)
    assert found.plan.route_of(f"t{mine}").visit_ids
    assert {route.shift for route in found.plan.routes} == {route.shift for route in was.plan.routes}
    for route in was.plan.routes:
        if route.shift != f"t{mine}":
            assert found.plan.route_of(route.shift) == route
    assert scheduler.check(found.day.problem, found.plan) == []


def test_selected_visits_may_move_and_the_others_stay(scene: Scene) -> None:
    """Whoever was not selected keeps the technician; the whole search would move some of them."""
    was = {name: route.shift for route in look(scene).plan.routes for name in route.visit_ids}
    selected = min(was)
    found = searched(scene, Aim(scope=Scope(visit_ids=(int(selected[1:]),))))
    now = {name: route.shift for route in found.plan.routes for name in route.visit_ids}
    assert {name for name in was if was[name] != now[name]} <= {selected}
    free = searched(scene, Aim())
    free_now = {name: route.shift for route in free.plan.routes for name in route.visit_ids}
    assert {name for name in was if was[name] != free_now[name]} - {selected}


def test_goals_are_better_at_what_they_are_for(scene: Scene) -> None:
    """Least driving drives no more than fair, fair is no less even, on time first has no less to spare."""
    found = {goal: searched(scene, Aim(goal)) for goal in Goal}
    driving = {goal: one.summary(seconds=1)["driving_after_s"] for goal, one in found.items()}
    gap = {goal: busy_gap_s(one.day.problem, one.plan) for goal, one in found.items()}
    assert driving[Goal.DRIVING] <= driving[Goal.FAIR]
    assert gap[Goal.FAIR] <= gap[Goal.DRIVING]
    assert spare_s(found[Goal.ON_TIME]) >= spare_s(found[Goal.BALANCED])
    for one in found.values():
        assert scheduler.check(one.day.problem, one.plan) == []


def spare_s(found: improve.Found) -> int:
    """Seconds that the visits begin later than half an hour before the ends of their promises, negative."""
    problem = aimed(found.day.problem, Goal.ON_TIME)
    return -sum(
        max(0, stop.start_s - (problem.visit_by_id[stop.visit].due_s or stop.start_s))
        for route in found.plan.routes
        for stop in route.stops
        if stop.visit
    )


def work_for(scene: Scene) -> Work:
    """What a worker is given."""
    return Work(scene.db, scene.tables, 0.4, lambda: NOW)


def request(scene: Scene, asked: Asked) -> None:
    """Ask for plans of tomorrow."""

    def work(session):
        plan = session.scalars(select(Plan).where(Plan.on == TOMORROW)).one()
        improve.request_proposal(session, plan, now=NOW, actor="test", asked=asked)

    scene.db.run(work)


def everything(scene: Scene) -> tuple:
    """What a plan that nobody wants must not touch."""
    with scene.db.reading() as session:
        plan = session.scalars(select(Plan).where(Plan.on == TOMORROW)).one()
        counts = [
            session.scalar(select(func.count()).select_from(row)) for row in (PlanChange, OutboxMessage)
        ]
        return plan.version, scene.stops(), counts


def test_two_plans_that_nobody_wants_leave_no_trace(scene: Scene) -> None:
    """One search makes a plan for each goal; when they are discarded the day is as if nobody had asked, and
    accepting one closes the other."""
    before = everything(scene)
    request(scene, Asked((Goal.DRIVING, Goal.FAIR)))
    assert jobs.run_next_job(work_for(scene), owner="one")
    with scene.db.reading() as session:
        found = session.scalars(select(Proposal).order_by(Proposal.id)).all()
        assert [one.goal for one in found] == [Goal.DRIVING, Goal.FAIR]
    number = found[0].id
    scene.db.run(
        lambda session: proposals.discard_proposal(
            session, session.get_one(Proposal, number), now=NOW, user_id=None
        )
    )
    assert everything(scene) == before
    with scene.db.reading() as session:
        assert {one.state for one in session.scalars(select(Proposal))} == {"discarded", "replaced"}


def test_days_ahead_wait_for_whoever_waits(scene: Scene) -> None:
    """A search for the next two weeks comes after one that a dispatcher looks at, and is promoted by one."""
    request(scene, Asked(ahead=True))
    with scene.db.reading() as session:
        assert session.scalars(select(Job.kind)).all() == [improve.AHEAD]
    request(scene, Asked((Goal.FAIR,)))
    with scene.db.reading() as session:
        job = session.scalars(select(Job)).one()
        assert (job.kind, job.payload["goals"]) == (improve.PROPOSE, ["fair"])


def test_a_repair_is_not_taken_back_by_one_part(scene: Scene) -> None:
    """Pins that trouble freed come back with the part that is about them, and only with it."""
    assert relaxing.pinned_to((), look(scene).problem.visits[0]).pinned is None
    number = stored(scene, exchanged(scene))
    name = min(open_parts(scene, number).moves)
    pin = {"technician_id": scene.technicians[0], "starts_at": None}
    cause = {"kind": "sick", "technician_id": 1, "visit_ids": [int(name[1:])], "absence_id": None}

    def trouble(session):
        proposal = session.get_one(Proposal, number)
        proposal.summary = {**proposal.summary, "causes": [{**cause, "pins": {name: pin, "v999": pin}}]}

    scene.db.run(trouble)
    parts = open_parts(scene, number)
    part = parts.part(name)
    assert part is not None
    take(scene, number, part.names)
    with scene.db.reading() as session:
        change = session.scalars(select(PlanChange)).one()
        assert change.before["pins"] == {name: pin}
        assert change.summary["causes"] == []
        assert session.get_one(Proposal, number).created_at - NOW == timedelta(0)
