"""Why a visit has no place, and the buttons that give it one: a longer day, or another window."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from fieldservice.auth.links import make_link, token_of
from fieldservice.booking import waiting
from fieldservice.models import (
    Hold,
    OfferState,
    OfficeTask,
    OutboxMessage,
    ShiftOverride,
    Technician,
    Visit,
    WindowOffer,
)
from fieldservice.web import Services
from tests.factories import NOW, TODAY, near, window
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher, book, found_in, words_of

REDO = r'action="(/board/changes/\d+/undo[^"]*)"[^<]*(?:<input[^>]*>\s*)*<button[^>]*aria-label="Redo"'
UNDO = r'action="(/board/changes/\d+/undo[^"]*)"'


@pytest.fixture
def late(dana: Dispatcher, services: Services) -> Dispatcher:
    """Ned wants the evening: the only window in which nobody is left who has not gone home."""
    with services.db.transaction() as session:
        book(session, dana.scene, "Ned", at=near(400), promised=window(TODAY, 17, 19))
        for technician in session.scalars(select(Technician)):
            technician.shift_patterns[0].overtime = timedelta(0)
    return dana


def hours(dispatcher: Dispatcher) -> list[tuple[str, str, int]]:
    """Who works otherwise today: first name, end, minutes of overtime."""
    with dispatcher.db.reading() as session:
        rows = session.scalars(select(ShiftOverride).order_by(ShiftOverride.technician_id)).all()
        names = {one.id: one.name.split()[0] for one in session.scalars(select(Technician))}
        return [
            (names[row.technician_id], f"{row.ends:%H:%M}", row.overtime // timedelta(minutes=1))
            for row in rows
        ]


def let_in(dispatcher: Dispatcher, name: str, technician: Technician, **form: object):
    """Press the button that lets a visit in."""
    fields = {
        "visit": dispatcher.scene.ids[name],
        "technician": technician.id,
        "longer": "shift",
        "minutes": 90,
        "plan_version": dispatcher.version(),
    }
    return dispatcher.post(f"{BOARD}/let-in", **(fields | form))


def test_each_technician_has_a_rule_and_a_change(late: Dispatcher) -> None:
    """Who is stopped by the hours can be made longer, with two buttons; who lacks the skill has none."""
    page = late.get(f"{BOARD}?visit={late.scene.ids['Ned']}")
    text = words_of(page)
    assert "What stops each technician" in text
    assert re.search(r"Ana Reyes .*Ana Reyes could, if the shift ended .* later\..*Extend by", text)
    assert re.search(r"Ben Okafor .*Ben Okafor could, if the shift ended", text)
    assert "Carl Moss Needs Heating" in text or "Carl Moss Needs" in text
    assert page.text.count(f'action="{BOARD}/let-in') == 4
    assert "Ask for another window…" in text


def test_a_longer_shift_lets_it_in_and_undo_takes_both_back(late: Dispatcher) -> None:
    """Hours and place come in one change; Undo brings both back, Redo makes both again."""
    minutes = found_in(late.get(f"{BOARD}?visit={late.scene.ids['Ned']}"), r'name="minutes" value="(\d+)"')
    assert let_in(late, "Ned", late.scene.ben, minutes=minutes).status_code == 303
    assert late.stops()["Ned"][0] == "Ben"
    assert len(hours(late)) == 1
    assert "The shift of Ben Okafor ends" in words_of(late.get())
    assert late.post(found_in(late.get(), UNDO)).status_code == 303
    assert "Ned" not in late.stops()
    assert hours(late) == []
    redo = found_in(late.get(), REDO)
    assert late.post(redo).status_code == 303
    assert late.stops()["Ned"][0] == "Ben"
    assert len(hours(late)) == 1


def test_overtime_is_allowed_and_too_little_is_refused(late: Dispatcher) -> None:
    """Overtime keeps the end of the shift. What does not suffice any more changes nothing, in words."""
    refused = let_in(late, "Ned", late.scene.ana, minutes=1)
    assert refused.status_code == 422
    assert "This cannot be done" in words_of(refused)
    assert hours(late) == []
    assert let_in(late, "Ned", late.scene.ana, longer="overtime", minutes=120).status_code == 303
    ((name, end, overtime),) = hours(late)
    assert (name, end, overtime) == ("Ana", "17:00", 120)
    assert let_in(late, "Ned", late.scene.ana, plan_version=1).status_code == 409


def test_placed_visits_say_why_then(dana: Dispatcher) -> None:
    """Who, why then, and what it costs in driving stand beside the next best technicians."""
    text = words_of(dana.get(f"{BOARD}?visit={dana.scene.ids['Ida']}"))
    assert "Why Ana Reyes, why 10:00" in text
    assert "Cannot begin sooner: the promise begins then." in text
    assert "Ben Okafor" in text.split("Why Ana Reyes")[1]


def test_the_day_says_what_it_costs_and_where_it_is_thin(dana: Dispatcher) -> None:
    """From the day bar: the promise nearest to breaking, and the visits that cause most driving."""
    page = dana.get()
    assert f'href="{BOARD}?about=day' in page.text
    text = words_of(dana.get(f"{BOARD}?about=day"))
    assert "Promises nearest to breaking" in text
    assert "to spare" in text


def ask(dispatcher: Dispatcher, name: str, count: int = 2):
    """Offer the first windows that the page shows; returns the answer of the POST."""
    path = f"/board/visits/{dispatcher.scene.ids[name]}/ask"
    page = dispatcher.get(path)
    starts = re.findall(r'name="windows"[^>]*value="([^"]+)"', page.text)
    return dispatcher.post(path, windows=starts[:count])


def customer_of(dispatcher: Dispatcher, name: str) -> str:
    """A private link of the visit's customer."""
    with dispatcher.db.transaction() as session:
        visit = session.get_one(Visit, dispatcher.scene.ids[name])
        link = make_link(visit, secret_key=SECRET, now=NOW, expires_at=NOW + timedelta(days=30))
        session.flush()
        return f"/visit/{token_of(link, SECRET)}/choose"


SECRET = "test-secret"


def offers(dispatcher: Dispatcher) -> list[WindowOffer]:
    """All that the office offered."""
    with dispatcher.db.reading() as session:
        return list(session.scalars(select(WindowOffer).order_by(WindowOffer.id)))


def holds(dispatcher: Dispatcher, now=NOW) -> int:
    """How many windows are reserved."""
    with dispatcher.db.reading() as session:
        return len(session.scalars(select(Hold).where(Hold.expires_at > now)).all())


def test_two_windows_are_reserved_and_one_tap_takes_one(late: Dispatcher, services: Services) -> None:
    """The message tells both; the tap promises one, places the visit and frees the other."""
    global SECRET
    SECRET = services.settings.secret_key
    assert ask(late, "Ned").status_code == 303
    (offer,) = offers(late)
    assert holds(late) == 2
    with late.db.reading() as session:
        kinds = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "choose")).all()
        assert {message.channel for message in kinds} == {"email", "sms"}
        assert kinds[0].payload["choices"] == offer.windows
    assert "Asked: which of these windows?" in words_of(late.get(f"{BOARD}?visit={late.scene.ids['Ned']}"))
    path = customer_of(late, "Ned")
    page = late.client.get(path)
    assert "Which time suits you?" in words_of(page)
    assert late.post(path, offer=offer.id, answer="1").status_code == 303
    with late.db.reading() as session:
        visit = session.get_one(Visit, late.scene.ids["Ned"])
        assert visit.window == offer.choices[1]
        assert visit.stop is not None
    assert holds(late) == 0
    assert offers(late)[0].state == OfferState.TAKEN
    assert late.post(path, offer=offer.id, answer="0").status_code == 410


def test_none_of_them_leaves_it_to_the_office(late: Dispatcher, services: Services) -> None:
    """Both windows are free again, the promise stands, and the office has a task; asking anew ends it."""
    global SECRET
    SECRET = services.settings.secret_key
    ask(late, "Ned")
    path = customer_of(late, "Ned")
    assert late.post(path, offer=offers(late)[0].id, answer="none").status_code == 303
    assert holds(late) == 0
    assert "None of the offered windows suits" in words_of(late.get("/board/inbox"))
    ask(late, "Ned", 1)
    with late.db.reading() as session:
        assert session.scalars(select(OfficeTask).where(OfficeTask.kind == "windows_declined")).one().done_at
    assert [offer.state for offer in offers(late)] == [OfferState.DECLINED, OfferState.OPEN]


def test_unanswered_runs_out_and_a_place_withdraws(late: Dispatcher) -> None:
    """What nobody answers is free again and a task; who gets a place is asked nothing any more."""
    ask(late, "Ned")
    minutes = timedelta(hours=2)
    with late.db.transaction() as session:
        waiting.close(session, now=NOW + minutes)
    assert offers(late)[0].state == OfferState.EXPIRED
    assert holds(late, NOW + minutes) == 0
    assert "No answer to the offered windows" in words_of(late.get("/board/inbox"))
    ask(late, "Lea")
    assert late.move("Lea", late.scene.ben).status_code == 303
    assert offers(late)[1].state == OfferState.WITHDRAWN
    assert holds(late, NOW + timedelta(minutes=30)) == 2  # those of Ned, for whom the clock was put forward


def test_a_window_that_was_booked_meanwhile_is_not_offered(late: Dispatcher) -> None:
    """Nothing is sent and nothing reserved; the page says so and shows what is free."""
    path = f"/board/visits/{late.scene.ids['Ned']}/ask"
    assert late.post(path, windows=["2020-01-01T10:00:00+00:00"]).status_code == 422
    assert late.post(path, windows=[]).status_code == 422
    assert offers(late) == []
