"""The office reads and answers what customers ask, and finishes what they complain about."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.dispatch import guests
from fieldservice.messages import escalation
from fieldservice.models import (
    Channel,
    Conversation,
    Guest,
    OfficeTask,
    OutboxMessage,
    TechnicianSkill,
    UserRole,
    Visit,
    WaitingEntry,
    WaitingOffer,
)
from fieldservice.models.owners import office
from fieldservice.web import Services
from tests.factories import NOW, TODAY, TOMORROW, add, window
from tests.fieldservice.dispatch.scene import Dispatcher, words_of
from tests.fieldservice.dispatch.test_guests import make_guest
from tests.signing_in import make_user


def ask(session: Session, visit_id: int, body: str, minutes_ago: int = 5) -> None:
    """A customer's question of some minutes ago."""
    visit, at = session.get_one(Visit, visit_id), NOW - timedelta(minutes=minutes_ago)
    conversation = visit.conversation or add(session, Conversation(visit=visit, last_at=at))
    conversation.ask(body, channel=Channel.PAGE, now=at)


def complain(session: Session, visit_id: int, hours: int = 24) -> int:
    """A complaint that has to be answered within some hours; its task's number."""
    due_at = NOW + timedelta(hours=hours)
    return add(session, OfficeTask(kind="complaint", visit_id=visit_id, created_at=NOW, due_at=due_at)).id


def test_who_waits_longest_is_first(dana: Dispatcher, services: Services) -> None:
    """Questions without an answer by age, and the number beside the link of the board."""
    first, second = list(dana.scene.ids.values())[:2]
    with services.db.transaction() as session:
        ask(session, first, "The newer question", 5)
        ask(session, second, "The older question", 50)
    page = words_of(dana.get("/board/inbox"))
    assert page.index("The older question") < page.index("The newer question")
    assert "3" in words_of(dana.get("/board/inbox/count"))  # and the address that nobody found
    assert "/board/inbox/count" in dana.get().text


def test_an_answer_ends_the_waiting_and_tells_the_customer(dana: Dispatcher, services: Services) -> None:
    """The conversation moves to those that were answered; one message goes out with the answer's number."""
    visit_id = next(iter(dana.scene.ids.values()))
    with services.db.transaction() as session:
        ask(session, visit_id, "Which door?")
    assert "Which door?" in dana.get(f"/board/inbox/{visit_id}").text
    assert dana.post(f"/board/inbox/{visit_id}/answer", body="The side door.").status_code == 303
    assert "Nobody waits" in words_of(dana.get("/board/inbox"))
    assert "1" in words_of(dana.get("/board/inbox/count"))  # the address that nobody found is left
    with services.db.reading() as session:
        conversation = session.scalars(select(Conversation)).one()
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "answer")).one()
        assert told.payload["message_id"] == conversation.messages[-1].id
        assert conversation.messages[-1].user is not None


def test_the_office_may_write_first_but_not_nothing(dana: Dispatcher) -> None:
    """An empty answer is refused at its field; a first message makes the conversation."""
    visit_id = next(iter(dana.scene.ids.values()))
    refused = dana.post(f"/board/inbox/{visit_id}/answer", body=" ")
    assert refused.status_code == 422
    assert "Write your answer" in refused.text
    assert dana.post(f"/board/inbox/{visit_id}/answer", body="Please move your car.").status_code == 303
    assert "Please move your car." in dana.get(f"/board/inbox/{visit_id}/new").text
    assert dana.get(f"/board/inbox/{visit_id}/new?after=1000000000").status_code == 200


def test_a_thank_you_needs_no_answer(dana: Dispatcher, services: Services) -> None:
    """One button, and nobody waits any more; pressed for a visit without a conversation it does nothing."""
    visit_id, other = list(dana.scene.ids.values())[:2]
    with services.db.transaction() as session:
        ask(session, visit_id, "Thank you!")
    assert dana.post(f"/board/inbox/{visit_id}/settle").status_code == 303
    assert dana.post(f"/board/inbox/{other}/settle").status_code == 303
    with services.db.reading() as session:
        assert session.scalars(select(Conversation.waiting_since)).all() == [None]


def test_a_complaint_is_taken_over_and_finished(
    dana: Dispatcher, omar: Dispatcher, services: Services
) -> None:
    """The page says whose it is and until when; done is done, by whom and when."""
    with services.db.transaction() as session:
        task_id = complain(session, next(iter(dana.scene.ids.values())), hours=-1)
    page = words_of(dana.get("/board/inbox"))
    assert "Overdue" in page
    assert "nobody’s yet" in page
    assert dana.post(f"/board/tasks/{task_id}/take").status_code == 303
    assert "yours" in words_of(dana.get("/board/inbox"))
    assert "yours" not in words_of(omar.get("/board/inbox"))
    assert omar.post(f"/board/tasks/{task_id}/done").status_code == 303
    assert dana.post(f"/board/tasks/{task_id}/done").status_code == 303
    assert "Complaint" not in words_of(dana.get("/board/inbox"))
    with services.db.reading() as session:
        task = session.get_one(OfficeTask, task_id)
        assert task.done_at is not None
        assert task.done_by_id != task.owner_id


def test_everything_that_needs_a_person_has_its_action(dana: Dispatcher, services: Services) -> None:
    """An address, a conflict, a gap, a certificate: what each is about, and a way to do something."""
    ids = dana.scene.ids
    with services.db.transaction() as session:
        add(
            session,
            OfficeTask(
                kind="sync_conflict", visit_id=ids["Kim"], detail="Done while cancelled", created_at=NOW
            ),
        )
        entry = WaitingEntry(visit_id=ids["Joe"], any_time=False, joined_at=NOW - timedelta(days=3))
        entry.offers = [
            WaitingOffer(
                window_starts_at=window(TOMORROW, 8, 10).starts_at,
                window_ends_at=window(TOMORROW, 8, 10).ends_at,
                created_at=NOW,
                expires_at=NOW + timedelta(hours=1),
            )
        ]
        add(session, entry)
        held = session.scalars(
            select(TechnicianSkill).where(TechnicianSkill.technician_id == dana.scene.ana.id)
        ).first()
        assert held is not None
        held.expires_on = TODAY - timedelta(days=1)
    page = dana.get("/board/inbox")
    text = words_of(page)
    assert "Max Park Address not found" in text
    assert f"/board/visits/{ids['Max']}/locate" in page.text
    assert "Done while the plan changed" in text
    assert "Done while cancelled" in text
    assert "Offered until" in text
    assert "Ana Reyes: Heating" in text or "Ana Reyes:" in text
    assert "2 planned visits need it" in text
    assert f"/board/visits/{ids['Ida']}/move" in page.text
    assert re.findall(r"\d+", words_of(dana.get("/board/inbox/count"))) == ["4"]


def test_an_unanswered_question_has_its_age(dana: Dispatcher, services: Services) -> None:
    """How long it waits, how long the answer may take, and that it is overdue after a day."""
    with services.db.transaction() as session:
        ask(session, dana.scene.ids["Ida"], "Fresh", 60)
        ask(session, dana.scene.ids["Kim"], "Stale", 25 * 60)
    text = words_of(dana.get("/board/inbox"))
    assert re.search(r"Stale .*waits for 25 h 00 Overdue", text)
    assert re.search(r"Fresh .*waits for 1 h 00 · answer within (23 h 00|22 h 59)", text)


def test_a_text_of_a_stranger_waits_for_a_call(dana: Dispatcher, services: Services) -> None:
    """Words of a number that nobody has are shown with the number, counted, and gone when somebody called."""
    before = words_of(dana.get("/board/inbox/count"))
    with services.db.transaction() as session:
        detail = "+14105550133: Do you repair <ovens>?"
        task = OfficeTask(
            kind="unknown_sender", detail=detail, created_at=NOW, due_at=NOW + timedelta(days=1)
        )
        number = add(session, task).id
    page = dana.get("/board/inbox").text
    assert "Do you repair &lt;ovens&gt;?" in page
    assert "tel:+14105550133" in page
    assert "(410) 555-0133" in page
    assert words_of(dana.get("/board/inbox/count")) != before
    assert dana.post(f"/board/tasks/{number}/done").status_code == 303
    assert "ovens" not in dana.get("/board/inbox").text
    assert words_of(dana.get("/board/inbox/count")) == before


def test_a_conversation_is_looked_after_by_one_person(
    dana: Dispatcher, omar: Dispatcher, services: Services
) -> None:
    """Assigned to oneself, a colleague or nobody, with or without a visit; the list says whose each is and
    shows one's own, or what nobody has. A technician, or somebody who left, looks after none."""
    visit_id = dana.scene.ids["Joe"]
    with services.db.transaction() as session:
        ask(session, visit_id, "Which door?")
        guest_id = make_guest(session, name="Gus").id
        (dana_id, _), (omar_id, colleague) = sorted((each.id, each.name) for each in office(session))
        technician, gone = make_user(session, UserRole.TECHNICIAN).id, make_user(session)
        gone.active, left = False, gone.id
    pages = (f"/board/inbox/{visit_id}", f"/board/inbox/guests/{guest_id}")
    assert dana.post(f"{pages[0]}/assign", owner=omar_id).status_code == 303
    assert dana.post(f"{pages[1]}/assign", owner=dana_id).status_code == 303
    for wrong in (technician, left, "x", 10**9):
        assert dana.post(f"{pages[1]}/assign", owner=wrong).status_code == 422
    shown = words_of(dana.get("/board/inbox"))
    assert "yours" in shown
    assert colleague in shown
    assert seen(dana, "mine") == {"Do you repair ovens?"}
    assert seen(omar, "mine") == {"Which door?"}
    assert seen(dana, "nobody") == set()
    assert seen(dana, "") == {"Which door?", "Do you repair ovens?"}
    assert dana.post(f"{pages[0]}/assign", owner="").status_code == 303
    assert seen(omar, "nobody") == {"Which door?"}
    assert seen(dana, "anything") == seen(dana, "")
    nothing = dana.post(f"/board/inbox/{dana.scene.ids['Ida']}/assign", owner="")
    assert nothing.status_code == 404  # nobody has written there
    with services.db.transaction() as session:
        assert escalation.escalate(session, now=NOW + timedelta(days=2)) == 2
        guests_task = select(OfficeTask).where(OfficeTask.conversation_id.is_not(None))
        assert session.scalars(guests_task).one().owner_id == dana_id
        visit = session.get_one(Visit, visit_id)
        guests.give(session, session.get_one(Guest, guest_id), visit, now=NOW)
        assert visit.conversation is not None
        assert visit.conversation.owner_id == dana_id


def seen(who: Dispatcher, of: str) -> set[str]:
    """Which questions of two the inbox shows."""
    shown = words_of(who.get(f"/board/inbox?of={of}"))
    return {body for body in ("Which door?", "Do you repair ovens?") if body in shown}
