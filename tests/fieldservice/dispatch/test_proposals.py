"""Optimize: a search in the worker, a proposal with its exceptions, accept, undo, discard, cancel."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldservice.models import Job, JobState, Plan, PlanChange, Proposal
from fieldservice.planning import improve
from fieldservice.planning.jobs import Work, run_next_job
from fieldservice.web import Services
from tests.factories import NOW, TODAY
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, found_in, words_of

ACCEPT = r'action="(/board/proposals/\d+/accept[^"]*)"'
DISCARD = r'action="(/board/proposals/\d+/discard[^"]*)"'
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
    assert dana.stops() == stops


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
                based_on={"routes": {}, "visits": {}},
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
