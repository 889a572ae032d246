"""What a customer does with a service plan behind the link of an invitation."""

from __future__ import annotations

import re
from datetime import date, timedelta

from fieldservice.models import OccurrenceState, Renewal, ServicePlan, ServiceTranslation
from tests.factories import NOW
from tests.fieldservice.dispatch.scene import words_of
from tests.fieldservice.plans.conftest import Scene, Somebody, path_of
from tests.races import count, row_counts

WINDOW = re.compile(r'name="window"[^>]* value="([^"]+)"')


def test_two_screens_and_three_taps(scene: Scene, rosa: Somebody) -> None:
    """Link, window, button: the day they like is shown, inside the due period, and is kept."""
    page = rosa.get(f"{scene.link}/time")
    words = words_of(page)
    assert "Boiler service at 14 Oak Lane" in words
    assert "Thursday, Mar 5" in words  # due on Wednesday, and Thursday is liked
    assert "As you prefer" in words
    assert "Mar 3" not in words  # tomorrow is before the period
    picked = WINDOW.findall(page.text)[0]
    booked = rosa.post(f"{scene.link}/time", window=picked)
    assert path_of(booked) == f"{scene.link}/booked"
    assert "Thursday, Mar 5" in words_of(booked)
    assert scene.occurrence().state == OccurrenceState.BOOKED
    assert count(scene.services.db, "stop") == 1
    # from here on it is a visit as any other: its time can be changed, also beyond the period
    assert "Change the time" in words_of(rosa.get(f"{scene.link}/time"))
    plan = words_of(rosa.get(f"{scene.link}/plan"))
    assert "Thu, Mar 5, 8 am – 10 am Booked" in plan
    assert "Every month" in plan


def test_a_window_outside_the_period_is_not_to_be_had(scene: Scene, rosa: Somebody) -> None:
    """A crafted time of tomorrow is refused with fresh windows, and nothing is written."""
    before = row_counts(scene.services.db)
    answer = rosa.post(f"{scene.link}/time", window="2026-03-03T13:00:00+00:00")
    assert answer.status_code == 409
    assert WINDOW.search(answer.text)
    assert scene.occurrence().state == OccurrenceState.INVITED
    assert row_counts(scene.services.db) == before


def test_skip_one_and_move_one(scene: Scene, rosa: Somebody) -> None:
    """The reason is kept; a moved date is due on the new day; a wrong day is named, and nothing is lost."""
    second = scene.occurrence(1)
    one = f"{scene.link}/plan/{second.id}"
    assert "From Saturday, Mar 7, 2026" not in words_of(rosa.get(one))
    refused = rosa.post(f"{one}/move", day="2026-05-04")
    assert refused.status_code == 422
    assert "Choose a day from Thursday, Mar 5, 2026 to Sunday, May 3, 2026" in words_of(refused)
    assert rosa.post(f"{one}/move", day="nonsense").status_code == 422
    assert "Moved." in words_of(rosa.post(f"{one}/move", day="2026-04-20"))
    assert scene.occurrence(1).due_on == date(2026, 4, 20)
    first = scene.occurrence()
    skipped = rosa.post(f"{scene.link}/plan/{first.id}/skip", reason="We are away")
    assert "Skipped" in words_of(skipped)
    assert scene.look(lambda plan: plan.occurrences[0].skip_reason) == "We are away"
    assert rosa.post(f"{scene.link}/plan/{first.id}/skip").status_code == 409
    # the invitation is over with it
    assert rosa.get(f"{scene.link}/time").status_code == 409
    assert scene.sweep(NOW + timedelta(days=5)).invited == 0


def test_preferences_and_the_end(scene: Scene, rosa: Somebody) -> None:
    """What suits them is stored, the end asks once more; a second end and a gone page say so in words."""
    page = rosa.post(f"{scene.link}/plan", weekdays=["0", "4"], part="afternoon")
    assert "Saved" in words_of(page)
    assert scene.look(lambda plan: (plan.preferred_weekdays, plan.preferred_part)) == ("04", "afternoon")
    assert rosa.post(f"{scene.link}/plan", weekdays=["9"], part="night").status_code == 422
    assert rosa.post(f"{scene.link}/plan/end").status_code == 422
    assert "has ended" in words_of(rosa.post(f"{scene.link}/plan/end", sure="y", reason="Moving"))
    assert scene.look(lambda plan: (plan.ended_at is not None, plan.end_reason)) == (True, "Moving")
    assert "Ended" in words_of(rosa.get(f"{scene.link}/plan"))
    assert rosa.post(f"{scene.link}/plan/end", sure="y").status_code == 409


def test_one_yes_renews(scene: Scene, rosa: Somebody) -> None:
    """Asked near the end of the term only, by one button; a second yes to the same end changes nothing."""

    def ask(_session: object, plan: ServicePlan) -> None:
        plan.renewal, plan.ends_on = Renewal.ASK, plan.end_of(1)

    scene.run(ask)
    assert "Shall it go on" not in words_of(rosa.get(f"{scene.link}/plan"))
    early = rosa.post(f"{scene.link}/plan/renew", ends_on="2026-09-03")
    assert early.status_code == 409

    def shorten(_session: object, plan: ServicePlan) -> None:
        plan.term_months, plan.ends_on = 1, date(2026, 4, 3)

    scene.run(shorten)
    assert "Shall it go on" not in words_of(rosa.get(f"{scene.link}/plan"))
    scene.run(lambda _session, plan: setattr(plan, "ends_on", date(2026, 3, 20)))
    assert "Shall it go on after Friday, Mar 20, 2026" in words_of(rosa.get(f"{scene.link}/plan"))
    thanks = rosa.post(f"{scene.link}/plan/renew", ends_on="2026-03-20")
    assert "goes on" in words_of(thanks)
    assert scene.look(lambda plan: (plan.terms, plan.ends_on)) == (2, date(2026, 5, 3))
    assert rosa.post(f"{scene.link}/plan/renew", ends_on="2026-03-20").status_code == 409


def test_every_page_names_the_service_in_the_customers_language(scene: Scene, rosa: Somebody) -> None:
    """As the office had it translated."""
    texts = {"Boiler service": "Ketelonderhoud"}

    def translate(_session: object, plan: ServicePlan) -> None:
        plan.work_order.service.translations["nl"] = ServiceTranslation(language="nl", texts=texts)

    scene.run(translate)
    for page in ("", "/time", "/plan", f"/plan/{scene.occurrence(1).id}", "/plan/end"):
        words = words_of(rosa.get(f"{scene.link}{page}?lang=nl"))
        assert "Ketelonderhoud" in words, page
        assert "Boiler service" not in words, page


def test_a_link_opens_no_other_plan(scene: Scene, rosa: Somebody) -> None:
    """A date of another plan is not found; GETs change nothing."""
    before = row_counts(scene.services.db)
    assert rosa.get(f"{scene.link}/plan/999").status_code == 404
    assert rosa.post(f"{scene.link}/plan/999/skip").status_code == 404
    for path in ("", "/plan", f"/plan/{scene.occurrence().id}", "/plan/end", "/time"):
        for _ in range(3):
            assert rosa.get(f"{scene.link}{path}").status_code == 200
    assert row_counts(scene.services.db) == before
