"""Visits of crews on the board, without JavaScript."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldservice.models import CannedAnswer, Job, Stop, TechnicianSkill, Visit, VisitState
from fieldservice.planning.jobs import Work, run_next_job
from tests.factories import NOW, TODAY, add
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, found_in, words_of
from tests.fieldservice.dispatch.test_proposals import ACCEPT, UNDO

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL differs here


def makers(dana: Dispatcher, name: str) -> list[str]:
    """The first names of those who make a visit, whoever leads first."""
    with dana.db.reading() as session:
        found = session.get_one(Visit, dana.scene.ids[name])
        return [technician.name.split()[0] for technician in found.made_by]


def test_two_make_a_visit(dana: Dispatcher) -> None:
    """Joe needs two: the page finds Ben, both rows have it, list and inspector name both, Undo parts them."""
    ana, ben, carl = dana.scene.ana, dana.scene.ben, dana.scene.carl
    joe, lea = dana.scene.ids["Joe"], dana.scene.ids["Lea"]
    page = f"{BOARD}/visits/{joe}/crew"
    assert "How many technicians" in words_of(dana.get(page))
    version = {"plan_version": dana.version()}
    said = dana.post(page, people="3", who=[ana.id, ben.id], **version)
    assert (said.status_code, "or as many as it needs" in words_of(said)) == (422, True)
    said = dana.post(page, people="2", who=[ana.id, carl.id], start="13:00", **version)
    assert (said.status_code, "level" in words_of(said)) == (422, True)
    said = dana.post(page, people="2", who=[ana.id, ben.id], start="16:00", **version)
    assert (said.status_code, "Say why" in words_of(said)) == (422, True)
    assert dana.post(page, people="2", who=[ana.id], start="13:00", **version).status_code == 303
    assert makers(dana, "Joe") == ["Ana", "Ben"]
    told = words_of(dana.get(f"{BOARD}?visit={joe}"))
    assert "Made together by Ana Reyes, Ben Okafor" in told
    assert told.count("Joe Park") >= 2
    assert "with Ben Okafor" in words_of(dana.get(f"{BOARD}?view=list"))
    assert "with Ben Okafor" in words_of(dana.get(f"{BOARD}?view=list&who={ben.id}"))
    assert "Joe Park to Ana Reyes, Ben Okafor" in words_of(dana.get(f"{BOARD}/history"))
    hint = words_of(dana.get(f"/board/visits/{joe}/check?technician={carl.id}&start=13:30&instead={ben.id}"))
    assert "Cannot be" in hint
    refused = dana.move("Lea", ben, "12:50", confirmed="yes", reason="She asked")
    assert (refused.status_code, "when the others of the crew do" in words_of(refused)) == (422, True)
    assert dana.move("Joe", ben, "14:00").status_code == 303
    assert makers(dana, "Joe") == ["Ben", "Ana"]
    number = dana.get(f"{BOARD}/history").text.partition("/board/changes/")[2].partition("/")[0]
    assert dana.post(f"/board/changes/{number}/undo").status_code == 303
    assert makers(dana, "Joe") == ["Ana", "Ben"]
    routes = dana.get(f"{BOARD}/routes.geojson").get_json()["features"]
    stops = [each["properties"] for each in routes if each["properties"].get("visit") == joe]
    assert {each["technician"] for each in stops} == {ana.id, ben.id}
    assert dana.post(f"/board/visits/{joe}/unassign", plan_version=dana.version()).status_code == 303
    assert makers(dana, "Joe") == []
    assert "together" in words_of(dana.get(f"{BOARD}?visit={joe}"))
    assert "with Ben Okafor" in words_of(dana.get(f"/board/visits/{joe}/move"))
    said = dana.post(f"{BOARD}/visits/{lea}/crew", people="2", plan_version=dana.version())
    assert said.status_code == 303
    assert "Lea Park needs 2 technicians" in words_of(dana.get(f"{BOARD}/history"))
    assert dana.move("Lea", ana).status_code == 303
    assert makers(dana, "Lea") == ["Ana", "Ben"]


def together(dana: Dispatcher) -> None:
    """Ana and Ben make Joe's visit at one; Ana leads."""
    who = [dana.scene.ana.id, dana.scene.ben.id]
    form = {"people": "2", "who": who, "start": "13:00", "plan_version": dana.version()}
    assert dana.post(f"{BOARD}/visits/{dana.scene.ids['Joe']}/crew", **form).status_code == 303


def test_the_office_knows_who_helps(dana: Dispatcher) -> None:
    """A prepared answer names both; Ben's certificate that has ended is one that Joe's visit needs."""
    together(dana)
    page = f"/board/inbox/{dana.scene.ids['Joe']}"
    with dana.db.transaction() as session:
        answer = add(session, CannedAnswer(language="en", title="Who", body="Expect {technician}.")).id
        query = select(TechnicianSkill).where(TechnicianSkill.technician_id == dana.scene.ben.id)
        for held in session.scalars(query):
            held.expires_on = TODAY - timedelta(days=1)
    picked = dana.post(f"{page}/answer", do="pick", canned=answer, body="")
    assert "Expect Ana Reyes and Ben Okafor." in words_of(picked)
    inbox = words_of(dana.get("/board/inbox"))
    assert "2 planned visits need it" in inbox, "Kim's, which he leads, and Joe's"


def test_whoever_falls_out_frees_what_they_help_with(dana: Dispatcher, work: Work) -> None:
    """Ben is sick: Kim loses him, and Joe, whom Ana cannot serve alone; Accept and Undo are of both rows."""
    together(dana)
    assert dana.post(f"{BOARD}/technicians/{dana.scene.ben.id}/sick").status_code == 303
    ids = {dana.scene.ids["Kim"], dana.scene.ids["Joe"]}
    with dana.db.reading() as session:
        [cause] = session.scalars(select(Job)).one().payload["causes"]
        assert set(cause["visit_ids"]) == ids
        events = session.get_one(Visit, dana.scene.ids["Joe"]).events
        assert "place_lost" in {event.kind for event in events}
    assert run_next_job(work, owner="test")
    assert dana.post(found_in(dana.get(), ACCEPT)).status_code == 303
    assert makers(dana, "Joe") == []
    with dana.db.reading() as session:
        assert not session.scalars(select(Stop).where(Stop.crew_visit_id.is_not(None))).all()
    assert dana.post(found_in(dana.get(), UNDO)).status_code == 303
    assert makers(dana, "Joe") == ["Ana", "Ben"]


def test_a_way_to_a_visit_of_two_is_taken_back_when_one_falls_out(dana: Dispatcher) -> None:
    """Ana drives to Joe, whom she cannot serve alone: the office may send somebody else with her."""
    together(dana)
    joe = dana.scene.ids["Joe"]
    with dana.db.transaction() as session:
        visit = session.get_one(Visit, joe)
        visit.advance(VisitState.EN_ROUTE, occurred_at=NOW, now=NOW, actor="test")
    assert dana.post(f"{BOARD}/technicians/{dana.scene.ben.id}/sick").status_code == 303
    with dana.db.reading() as session:
        assert session.get_one(Visit, joe).state == VisitState.BOOKED
        [cause] = session.scalars(select(Job)).one().payload["causes"]
        assert joe in cause["visit_ids"]
