"""A plan found on a snapshot: what nobody touched is adopted, what happened meanwhile stays."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

import scheduler
from fieldservice.db import Database
from fieldservice.models import Job, JobState, Plan, Proposal, Territory, Visit, VisitState
from fieldservice.planning import facts, improve, jobs, proposals
from fieldservice.planning.adoption import Limits, adopt
from fieldservice.planning.figures import figures
from fieldservice.planning.jobs import Work
from fieldservice.planning.problem import build
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import release_visit
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


def found(scene: Scene) -> improve.Found:
    """A plan that exchanges the two technicians' routes as a whole: feasible, and different everywhere."""
    with scene.db.reading() as session:
        day = scene.day(session, TOMORROW, lift=True)
    one, two = day.plan.routes
    plan = scheduler.Plan(
        routes=(
            scheduler.Route(shift=one.shift, stops=two.stops),
            scheduler.Route(shift=two.shift, stops=one.stops),
        )
    )
    return improve.Found(day, plan)


def take(scene: Scene, plan: improve.Found, **how):
    """Adopt a found plan."""

    def work(session, tables):
        row = session.scalars(select(Plan).where(Plan.on == TOMORROW)).one()
        return adopt(
            session,
            row,
            orders=plan.orders(),
            based_on=plan.based_on(),
            tables=tables,
            now=NOW,
            actor="test",
            limits=Limits(**how),
        )

    return scene.change(work)


def test_an_untouched_plan_is_adopted_whole(scene: Scene) -> None:
    """Without any change meanwhile every visit goes where the search put it, inside its window."""
    before, plan = scene.stops(), found(scene)
    adoption = take(scene, plan)
    after = scene.stops()
    assert adoption.left_out == frozenset()
    assert {visit: stop[0] for visit, stop in after.items()} != {v: stop[0] for v, stop in before.items()}
    with scene.db.reading() as session:
        counted = figures(session, scene.territory_id, TOMORROW)
    assert (counted.promised, counted.kept) == (6, 6)


def test_a_booking_meanwhile_is_not_overwritten(scene: Scene) -> None:
    """A visit that came during the search stays; the routes that it touches are left alone and listed."""
    plan = found(scene)
    newcomer = scene.book(window(starts=14, ends=16))
    before = scene.stops()
    adoption = take(scene, plan)
    assert scene.stops() == before
    assert newcomer in before
    assert adoption.change is None
    assert adoption.left_out


def test_without_the_versions_the_booking_would_be_lost(scene: Scene) -> None:
    """Positive control: told that it saw the present versions, the same plan drops the new visit."""
    plan = found(scene)
    newcomer = scene.book(window(starts=14, ends=16))
    fresh = found(scene)

    def work(session, tables):
        row = session.scalars(select(Plan).where(Plan.on == TOMORROW)).one()
        return adopt(
            session,
            row,
            orders=plan.orders(),
            based_on=fresh.based_on(),
            tables=tables,
            now=NOW,
            actor="test",
            limits=Limits(may_unassign=True),
        )

    scene.change(work)
    assert newcomer not in scene.stops()


def test_a_cancelled_visit_does_not_come_back(scene: Scene) -> None:
    """A visit that was cancelled during the search is on no route afterwards, and nothing else moved."""
    plan = found(scene)
    gone = min(scene.stops())

    def cancel(session, tables):
        visit = session.get_one(Visit, gone)
        release_visit(session, visit, tables=tables, now=NOW)
        visit.cancel(now=NOW, actor="test")

    scene.change(cancel)
    before = scene.stops()
    take(scene, plan)
    assert gone not in scene.stops()
    assert scene.stops() == before


def test_a_machine_never_unassigns_but_a_person_may(scene: Scene) -> None:
    """A plan that leaves a promised visit out is refused in the background and adopted when accepted."""
    plan = found(scene)
    routes = tuple(
        scheduler.Route(shift=route.shift, stops=route.stops[1:]) if number == 0 else route
        for number, route in enumerate(plan.plan.routes)
    )
    shorter = improve.Found(plan.day, scheduler.Plan(routes=routes))
    before = scene.stops()
    assert take(scene, shorter).change is None
    assert scene.stops() == before
    take(scene, shorter, may_unassign=True)
    assert len(scene.stops()) == len(before) - 1


def work_for(scene: Scene, **overrides: object) -> Work:
    """What a worker is given, at NOW."""
    values = {"db": scene.db, "tables": scene.tables, "seconds": 0.5, "clock": lambda: NOW} | overrides
    return Work(**values)  # type: ignore[arg-type]


def ask(scene: Scene) -> int:
    """Ask for a proposal for tomorrow."""

    def work(session):
        plan = session.scalars(select(Plan).where(Plan.on == TOMORROW)).one()
        return improve.request_proposal(session, plan, now=NOW, actor="user:1 Dana").id

    return scene.db.run(work)


def test_a_proposal_changes_nothing_before_it_is_accepted(scene: Scene) -> None:
    """The search stores a proposal; the stops move only with the accept, and promises hold after it."""
    before = scene.stops()
    job = ask(scene)
    assert ask(scene) == job
    assert jobs.run_next_job(work_for(scene), owner="one")
    assert scene.stops() == before

    def accept(session, tables):
        proposal = session.scalars(select(Proposal)).one()
        assert proposal.summary["promises_kept"] == 6
        proposals.accept_proposal(session, proposal, proposals.By(tables, NOW, "test", None))

    scene.change(accept)
    with scene.db.reading() as session:
        assert session.get_one(Job, job).state == JobState.DONE
        assert figures(session, scene.territory_id, TOMORROW).kept == 6
    with pytest.raises(proposals.ProposalClosed):
        scene.change(accept)


def test_a_cancelled_search_leaves_nothing(scene: Scene) -> None:
    """Cancelled before it runs, a job is not done and makes no proposal."""
    job = ask(scene)
    scene.db.run(lambda session: jobs.cancel_job(session, session.get_one(Job, job), now=NOW))
    assert not jobs.run_next_job(work_for(scene), owner="one")
    with scene.db.reading() as session:
        assert session.scalars(select(Proposal)).all() == []


def test_a_search_cancelled_while_it_runs_leaves_nothing(scene: Scene) -> None:
    """What a search finds after somebody stopped it is thrown away, and the job stays cancelled."""
    job = ask(scene)
    looks = iter(range(100))

    def clock() -> datetime:
        if next(looks) == 1:  # the job is claimed, the search begins
            scene.db.run(lambda session: jobs.cancel_job(session, session.get_one(Job, job), now=NOW))
        return NOW

    assert jobs.run_next_job(work_for(scene, clock=clock), owner="one")
    with scene.db.reading() as session:
        assert session.get_one(Job, job).state == JobState.CANCELLED
        assert session.scalars(select(Proposal)).all() == []


def test_a_dead_workers_job_is_taken_over_when_its_lease_ends(scene: Scene) -> None:
    """While the lease lasts nobody else takes the job; afterwards somebody does, and it is done once."""
    job = ask(scene)

    def die(session):
        row = session.get_one(Job, job)
        row.state, row.lease_owner, row.attempts = JobState.RUNNING, "dead", 1
        row.lease_until = NOW + timedelta(minutes=1)

    scene.db.run(die)
    assert not jobs.run_next_job(work_for(scene), owner="two")
    assert jobs.run_next_job(work_for(scene, clock=lambda: NOW + timedelta(minutes=2)), owner="two")
    with scene.db.reading() as session:
        assert session.get_one(Job, job).state == JobState.DONE
        assert len(session.scalars(select(Proposal)).all()) == 1


def test_improving_a_day_keeps_every_promise(scene: Scene) -> None:
    """The background search makes the stored plan no worse and keeps six of six promises."""
    improvement = jobs.improve_day(work_for(scene), scene.territory_id, TOMORROW, actor="test")
    assert improvement.after.kept == improvement.after.promised == 6
    assert improvement.after.driving <= improvement.before.driving
    assert "promises kept 6 of 6" in improvement.sentence()


def test_no_search_places_a_request_without_a_window(scene: Scene) -> None:
    """A customer who was told no time is not visited: the request stays unassigned, with nothing promised."""
    request = scene.visit()

    def work(session, _tables):
        session.get_one(Visit, request).wanted_on = TOMORROW

    scene.change(work)
    improvement = jobs.improve_day(work_for(scene), scene.territory_id, TOMORROW, actor="test")
    assert request not in scene.stops()
    assert improvement.after.kept == improvement.after.promised == 6


def test_tomorrow_is_searched_once_for_each_state(scene: Scene) -> None:
    """Beat asks for tomorrow's plan; without a change in between it does not ask again."""
    count = [scene.db.run(lambda session: jobs.request_improvements(session, now=NOW)) for _ in range(2)]
    assert count == [1, 0]
    with scene.db.reading() as session:
        assert session.scalars(select(Territory)).one().id == scene.territory_id


def _soon(scene: Scene) -> tuple[datetime, timedelta]:
    """A quarter of an hour before the first two visits begin, and a freeze that holds just them."""
    first = min(stop[1] for stop in scene.stops().values())
    return first - timedelta(minutes=15), timedelta(minutes=30)


@pytest.mark.parametrize("frozen", [True, False])
def test_what_begins_soon_is_moved_by_no_search(scene: Scene, frozen: bool) -> None:
    """A search that would gain most by exchanging everything leaves what is frozen where it is.

    The control: without the freeze the same search may move it, because nothing in the problem holds it.
    """
    now, freeze = _soon(scene)
    before = scene.stops()
    soon = {f"v{visit}" for visit, stop in before.items() if stop[1] < now + freeze}
    assert soon
    with scene.db.reading() as session:
        territory = session.get_one(Territory, scene.territory_id)
        table = scene.day(session, TOMORROW).table
        day = improve.snapshot(
            session, territory, TOMORROW, table=table, now=now, freeze=freeze if frozen else timedelta(0)
        )
    held = {visit.id for visit in day.problem.visits if visit.pinned is not None}
    assert held == (soon if frozen else set())
    if not frozen:
        return
    plan = improve.search(day, seconds=None, iterations=30)
    for route in plan.plan.routes:
        for stop in route.stops:
            if stop.visit in soon:
                assert stop in day.plan.route_of(route.shift).stops


@pytest.mark.parametrize("frozen", [True, False])
def test_a_proposal_that_waited_moves_nothing_that_begins_soon(scene: Scene, frozen: bool) -> None:
    """What was found in the evening and is accepted when the first visits are near leaves their routes alone.

    The control: without the freeze it is adopted whole.
    """
    before, plan = scene.stops(), found(scene)
    _, freeze = _soon(scene)
    wait = min(stop[1] for stop in before.values()) - NOW
    adoption = take(scene, plan, freeze=wait + freeze if frozen else timedelta(0))
    assert bool(adoption.adopted) is not frozen
    assert (scene.stops() == before) is frozen
    if frozen:
        assert adoption.left_out == frozenset(before)


@pytest.mark.parametrize("guarded", [True, False])
def test_on_my_way_is_never_reordered(scene: Scene, guarded: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """After On my way the stop is a fact: it is in no problem, so that nothing puts another before it.

    The control: were it planned like any other, a search could move it.
    """
    first, stop = min(scene.stops().items(), key=lambda entry: entry[1][1])
    tapped_at = stop[1] - timedelta(minutes=10)
    with scene.db.transaction() as session:
        visit = session.get_one(Visit, first)
        visit.advance(VisitState.EN_ROUTE, occurred_at=tapped_at, now=tapped_at, actor="test")
    if not guarded:
        monkeypatch.setattr(facts, "UNDERWAY", frozenset())
    with scene.db.reading() as session:
        rows = load_day(session, session.get_one(Territory, scene.territory_id), TOMORROW, now=tapped_at)
        day = build(rows, scene.day(session, TOMORROW).table, lift=True)
    assert (f"v{first}" in day.problem.visit_by_id) is not guarded
    assert (len(day.done[stop[0]]) == 1) is guarded
