"""What a customer said before booking, and what came of it, in the dispatcher's inspector."""

from __future__ import annotations

from sqlalchemy.orm import Session

from fieldservice.models import Visit
from tests.factories import HEATING
from tests.fieldservice.dispatch.scene import BOARD, Dispatcher

SAID = [
    {"question": "What is happening?", "kind": "chips", "answer": ["No heat", "Leaking"], "unit": ""},
    {"question": "How old is it?", "kind": "number", "answer": 17, "unit": "years"},
    {"question": "Look at the tap: Is it <b>warm</b>?", "kind": "tried", "answer": "no", "unit": ""},
]


def say(dana: Dispatcher, name: str, **values: object) -> str:
    """Put answers on a visit; the page that shows it."""

    def work(session: Session) -> None:
        visit = session.get_one(Visit, dana.scene.ids[name])
        visit.work_order.said = SAID
        for attribute, value in values.items():
            setattr(visit, attribute, value)

    dana.db.run(work)
    return dana.get(f"{BOARD}?visit={dana.scene.ids[name]}").text


def test_the_inspector_says_what_the_customer_said(dana: Dispatcher) -> None:
    """Answers, what was tried, parts to bring and skills beyond the service's; as text, never as markup."""
    page = say(dana, "Ida", parts=["Igniter"], skills={HEATING: 1})
    assert "No heat, Leaking · How old is it? 17 years" in page
    assert "Already tried: Look at the tap: Is it &lt;b&gt;warm&lt;/b&gt;? no" in page
    assert "Bring: Igniter" in page
    assert "Heating level 1" in page
    assert "No heat · Heating" in page  # by which a dispatcher knows the visit


def test_nobody_is_offered_who_lacks_what_an_answer_asks_for(dana: Dispatcher) -> None:
    """The visit needs a level that nobody holds; without the answer there are technicians for it."""
    assert "Place with Ana Reyes" in say(dana, "Lea")
    page = say(dana, "Lea", skills={HEATING: 4})
    assert "Place with Ana Reyes" not in page
    assert "Needs Heating level 4, has 1." in page
