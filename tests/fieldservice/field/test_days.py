"""The other days, the week and what a technician chose: the own ones alone, and to read."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.models import Visit
from tests.factories import TODAY, TOMORROW, window
from tests.fieldservice.field.crew import BEFORE, Crew, Phone

LINKS = {
    "google": "https://www.google.com/maps/dir/?api=1&destination=39.",
    "apple": "https://maps.apple.com/?daddr=39.",
    "waze": "https://waze.com/ul?ll=39.",
    "osm": "https://www.openstreetmap.org/directions?engine=fossgis_osrm_car&to=39.",
    "geo": 'href="geo:39.',
}


def choose(phone: Phone, navigation: str) -> None:
    """Choose the application for directions."""
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), "navigation": navigation}
    answer = phone.client.post("/day/me/navigation", data=data)
    assert "Saved" in phone.after(answer)


def test_tomorrow_is_there_to_read(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """The own visits of another day in order, without a tap; a colleague sees none of them."""
    later = crew.scene.book(window(TOMORROW, 10, 12), now=BEFORE)
    assert f"/day/on/{TOMORROW}" in phone.page()
    page = phone.page(f"/day/on/{TOMORROW}")
    assert f"/day/visits/{later}" in page
    assert "may still change" in page
    assert "/taps" not in page
    assert "Nothing planned on this day." in other_phone.page(f"/day/on/{TOMORROW}")

    def dispatch(session: Session) -> None:
        session.get_one(Visit, later).stop.route.plan.dispatched_at = BEFORE  # type: ignore[union-attr]

    crew.db.run(dispatch)
    assert "may still change" not in phone.page(f"/day/on/{TOMORROW}")


def test_days_far_away_are_not_shown(phone: Phone) -> None:
    """A week back and two weeks ahead; today is the route itself."""
    for days, status in ((-8, 404), (-7, 200), (14, 200), (15, 404)):
        phone.page(f"/day/on/{TODAY + timedelta(days=days)}", status)
    assert phone.client.get(f"/day/on/{TODAY}").location == "/day/"


def test_the_week_has_the_own_visits_alone(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """Each day with its shift, how many visits, and when the first begins."""
    crew.scene.book(window(TOMORROW, 10, 12), now=BEFORE)
    page = phone.page("/day/week")
    assert "first visit 8:" in page
    assert "first visit 10:00 am" in page
    assert "first visit" not in other_phone.page("/day/week")


def test_directions_open_where_the_technician_chose(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """Google until something else was chosen; then "On my way" opens them, too, on this phone alone."""
    assert LINKS["google"] in phone.page()
    assert "data-directions" not in phone.page()
    for name, link in LINKS.items():
        choose(phone, name)
        page = phone.page()
        assert link in page
        assert "data-directions" in page
        assert f'value="{name}" checked' in phone.page("/day/me")
    crew.give_away(crew.visits[2])
    assert LINKS["google"] in other_phone.page()


def test_a_choice_that_does_not_exist_is_refused(phone: Phone) -> None:
    """In words, on the page with the choices."""
    data = {"csrf_token": phone.token, "idempotency_key": web.new_key(), "navigation": "horse"}
    answer = phone.client.post("/day/me/navigation", data=data)
    assert answer.status_code == 422
    assert "There is a problem" in answer.text
