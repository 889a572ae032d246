"""Optimize: a search in the worker, a proposal with its exceptions, accept, undo, discard, cancel."""

from __future__ import annotations

import html
import multiprocessing
import re
from dataclasses import replace
from datetime import datetime
from threading import Thread

import pytest
from sqlalchemy import delete, select

from fieldservice.db import Database
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.tables import TravelTables
from fieldservice.models import Job, JobState, OutboxMessage, Plan, PlanChange, Proposal, Stop
from fieldservice.planning import improve
from fieldservice.planning.jobs import Work, run_next_job
from fieldservice.web import Services, new_key
from tests.factories import NOW, TODAY
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, found_in, words_of
from tests.services import wait_until

ACCEPT = r'action="(/board/proposals/\d+/accept[^"]*)"'
DISCARD = r'action="(/board/proposals/\d+/discard[^"]*)"'
ENOUGH = r'action="(/board/jobs/\d+/enough[^"]*)"'
CANCEL = r'action="(/board/jobs/\d+/cancel[^"]*)"'
UNDO = r'action="(/board/changes/\d+/undo[^"]*)"'


def propose(dispatcher: Dispatcher, work: Work) -> None:
    """Press Optimize and let the worker do it."""
    assert dispatcher.post(f"{BOARD}/optimise").status_code == 303
    assert run_next_job(work, owner="test")


def test_optimize_accept_undo(dana: Dispatcher, work: Work) -> None:
    """The worker finds a place for Lea; nothing changes before Accept; Undo brings everything back."""
    before = dana.stops()
    assert dana.post(f"{BOARD}/optimise").status_code == 303
    assert "Looking for a better plan" in words_of(dana.get())
    run_next_job(work, owner="test")
    page = dana.get()
    assert "Plan ready" in words_of(page)
    assert "Lea Park" in words_of(page).split("Better plan for this day")[1]
    assert "1 → 0 unassigned" in words_of(page)
    assert dana.stops() == before
    shown = html.unescape(found_in(page, 'data-map-routes="([^"]+)"'))
    drawn = [each["properties"] for each in dana.get(shown).get_json()["features"]]
    assert {each.get("state") for each in drawn} >= {"faded", "proposed"}
    lea = [each["state"] for each in drawn if each.get("visit") == dana.scene.ids["Lea"]]
    assert lea == ["proposed"]
    assert dana.post(found_in(page, ACCEPT)).status_code == 303
    assert set(dana.stops()) == {"Ida", "Joe", "Kim", "Lea"}
    board = dana.get()
    assert "changed." in words_of(board)
    assert "Plan ready" not in words_of(board)
    assert dana.post(found_in(board, UNDO)).status_code == 303
    assert dana.stops() == before


def test_discard(dana: Dispatcher, work: Work) -> None:
    """A discarded proposal is gone and changed nothing; the second who decides is told so."""
    before = dana.stops()
    propose(dana, work)
    page = dana.get()
    assert dana.post(found_in(page, DISCARD)).status_code == 303
    assert dana.stops() == before
    assert "Plan ready" not in words_of(dana.get())
    assert dana.post(found_in(page, ACCEPT)).status_code == 409
    assert dana.stops() == before


def test_cancel(dana: Dispatcher, work: Work, services: Services) -> None:
    """A cancelled search leaves nothing behind, also when its worker does not know yet."""
    dana.post(f"{BOARD}/optimise")
    assert dana.post(found_in(dana.get(), CANCEL)).status_code == 303
    assert run_next_job(work, owner="test") is False
    with services.db.reading() as session:
        assert session.scalars(select(Job.state)).all() == [JobState.CANCELLED]
        assert session.scalars(select(Proposal)).all() == []
    assert "Looking for" not in words_of(dana.get())


def test_the_best_so_far_is_enough(dana: Dispatcher, work: Work, services: Services) -> None:
    """A search that would take two minutes ends when somebody has enough of it; what it has found waits."""
    dana.post(f"{BOARD}/optimise")
    assert "Use the best so far" not in words_of(dana.get())  # there is none yet
    searching = Thread(target=run_next_job, args=(replace(work, seconds=120),), kwargs={"owner": "test"})
    searching.start()
    wait_until(lambda: _report_progress(services), "the search runs")
    assert dana.post(found_in(dana.get(), ENOUGH)).status_code == 303
    searching.join(timeout=60)
    assert not searching.is_alive()
    page = dana.get()
    assert "1 → 0 unassigned" in words_of(page)
    assert dana.post(found_in(page, ACCEPT)).status_code == 303


def _report_progress(services: Services) -> bool:
    """Say what a search of a large day would have said by now; a small one finds its best in no time."""
    with services.db.transaction() as session:
        job = session.scalars(select(Job)).one()
        if job.state == JobState.RUNNING:
            job.progress = {"elapsed_s": 1, "travel_s": 3600, "unassigned": 0, "goal": "balanced"}
        return job.state == JobState.RUNNING


def test_a_search_is_not_started_twice(dana: Dispatcher, omar: Dispatcher, services: Services) -> None:
    """Two dispatchers who press Optimize wait for the same search."""
    dana.post(f"{BOARD}/optimise")
    omar.post(f"{BOARD}/optimise")
    with services.db.reading() as session:
        assert len(session.scalars(select(Job)).all()) == 1


def test_progress_is_shown(dana: Dispatcher, services: Services) -> None:
    """While the search runs the board tells the best so far, and the poll notices every report."""
    dana.post(f"{BOARD}/optimise")
    tags = set()
    for elapsed_s, travel_s in ((1.2, 3600), (2.4, 3000)):
        with services.db.transaction() as session:
            job = session.scalars(select(Job)).one()
            job.state = JobState.RUNNING
            job.progress = {"elapsed_s": elapsed_s, "travel_s": travel_s, "unassigned": 1}
        page = dana.get()
        tags.add(found_in(page, 'data-etag="([^"]+)"'))
    assert "Best so far after 2 s: 50 min driving. 1 visit without a place." in words_of(page)
    assert len(tags) == 2


def test_a_failed_search_is_said(dana: Dispatcher, work: Work, services: Services) -> None:
    """A search that breaks changes nothing, and the board says so."""
    dana.post(f"{BOARD}/optimise")
    with services.db.transaction() as session:
        job = session.scalars(select(Job)).one()
        job.payload = {"plan_id": 999_999}
    with pytest.raises(Exception, match="No row"):
        run_next_job(work, owner="test")
    assert "No plan was found. Nothing changed." in words_of(dana.get())


def test_what_changed_meanwhile_is_left_out(dana: Dispatcher, omar: Dispatcher, work: Work) -> None:
    """A proposal whose routes somebody changed lists what will be left out, and leaves it out."""
    dana.post(f"/board/visits/{dana.scene.ids['Kim']}/unassign", plan_version=dana.version())
    propose(dana, work)
    page = dana.get()
    omar.move("Kim", omar.scene.ben, "11:00")
    omar.move("Lea", omar.scene.ana, "14:00")
    stale = dana.get()
    assert "Its route changed meanwhile. This will be left out." in words_of(stale)
    stops = dana.stops()
    assert dana.post(found_in(page, ACCEPT)).status_code == 303
    assert "Left out, because somebody changed their routes meanwhile:" in words_of(dana.get())
    moved = {name: dana.stops()[name] for name in ("Kim", "Lea")}
    assert moved == {name: stops[name] for name in moved}


def test_a_broken_promise_comes_first(dana: Dispatcher, services: Services) -> None:
    """A change that breaks a promise is the first line, says Ask, and every change is there."""
    with services.db.transaction() as session:
        plan = session.scalars(select(Plan).where(Plan.on == TODAY)).one()
        job = improve.request_proposal(session, plan, now=NOW, actor="test")
        job.state, job.finished_at = JobState.DONE, NOW
        entry = {"from_technician_id": dana.scene.ana.id, "to_technician_id": None, "to_starts_at": None}
        session.add(
            Proposal(
                plan_id=plan.id,
                job_id=job.id,
                based_on={"routes": {}, "visits": {f"v{key}": 1 for key in dana.scene.ids.values()}},
                routes={},
                created_at=NOW,
                summary={
                    "promised": 4,
                    "promises_kept": 3,
                    **{
                        f"{name}_{when}{unit}": 60
                        for name, unit in (("driving", "_s"), ("overtime", "_s"), ("unassigned", ""))
                        for when in ("before", "after")
                    },
                    "seconds": 1.0,
                    "changes": [
                        {
                            "visit_id": dana.scene.ids[name],
                            "from_starts_at": NOW.isoformat(),
                            "promise_kept": kept,
                        }
                        | entry
                        for name, kept in (("Joe", True), ("Ida", False))
                    ],
                    "unassigned": [{"visit_id": dana.scene.ids["Lea"], "reasons": []}],
                },
            )
        )
    panel = words_of(dana.get()).split("Better plan for this day")[1]
    assert "3 / 4 promises kept" in panel
    assert panel.index("Ida Park") < panel.index("Joe Park")
    assert "Ask the customer first." in panel
    assert "No technician can make it today." in panel


def test_a_move_does_not_wait_for_a_search(dana: Dispatcher, work: Work) -> None:
    """A form that was opened before the proposal came still works: the plan itself did not change."""
    version = dana.version()
    propose(dana, work)
    assert dana.move("Lea", dana.scene.ben, plan_version=version).status_code == 303


def test_nothing_to_optimize(dana: Dispatcher, services: Services) -> None:
    """A day without a plan says so and starts no search."""
    assert dana.post("/board/2026-05-05/optimise").status_code == 303
    assert "There is nothing to optimize on this day yet." in words_of(dana.get("/board/2026-05-05"))
    with services.db.reading() as session:
        assert session.scalars(select(Job)).all() == []


def test_undo_of_an_accepted_proposal_is_recorded(dana: Dispatcher, work: Work, services: Services) -> None:
    """The history keeps both changes, the second pointing back."""
    propose(dana, work)
    dana.post(found_in(dana.get(), ACCEPT))
    dana.post(found_in(dana.get(), UNDO))
    with services.db.reading() as session:
        accepted, undone = session.scalars(select(PlanChange).order_by(PlanChange.id)).all()
        assert (accepted.kind, undone.kind, accepted.undone_by_id) == ("optimise", "undo", undone.id)


PART = r'action="(/board/proposals/\d+/part[^"]*)"'


def test_two_plans_side_by_side(dana: Dispatcher, work: Work, services: Services) -> None:
    """Two goals make two columns beside the day as it is; looking at one shows its changes, and accepting it
    closes the other."""
    page = dana.get(f"{BOARD}/optimise?visits={dana.scene.ids['Lea']}")
    assert "Compare with" in words_of(page)
    assert re.search(rf'value="{dana.scene.ids["Lea"]}" checked', page.text)
    assert dana.post(f"{BOARD}/optimise", goal="driving", rival="fair").status_code == 303
    assert "Plan 1 of 2: Least driving" in words_of(dana.get())
    run_next_job(work, owner="test")
    board = dana.get()
    assert "Plans to compare" in words_of(board)
    compared = words_of(board).split("Which plan?")[1]
    for words in ("As it is", "Least driving", "Fair", "Promises kept 3 / 4", "Unassigned 1 0 0"):
        assert words in compared
    looked = dana.get(html.unescape(found_in(board, r'href="(/board/[^"]*proposal=\d+[^"]*)"')))
    assert "Better plan for this day: Least driving" in words_of(looked)
    assert 'class="ghost ' in looked.text
    assert dana.post(found_in(looked, ACCEPT)).status_code == 303
    assert "Lea" in dana.stops()
    with services.db.reading() as session:
        assert sorted(session.scalars(select(Proposal.state)).all()) == ["accepted", "replaced"]


def test_one_change_after_the_other(dana: Dispatcher, work: Work, services: Services) -> None:
    """One change is accepted alone and can be undone alone; a skipped one is gone; nothing is left to decide.
    The same form again counts once, and a change that somebody else made since is refused."""
    propose(dana, work)
    page = dana.get()
    lea = f"v{dana.scene.ids['Lea']}"
    part = found_in(page, rf'name="part" value="([^"]*{lea}[^"]*)"')
    key = new_key()
    for _ in range(2):
        fields = {"part": part, "decision": "accept", "idempotency_key": key}
        assert dana.post(found_in(page, PART), **fields).status_code == 303
    assert "Lea" in dana.stops()
    assert dana.post(found_in(page, PART), part=part, decision="accept").status_code == 409
    board = dana.get()
    dana.post(found_in(board, UNDO))
    assert "Lea" not in dana.stops()
    with services.db.reading() as session:
        assert len(session.scalars(select(PlanChange)).all()) == 2


def test_skip_the_only_change(dana: Dispatcher, work: Work, services: Services) -> None:
    """When every change was skipped the plan is closed and nothing has changed."""
    propose(dana, work)
    before = dana.stops()
    for _ in range(6):
        page = dana.get()
        if "Plan ready" not in words_of(page):
            break
        part = found_in(page, r'name="part" value="([^"]+)"')
        assert dana.post(found_in(page, PART), part=part, decision="skip").status_code == 303
    assert "Plan ready" not in words_of(dana.get())
    assert dana.stops() == before


def test_one_route_and_what_is_asked_wrongly(dana: Dispatcher, work: Work) -> None:
    """One technician's route takes in what has no place; a route without a technician and no visits at all
    are asked about again, in words."""
    bad = dana.post(f"{BOARD}/optimise", what="row")
    assert bad.status_code == 422
    assert "Choose a technician." in words_of(bad)
    bad = dana.post(f"{BOARD}/optimise", what="selected")
    assert bad.status_code == 422
    assert "Choose at least one visit." in words_of(bad)
    assert dana.post(f"{BOARD}/optimise", what="row", technician=dana.scene.ben.id).status_code == 303
    run_next_job(work, owner="test")
    assert "Better route for Ben Okafor" in words_of(dana.get())
    before = dana.stops()
    dana.post(found_in(dana.get(), ACCEPT))
    after = dana.stops()
    assert after["Lea"][0] == "Ben"
    assert {name: after[name] for name in ("Ida", "Joe")} == {name: before[name] for name in ("Ida", "Joe")}


def test_the_next_two_weeks(dana: Dispatcher, work: Work) -> None:
    """Each day with a plan is searched; all are accepted at once, or discarded with their searches."""
    answer = dana.post(f"{BOARD}/optimise", what="fortnight")
    assert answer.location.startswith("/board/ahead")
    assert "1 day is still searched" in words_of(dana.get("/board/ahead"))
    dana.post("/board/ahead/discard")
    assert run_next_job(work, owner="test") is False
    dana.post(f"{BOARD}/optimise", what="fortnight")
    assert run_next_job(work, owner="test")
    assert "Plan ready" in words_of(dana.get("/board/ahead"))
    assert dana.post("/board/ahead/accept").status_code == 303
    assert "Lea" in dana.stops()
    assert "No plan waits." in words_of(dana.get("/board/ahead"))


def test_only_they_are_told_whose_technician_changed(
    dana: Dispatcher, work: Work, services: Services
) -> None:
    """Before the accept nobody is told; then those who knew who comes and get another, and nobody else."""
    dana.post(f"{BOARD}/dispatch")
    with services.db.transaction() as session:
        knew = {stop.visit_id: stop.technician_id for stop in session.scalars(select(Stop)) if stop.visit_id}
        session.execute(delete(OutboxMessage))
    propose(dana, work)
    with services.db.reading() as session:
        assert session.scalars(select(OutboxMessage)).all() == []
    dana.post(found_in(dana.get(), ACCEPT))
    with services.db.reading() as session:
        now = {stop.visit_id: stop.technician_id for stop in session.scalars(select(Stop)) if stop.visit_id}
        told = {message.visit_id for message in session.scalars(select(OutboxMessage))}
    assert told == {visit for visit in knew if now[visit] != knew[visit]}


def test_another_process_stops_its_search(dana: Dispatcher, services: Services) -> None:
    """The planner is a process of its own: a search of a minute there ends within seconds of Cancel, and
    leaves no proposal."""
    dana.post(f"{BOARD}/optimise")
    url = services.db.engine.url.render_as_string(hide_password=False)
    context = multiprocessing.get_context("spawn")
    planner = context.Process(target=_plan_for_a_minute, args=(url, NOW), daemon=True)
    planner.start()
    wait_until(lambda: _job_state(services) == JobState.RUNNING, "the planner's search", 120)
    dana.post(found_in(dana.get(), CANCEL))
    planner.join(45)
    assert planner.exitcode == 0
    assert _job_state(services) == JobState.CANCELLED
    with services.db.reading() as session:
        assert session.scalars(select(Proposal)).all() == []


def _plan_for_a_minute(url: str, now: datetime) -> None:
    run_next_job(
        Work(Database(url), TravelTables(EstimatedTravelTimes()), 60.0, lambda: now), owner="planner"
    )


def _job_state(services: Services) -> str:
    with services.db.reading() as session:
        return session.scalars(select(Job.state)).one()
