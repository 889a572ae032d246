"""Wrong, missing, huge and hostile values: answered in words, never with a 500, nothing half-written."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, select

from fieldservice.models import BookingDraft, Customer, Visit, WorkOrder
from fieldservice.web import Services
from tests.fieldservice.booking.walker import Walker

REFUSED = [
    "a\x00b 1",
    "a\x07b 1",
    "evil\u202e1gpj.exe",
    "evil\u20661",
    "1x" * 50_000,
]
HARMLESS = [
    "<script>alert(1)</script> {{ 7 * 7 }} ${7*7}",
    "1'; DROP TABLE visit; -- %(name)s %s",
    "=cmd|' /C calc'!A1",
    "🔥 1 👩‍👩‍👧 רחוב הרצל Zu\u0308rich",
]
NO_WINDOWS = [
    None,
    "",
    "soon",
    "2026-03-03",
    "2026-03-03T10:00:00",
    "9999-12-31T23:59:59+00:00",
    "0001-01-01T00:00:00+23:59",
    "2026-03-03T10:00:00+00:00" + " " * 40,
]
FAULTS = [
    ({"name": "  "}, "Enter your full name"),
    ({"phone": "", "email": ""}, "Enter a mobile number or an email address"),
    ({"phone": "12"}, "Enter a phone number, like 410 555 0187"),
    ({"phone": "call me"}, "Enter a phone number, like 410 555 0187"),
    ({"email": "rosa@"}, "Enter an email address in the correct format"),
    ({"email": "rosa@example.com\r\nBcc: all@example.com"}, "Enter an email address in the correct format"),
    ({"site_phone": "410 555 0111"}, "Enter the name of the person at the address"),
    ({"payer_email": "lou@example.com"}, "Enter the name of the person or company that pays"),
]


def counts(services: Services) -> tuple[int, ...]:
    """How many visits, orders and customers there are."""
    with services.db.reading() as session:
        return tuple(
            session.scalar(select(func.count()).select_from(model)) or 0
            for model in (Visit, WorkOrder, Customer)
        )


def assert_words(walker: Walker) -> None:
    """The page repeats itself with a summary of what is wrong."""
    assert walker.status == 422, walker.page.text
    assert walker.page.title.startswith("Error: ")
    assert "There is a problem" in walker.page.text


def refuses(walker: Walker, good: dict[str, str], names: Iterable[str]) -> None:
    """Send the form in view with each hostile value in each of the fields."""
    form, url = walker.page, walker.url
    for name in names:
        for value in REFUSED:
            walker.page, walker.url = form, url
            walker.send(**(good | {name: value}))
            assert_words(walker)


def test_nothing_chosen(walker: Walker, services: Services) -> None:
    """Screen 1 says what is missing, at the top and at the field."""
    walker.open("/book")
    walker.send()
    assert_words(walker)
    assert walker.page.text.count("Choose what needs fixing") == 2
    assert "#service-0" in walker.page.links
    with services.db.reading() as session:
        assert session.scalars(select(BookingDraft)).all() == []


def test_screen_1_refuses_hostile_values(walker: Walker, services: Services) -> None:
    """Every field of the problem."""
    walker.open("/book")
    names = ["service", "problem", "about-heating-model", "about-heating-fuel"]
    refuses(walker, {"service": "heating"}, names)
    with services.db.reading() as session:
        assert session.scalars(select(BookingDraft)).all() == []


def test_an_invented_chip_is_refused(walker: Walker) -> None:
    """Only the options of the catalogue count."""
    walker.open("/book")
    walker.send(**{"service": "heating", "about-heating-symptoms": ["No heat", "Invented"]})
    assert_words(walker)


def test_an_address_without_anything(walker: Walker) -> None:
    """Both faults are named at once, and the typed values stay."""
    walker.choose_problem()
    walker.send(q="Decker Ave", access_notes="Dog")
    assert_words(walker)
    assert walker.page.text.count("Enter a street address with a house number") == 2
    assert walker.page.text.count("Tell us how to get in, or that you’ll be home") == 2
    assert walker.page.fields["q"] == "Decker Ave"
    assert walker.page.fields["access_notes"] == "Dog"


def test_a_house_without_a_number(walker: Walker) -> None:
    """Who really lives in one says so, and goes on."""
    walker.choose_problem()
    walker.open(f"/book/{walker.draft}/address?by=hand")
    walker.send(street="Old Mill", city="Demoville", access_kind="home")
    assert_words(walker)
    walker.send(no_number="y")
    assert walker.status == 200
    assert walker.url.endswith("/address/check")


def test_screen_2_refuses_hostile_values(walker: Walker) -> None:
    """Every field of the address, searched for or given by hand."""
    walker.choose_problem()
    good = {"q": walker.home.label, "access_kind": "home"}
    refuses(walker, good, ["q", "unit", "access_kind", "access_notes", "pin_lat"])
    walker.open(f"/book/{walker.draft}/address?by=hand")
    good = {"street": "1 Main Street", "city": "Demoville", "access_kind": "home"}
    refuses(walker, good, ["street", "city", "postcode"])


def test_screen_3_refuses_hostile_values(walker: Walker) -> None:
    """No window, or something that is none."""
    walker.to_time()
    form, url = walker.page, walker.url
    for value in (*NO_WINDOWS, *REFUSED):
        walker.page, walker.url = form, url
        walker.send(window=value)
        assert_words(walker)
        assert "Choose an arrival window" in walker.page.text
        assert "window" not in walker.page.checked


def test_screen_3_survives_any_day(walker: Walker) -> None:
    """A broken link shows the first free day."""
    walker.to_time()
    for day in ("x", "2026-02-31", "9999-12-31", "0001-01-01", "%00", "9" * 400):
        walker.open(f"/book/{walker.draft}/time?day={day}")
        assert walker.status == 200
        assert walker.page.options["window"]


def test_screen_4_refuses_hostile_values(walker: Walker, services: Services) -> None:
    """Every field of the contacts; nothing is written."""
    walker.to_confirm()
    good = {"name": "Rosa Whitfield", "phone": "410 555 0187", "email": "rosa@example.com"}
    refuses(walker, good, [*good, "site_name", "site_phone", "payer_name", "payer_email"])
    assert counts(services) == (0, 0, 0)


def test_screen_4_says_what_is_wrong(walker: Walker, services: Services) -> None:
    """The same words at the top and at the field."""
    walker.to_confirm()
    form, url = walker.page, walker.url
    for values, words in FAULTS:
        walker.page, walker.url = form, url
        walker.confirm(**values)
        assert_words(walker)
        assert walker.page.text.count(words) == 2
    assert counts(services) == (0, 0, 0)


def test_what_is_unusual_but_harmless_is_kept_as_it_is(walker: Walker, services: Services) -> None:
    """Stored in one spelling, shown escaped, on every page that shows it."""
    for value in HARMLESS:
        walker.choose_problem(problem=value)
        walker.give_address(access_notes=value, unit=value)
        walker.open(f"/book/{walker.draft}/time?day=2026-03-04")
        walker.pick_window()
        assert "<script>alert" not in walker.page.html
        walker.confirm(name=value)
        assert "You’re booked" in walker.page.text
        walker.open(walker.url.removesuffix("/booked"))
        assert "<script>alert" not in walker.page.html
        assert walker.client.get(f"{walker.url}/calendar.ics").status_code == 200
    with services.db.reading() as session:
        stored = [visit.work_order.problem for visit in session.scalars(select(Visit).order_by(Visit.id))]
    assert stored == [value.replace("u\u0308", "ü") for value in HARMLESS]


def test_a_reason_to_cancel_refuses_hostile_values(walker: Walker, services: Services) -> None:
    """The visit stays booked."""
    walker.book()
    walker.open(f"{walker.url.removesuffix('/booked')}/cancel")
    refuses(walker, {}, ["reason"])
    with services.db.reading() as session:
        assert session.scalars(select(Visit)).one().state == "booked"


def test_a_form_without_its_csrf_token_is_refused(walker: Walker, services: Services) -> None:
    """Another site cannot book for its visitor."""
    walker.to_confirm()
    walker.confirm(csrf_token="")
    assert walker.status == 400
    assert counts(services) == (0, 0, 0)
