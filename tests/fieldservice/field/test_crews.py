"""A visit of two on both phones: each sees it, and whoever leads says what happens."""

from __future__ import annotations

import pytest

from tests.fieldservice.field.crew import Crew, Phone

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # no SQL differs here


def test_a_visit_of_two(crew: Crew, phone: Phone, other_phone: Phone) -> None:
    """The colleague sees the visit in the route, the week and by itself, and has no steps for it."""
    second = crew.visits[1]
    crew.make_together(second, crew.colleague_id)
    page = f"/day/visits/{second}"
    own, other = phone.page(page), other_phone.page(page)
    assert "Together with" in own
    assert 'value="arrived"' in own
    assert "says what happens" in other
    assert 'value="arrived"' not in other
    route = other_phone.page()
    assert page in route
    assert "Together with" in route
    assert 'value="on_my_way"' not in route
    assert "Visits: </span>1</span>" in other_phone.page("/day/week")
    assert other_phone.tap(second, "arrived").status_code == 404
    phone.say(crew.visits[0], "done")
    phone.say(second, "arrived")
    assert crew.state(second) == "on_site"
    phone.say(second, "done")
    assert "1 of 1 done" in other_phone.page()
