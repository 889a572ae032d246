"""Questions, first checks and common questions on the pages, and what answers make of a visit."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.booking import service as booking
from fieldservice.booking.drafts import Contact, SiteAnswers
from fieldservice.geo.address import Address
from fieldservice.models import BookingDraft, Service, Technician, TroubleshootingResult, Visit
from fieldservice.planning.service import ask_of
from fieldservice.web import Services
from tests.factories import HEATING, NOW, Company, ask, make_service
from tests.fieldservice.booking.demoville import heating
from tests.fieldservice.booking.walker import Walker

QUESTIONS: list[dict[str, Any]] = [
    {
        "code": "symptoms",
        "kind": "chips",
        "label": "What is happening?",
        "options": [
            {"code": "cold", "label": "No heat", "effects": [{"priority": 40}, {"part": "Igniter"}]},
            {"code": "gas", "label": "Smell of gas", "effects": [{"call_us": "Leave the building first."}]},
        ],
    },
    {
        "code": "radiators",
        "kind": "number",
        "label": "How many radiators?",
        "unit": "radiators",
        "least": 1,
        "most": 99,
        "effects": [{"from": 13, "more_time": 90}],
    },
    {
        "code": "oil",
        "kind": "yesno",
        "label": "Does it burn oil?",
        "effects": [{"answer": "yes", "skill": HEATING, "level": 5}],
    },
]
CHECKS = [
    {"code": "thermostat", "title": "Turn the thermostat up", "question": "Is it warm now?"},
    {
        "code": "water",
        "title": "Look under the boiler",
        "question": "Is it dry there?",
        "yes": "book",
        "no": "call_us",
        "advice": "Shut the main valve.",
    },
]
FAQ = [{"question": "How long does it take?", "answer": "About an hour.\nOften less."}]
MANY = {"about-heating-radiators": "20"}


@pytest.fixture(autouse=True)
def written(services: Services, company: Company) -> None:
    """What the office wrote about heating."""

    def write(session: Session) -> None:
        ask(session, heating(session), QUESTIONS, first_checks=CHECKS, faq=FAQ)

    services.db.run(write)


def change_question(services: Services, code: str, **values: Any) -> None:
    """The office changes one of the questions."""

    def change(session: Session) -> None:
        question = next(q for q in heating(session).intake_questions if q.code == code)
        for name, value in values.items():
            setattr(question, name, value)

    services.db.run(change)


def results(services: Services) -> list[tuple[str, str]]:
    """Check and ending of what was counted."""
    with services.db.reading() as session:
        found = session.scalars(select(TroubleshootingResult).order_by(TroubleshootingResult.id))
        return [(row.step, row.ending) for row in found]


def visits(services: Services) -> int:
    """How many there are."""
    with services.db.reading() as session:
        return session.scalar(select(func.count()).select_from(Visit)) or 0


def test_answers_decide_what_the_visit_takes(walker: Walker, services: Services) -> None:
    """Longer, more urgent, with parts; kept in words, and said to the customer before and afterwards."""
    walker.choose_problem(**MANY, **{"about-heating-symptoms": ["cold"], "about-heating-oil": "no"})
    walker.give_address()
    assert "stays about 150 minutes" in walker.page.text
    walker.pick_window()
    said = "No heat · How many radiators? 20 radiators · Does it burn oil? no"
    assert said in walker.page.text
    walker.confirm()
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.service_duration == timedelta(minutes=150)
        assert visit.stop is not None
        assert visit.stop.ends_at - visit.stop.starts_at == timedelta(minutes=150)
        assert visit.priority == 40
        assert visit.parts == ["Igniter"]
        assert visit.skills == {}
        assert visit.work_order.answers == {"symptoms": ["cold"], "radiators": 20, "oil": "no"}
    walker.open(walker.url.replace("/booked", ""))
    assert "What you told us No heat How many radiators? 20 radiators" in walker.page.text


def test_an_answer_may_need_a_skill_that_nobody_has(walker: Walker, services: Services) -> None:
    """Then no window is offered; with the other answer there are some. The visit keeps what it needs."""
    walker.choose_problem(**{"about-heating-oil": "yes"})
    walker.give_address()
    assert "No windows in the next 14 days" in walker.page.text
    walker.open(f"/book/{walker.draft}")
    walker.send(**{"about-heating-oil": "no"})
    assert "No windows" not in walker.page.text
    with services.db.transaction() as session:
        for technician in session.scalars(select(Technician)):
            technician.skills[0].level = 5
    walker.open(f"/book/{walker.draft}")
    walker.send(**{"about-heating-oil": "yes"})
    walker.pick_window()
    walker.confirm()
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.skills == {HEATING: 5}
        assert visit.required_skills() == {HEATING: 5}
        wish = ask_of(visit)
        assert wish is not None
        assert wish.needs.skills == {HEATING: 5}  # another window later needs them as well


def test_a_changed_answer_is_judged_anew(walker: Walker) -> None:
    """A window that was found for an hour is given up for two and a half, and kept for a mere word."""
    walker.to_confirm()
    walker.open(f"/book/{walker.draft}")
    walker.send(**{"about-heating-symptoms": ["cold"]})
    assert walker.url.endswith("/confirm")
    walker.open(f"/book/{walker.draft}")
    assert walker.page.checked["about-heating-symptoms"] == ["cold"]
    walker.send(**MANY)
    assert walker.url.endswith("/time")
    assert "stays about 150 minutes" in walker.page.text
    walker.pick_window()
    walker.open(f"/book/{walker.draft}")
    assert walker.page.fields["about-heating-radiators"] == "20"


def test_what_the_office_changes_meanwhile_counts(walker: Walker, services: Services) -> None:
    """A question that becomes required is asked before the booking goes on."""
    walker.to_confirm()
    change_question(services, "radiators", required=True)
    walker.confirm()
    assert walker.url == f"/book/{walker.draft}"
    assert visits(services) == 0
    walker.send(**{"about-heating-radiators": "3"})
    assert walker.url.endswith("/confirm")


def test_gas_stops_the_flow(walker: Walker, services: Services) -> None:
    """The phone number and what to do instead of a booking, whatever address of the flow is tried."""
    walker.to_confirm()
    form, confirm = walker.page, walker.url
    walker.open(f"/book/{walker.draft}")
    walker.send(**{"about-heating-symptoms": ["gas", "cold"]})
    assert walker.url.endswith("/call")
    assert "Please call us now" in walker.page.text
    assert "Leave the building first." in walker.page.text
    assert f"tel:{services.settings.company_phone.replace(' ', '')}" in walker.page.links
    for page in ("/address", "/time", "/windows", "/confirm", "/outside", "/address/check"):
        walker.open(f"/book/{walker.draft}{page}")
        assert walker.url.endswith("/call"), page
    walker.page, walker.url = form, confirm
    walker.confirm()
    assert walker.url.endswith("/call")
    assert visits(services) == 0
    walker.open(f"/book/{walker.draft}")
    walker.send(**{"about-heating-symptoms": ["cold"]})
    assert walker.url.endswith("/confirm")
    walker.open(f"/book/{walker.draft}/call")
    assert walker.url.endswith("/confirm")


def test_gas_stops_a_new_booking_at_once(walker: Walker, services: Services) -> None:
    """Before any address is asked."""
    walker.choose_problem(**{"about-heating-symptoms": ["gas"]})
    assert walker.url.endswith("/call")
    assert visits(services) == 0


@pytest.mark.parametrize("window", ["booked", "requested"])
def test_no_way_to_book_online_leads_past_it(
    services: Services, company: Company, home: Address, window: str
) -> None:
    """The service refuses as well, except to a person of the office who has called."""

    def request(actor: str) -> None:
        def work(session: Session) -> None:
            answers = booking.Answers(
                service=heating(session),
                territory=session.merge(company.territory),
                site=SiteAnswers(address=home.label, coordinates=home.coordinates, match="exact"),
                requester=Contact(name="Rosa", email="rosa@example.com"),
                questions={"symptoms": ["gas"]},
            )
            known = booking.Company(prefix="HH", secret_key="x")  # noqa: S106
            if window == "booked" and actor == booking.CUSTOMER:
                booking.book(session, answers, company=known, tables={}, now=NOW, actor=actor)
            else:
                booking.request(session, answers, company=known, now=NOW, actor=actor)

        services.db.run(work)

    with pytest.raises(booking.NotOnline):
        request(booking.CUSTOMER)
    assert visits(services) == 0
    request("user:1")
    assert visits(services) == 1


def test_a_required_answer_is_asked_for(walker: Walker, services: Services) -> None:
    """By its name, at the field and above; only for the service that asks it."""
    change_question(services, "oil", required=True)
    walker.choose_problem()
    assert walker.status == 422
    assert walker.page.text.count("Answer this question: Does it burn oil?") == 2
    assert "#about-heating-oil-0" in walker.page.links
    walker.choose_problem("call")
    assert walker.status == 200
    walker.choose_problem(**{"about-heating-oil": "no"})
    assert "Where should we come?" in walker.page.text


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("a dozen", "Enter a whole number, like 12"),
        ("1.5", "Enter a whole number, like 12"),
        ("٣", "Enter a whole number, like 12"),
        ("9" * 400, "Enter a whole number, like 12"),
        ("0", "Enter a number from 1 to 99"),
        ("-3", "Enter a number from 1 to 99"),
        ("100", "Enter a number from 1 to 99"),
    ],
)
def test_a_number_that_is_none(walker: Walker, typed: str, words: str) -> None:
    """It is refused in words, and what was typed stays."""
    walker.choose_problem(**{"about-heating-radiators": typed})
    assert walker.status == 422
    assert walker.page.text.count(words) == 2
    assert walker.page.fields["about-heating-radiators"] == typed


def test_answers_for_another_service_do_not_matter(walker: Walker, services: Services) -> None:
    """A form without script holds the questions of all; a slip in those that nobody asks is no mistake."""
    walker.choose_problem("call", **{"about-heating-radiators": "x", "about-heating-symptoms": ["gas"]})
    assert "Where are you?" in walker.page.text
    with services.db.reading() as session:
        assert session.scalars(select(BookingDraft)).one().answers["questions"] == {}


def test_a_longer_code_that_begins_alike_is_another_service(walker: Walker, services: Services) -> None:
    """The questions of heating-oil are not those of heating."""
    with services.db.transaction() as session:
        make_service(
            session,
            code="heating-oil",
            intake_questions=[{"code": "tank", "kind": "text", "label": "Where is the tank?"}],
        )
    assert "Where is the tank?" not in walker.open("/book/questions?service=heating").text
    assert "Where is the tank?" in walker.open("/book/questions?service=heating-oil").text


def test_common_questions_stand_beside_the_form(walker: Walker) -> None:
    """On the page of the service, folded; a fragment of their own for when a card is picked."""
    walker.open("/book?service=heating")
    assert "How long does it take? About an hour." in walker.page.text
    assert "<details>" in walker.page.html
    assert "How long does it take?" in walker.open("/book/help?service=heating").text
    assert walker.open("/book/help?service=call").text == ""
    assert walker.open("/book/help?service=%00").text == ""


def begin_checks(walker: Walker, **values: Any) -> None:
    """Press the button beside heating, with no card picked yet."""
    walker.open("/book")
    walker.send(check_first="heating", **values)


def test_checks_that_solve_it_are_counted_and_book_nothing(walker: Walker, services: Services) -> None:
    """In a row with the check that did it; once, also when the form is sent twice and the page seen again."""
    begin_checks(walker)
    assert "Turn the thermostat up" in walker.page.text
    form, url = walker.page, walker.url
    for _ in range(2):
        walker.page, walker.url = form, url
        walker.send(answer="yes")
        assert "Good that it works again" in walker.page.text
    walker.open(walker.url)
    walker.open(f"{url}?step=thermostat")
    walker.send(answer="yes")
    assert results(services) == [("thermostat", "solved")]
    assert visits(services) == 0
    with services.db.reading() as session:
        assert session.scalars(select(TroubleshootingResult)).one().ended_at >= NOW


def test_checks_that_do_not_help_lead_to_a_booking_with_their_answers(
    walker: Walker, services: Services
) -> None:
    """What was typed before is kept, and what was tried is said on the summary and to everybody later."""
    begin_checks(walker, problem="Cold since Monday", **{"about-heating-symptoms": ["cold"]})
    walker.send(answer="no")
    assert "Look under the boiler" in walker.page.text
    walker.send(answer="yes")
    assert "Where should we come?" in walker.page.text
    draft = walker.draft
    walker.open(f"/book/{draft}")
    assert "You tried Turn the thermostat up: Is it warm now? no" in walker.page.text
    walker.open(f"/book/{draft}/address")
    walker.give_address()
    walker.pick_window()
    assert "No heat · Cold since Monday" in walker.page.text
    assert "You tried Turn the thermostat up: Is it warm now? no · Look under" in walker.page.text
    walker.confirm()
    with services.db.reading() as session:
        order = session.scalars(select(Visit)).one().work_order
        assert [said["code"] for said in order.said] == ["symptoms", "thermostat", "water"]
        assert order.problem == "Cold since Monday"
    assert results(services) == [("water", "book")]


def test_checks_may_end_with_a_call(walker: Walker, services: Services) -> None:
    """With the advice of the check; going back and answering otherwise goes on."""
    begin_checks(walker)
    walker.send(answer="no")
    walker.send(answer="no")
    assert walker.url.endswith("/call")
    assert "Shut the main valve." in walker.page.text
    walker.open(f"/book/{walker.draft}/address")
    assert walker.url.endswith("/call")
    walker.open(f"/book/{walker.draft}/try?step=water")
    walker.send(answer="yes")
    assert "Where should we come?" in walker.page.text
    assert results(services) == [("water", "call_us"), ("water", "book")]


def test_checks_can_be_left_and_begun_again(walker: Walker) -> None:
    """Half-way they go on where they were; after an end they begin anew; another service forgets them."""
    begin_checks(walker)
    walker.send(answer="no")
    walker.open(f"/book/{walker.draft}")
    walker.send(check_first="heating")
    assert "Look under the boiler" in walker.page.text
    walker.send(answer="yes")
    walker.open(f"/book/{walker.draft}")
    walker.send(check_first="heating")
    assert "Turn the thermostat up" in walker.page.text
    walker.open(f"/book/{walker.draft}")
    walker.send(service="call")
    walker.open(f"/book/{walker.draft}")
    assert "You tried" not in walker.page.text


def test_required_questions_wait_until_the_checks_are_through(walker: Walker, services: Services) -> None:
    """Who wants to try first is not asked; who then books is."""
    change_question(services, "oil", required=True)
    begin_checks(walker)
    assert "Turn the thermostat up" in walker.page.text
    walker.send(answer="no")
    walker.send(answer="yes")
    assert walker.url == f"/book/{walker.draft}"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"answer": "maybe"}, "Answer with yes or no"),
        ({"answer": None}, "Answer with yes or no"),
        ({"answer": "yes", "step": "gone"}, "This check has changed meanwhile"),
        ({"answer": "yes", "step": "\x00"}, "This check has changed meanwhile"),
    ],
)
def test_an_answer_to_a_check_that_is_none(
    walker: Walker, services: Services, values: dict[str, Any], words: str
) -> None:
    """The same check again, in words; nothing is kept."""
    begin_checks(walker)
    walker.send(**values)
    assert walker.status == 422
    assert words in walker.page.text
    assert "Turn the thermostat up" in walker.page.text
    assert results(services) == []


def test_a_service_without_checks_has_none(walker: Walker, services: Services) -> None:
    """The button of a service that lost them leads on, an old page of theirs back to the problem."""
    begin_checks(walker)
    old, url = walker.page, walker.url

    def forget(session: Session) -> None:
        ask(session, heating(session), QUESTIONS)

    services.db.run(forget)
    walker.page, walker.url = old, url
    walker.send(answer="no")
    assert walker.url == f"/book/{walker.draft}"
    begin_checks(walker)
    assert walker.url == f"/book/{walker.draft}"


def test_a_picture_that_we_do_not_have_breaks_no_page(walker: Walker, services: Services) -> None:
    """Its name is the office's; the tools stand in for it."""
    with services.db.transaction() as session:
        session.query(Service).filter_by(code="heating").one().icon = "no-such-picture"
        session.query(Service).filter_by(code="call").one().icon = "boiler"
    walker.open("/book")
    assert walker.status == 200
    assert "#tools" in walker.page.html
    assert "#boiler" in walker.page.html
    assert "no-such-picture" not in walker.page.html
