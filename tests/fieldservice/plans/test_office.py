"""What the office does with service plans, page by page, without JavaScript."""

from __future__ import annotations

import re
from datetime import date, timedelta

from sqlalchemy import select

from fieldservice.models import AuditEntry, ServicePlan
from tests.factories import NOW, window
from tests.fieldservice.dispatch.scene import words_of
from tests.fieldservice.plans.conftest import Scene, Somebody, path_of
from tests.races import row_counts

TERMS = {
    "every": "6",
    "unit": "months",
    "first_on": "2026-03-10",
    "season_from": "3",
    "season_to": "10",
    "skip_holidays": "y",
    "period_days": "14",
    "lead_days": "7",
    "term_months": "24",
    "renewal": "ask",
    "part": "",
    "technician": "",
}


def version(scene: Scene) -> int:
    """The version of the plan that a form was made from."""
    return scene.look(lambda plan: plan.version)


def test_find_a_customer_and_begin_a_plan(scene: Scene, dana: Somebody) -> None:
    """Search, site, terms; the list shows what is due next first and finds by name and address."""
    found = dana.get("/board/plans/new?q=oak%20lane")
    assert f"/board/plans/new?site={scene.site_id}" in found.text
    assert "Nobody was found" in words_of(dana.get("/board/plans/new?q=100%25"))
    path = f"/board/plans/new?site={scene.site_id}"
    service = re.findall(r'<option value="(\d+)">Boiler service', dana.get(path).text)[0]
    begun = dana.post("/board/plans/new", site=scene.site_id, service=service, **TERMS)
    assert "has begun" in words_of(begun)
    assert "Every 6 months, March to October" in words_of(begun)
    plans = words_of(dana.get("/board/plans?q=whitfield"))
    assert plans.index("Every month") < plans.index("Every 6 months")
    assert "No plan was found" in words_of(dana.get("/board/plans?q=nobody_"))
    assert "There is no plan yet" in words_of(dana.get("/board/plans?ended=yes"))


def test_wrong_terms_are_named_at_their_fields(scene: Scene, dana: Somebody) -> None:
    """Each fault has its words, what was typed stays, nothing is written."""
    path = f"/board/plans/new?site={scene.site_id}"
    service = re.findall(r'<option value="(\d+)">Boiler service', dana.get(path).text)[0]
    before = row_counts(scene.services.db)
    for wrong, words in (
        ({"every": "0"}, "Enter a number from 1 to 60"),
        ({"every": "53", "unit": "weeks"}, "Enter a number from 1 to 52"),
        ({"first_on": "2026-02-30"}, "Enter a day, such as 2026-11-24"),
        ({"first_on": "2026-03-01"}, "Choose today or a later day"),
        ({"first_on": "2026-12-10"}, "This day is outside the season"),
        ({"season_to": ""}, "Choose both months of the season, or none"),
        ({"lead_days": "15"}, "This service can be booked 14 days ahead at most"),
        ({"every": "1", "unit": "weeks"}, "longer than the time from one visit to the next"),
        ({"term_months": "", "renewal": "automatic"}, "Enter how long a term is"),
        ({"service": "999"}, "Not a valid choice"),
    ):
        answer = dana.post(
            "/board/plans/new", **({"service": service, "site": scene.site_id} | TERMS | wrong)
        )
        assert answer.status_code == 422, wrong
        assert words in words_of(answer), wrong
    assert row_counts(scene.services.db) == before


def test_the_preview_is_what_happens(scene: Scene, dana: Somebody, rosa: Somebody) -> None:
    """Booked visits outside the new rule are listed and stay; the look alone changes nothing."""

    def promise(_session: object, plan: ServicePlan) -> None:
        visit = plan.occurrences[0].visit
        assert visit is not None
        visit.promise(window(date(2026, 3, 5)), now=NOW, actor="customer")

    scene.run(promise)
    path, terms = f"/board/plans/{scene.plan_id}/change", {**TERMS, "every": "2", "first_on": "2026-03-20"}
    terms["version"] = str(version(scene))
    looked = dana.post(path, step="look", **terms)
    words = words_of(looked)
    assert "Booked visits outside the new rule stay booked as promised: Thu, Mar 5, 10 am – 12 pm" in words
    assert "Friday, Mar 20, 2026" in words
    assert scene.look(lambda plan: plan.every) == 1
    applied = dana.post(path, step="apply", **terms)
    assert "The plan was changed" in words_of(applied)
    days = scene.look(lambda plan: [each.due_on for each in plan.occurrences])
    assert days[:3] == [date(2026, 3, 4), date(2026, 3, 20), date(2026, 5, 20)]
    assert scene.visit.window == window(date(2026, 3, 5))
    # decided on an older state: refused, nothing changed
    assert dana.post(path, step="apply", **terms).status_code == 409


def test_this_and_following_keeps_what_is_before(scene: Scene, dana: Somebody) -> None:
    """The form starts at the chosen date; a date of another plan is not found."""
    third = scene.occurrence(2)
    page = dana.get(f"/board/occurrences/{third.id}")
    assert f"/board/plans/{scene.plan_id}/change?from={third.id}" in page.text.replace("&amp;", "&")
    path = f"/board/plans/{scene.plan_id}/change?from={third.id}"
    assert 'value="2026-05-04"' in dana.get(path).text
    terms = {**TERMS, "every": "3", "first_on": "2026-05-11", "version": str(version(scene))}
    assert path_of(dana.post(path, step="apply", **terms)) == f"/board/plans/{scene.plan_id}"
    days = scene.look(lambda plan: [each.due_on for each in plan.occurrences])
    assert days[:4] == [date(2026, 3, 4), date(2026, 4, 4), date(2026, 5, 11), date(2026, 8, 11)]
    assert dana.get(f"/board/plans/{scene.plan_id}/change?from=99999").status_code == 404


def test_one_is_moved_or_skipped_and_the_plan_ends(scene: Scene, dana: Somebody) -> None:
    """Who did it is in the audit; an ended plan answers changes with words."""
    first, second = scene.occurrence(0), scene.occurrence(1)
    assert dana.post(f"/board/occurrences/{first.id}/move", day="").status_code == 422
    assert "Moved." in words_of(dana.post(f"/board/occurrences/{first.id}/move", day="2026-03-11"))
    refused = dana.post(f"/board/occurrences/{first.id}/move", day="2027-03-11")
    assert "Choose a day from Monday, Mar 2, 2026 to Friday, Apr 3, 2026" in words_of(refused)
    skipped = dana.post(f"/board/occurrences/{second.id}/skip", reason="Customer is away")
    assert "Customer is away" in words_of(skipped)
    renewed = dana.post(f"/board/plans/{scene.plan_id}/renew", ends_on="2026-09-03")
    assert "Another term was agreed on" in words_of(renewed)
    ended = dana.post(f"/board/plans/{scene.plan_id}/end", reason="Sold the house")
    assert "Sold the house" in words_of(ended)
    assert dana.get(f"/board/plans/{scene.plan_id}/change").status_code == 409
    assert dana.post(f"/board/occurrences/{first.id}/skip").status_code in (404, 409)
    assert "Rosa Whitfield" in words_of(dana.get("/board/plans?ended=yes"))
    with scene.services.db.reading() as session:
        actions = session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
    assert actions[-4:] == ["plan moved", "plan skipped", "plan renewed", "plan ended"]


def test_who_has_not_picked_is_in_the_inbox_and_on_the_board(scene: Scene, dana: Somebody) -> None:
    """Invited: neither. After the period: a task with its deadline, and a card to be placed."""
    scene.sweep()
    assert "No task is open" in words_of(dana.get("/board/inbox"))
    assert "Rosa Whitfield" not in words_of(dana.get("/board/2026-03-02"))
    scene.sweep(NOW + timedelta(days=16))
    inbox = words_of(dana.get("/board/inbox"))
    assert "Rosa Whitfield Has not picked a time" in inbox
    assert f"/board/plans/{scene.plan_id}" in dana.get("/board/inbox").text
    assert "Rosa Whitfield" in words_of(dana.get("/board/2026-03-02"))
