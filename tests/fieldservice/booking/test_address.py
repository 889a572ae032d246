"""Where to come: found, doubtful, unknown, outside, pinned. No address stops a customer."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from fieldservice.booking import places
from fieldservice.booking.drafts import SiteAnswers
from fieldservice.geo.address import Match
from fieldservice.geo.address_text import typed_number
from fieldservice.geo.types import Coordinates
from fieldservice.models import BookingDraft, OfficeTask, Territory, Visit, VisitState
from fieldservice.web import Services
from tests.factories import Company
from tests.fieldservice.booking.walker import Walker


def stored_site(services: Services) -> dict[str, object]:
    """The address in the newest draft."""
    with services.db.reading() as session:
        draft = session.scalars(select(BookingDraft).order_by(BookingDraft.id.desc())).first()
        assert draft is not None
        return dict(draft.answers["site"])


def test_suggestions_begin_like_what_was_typed(walker: Walker) -> None:
    """Each says whether it is in the area, and the first how many there are."""
    start = walker.home.label.partition(",")[0]
    page = walker.open(f"/book/address-suggestions?q={start}")
    assert walker.home.label in page.html
    assert "in our area" in page.text
    assert "found" in page.html


def test_suggestions_survive_whatever_is_typed(walker: Walker) -> None:
    """Nothing that can be typed is an error."""
    for typed in ("", "ab", "%00%00%00", "*" * 300, "%E2%80%AE%E2%80%AE", "'; DROP TABLE street"):
        walker.open(f"/book/address-suggestions?q={typed}")
        assert walker.status == 200


def test_finding_shows_the_address_with_its_pin_before_going_on(walker: Walker, services: Services) -> None:
    """The button next to the field works without script; what else was typed is kept."""
    walker.choose_problem()
    walker.send(q=walker.home.label, find="yes", unit="4b", access_notes="Dog")
    assert "In our area" in walker.page.text
    assert "data-map" in walker.page.html
    assert walker.page.fields["unit"] == "4b"
    assert walker.page.fields["access_notes"] == "Dog"
    walker.send(access_kind="home")
    assert walker.url.endswith("/time")


def test_the_address_may_be_given_in_its_parts(walker: Walker, services: Services) -> None:
    """Street, city and postcode are looked up together."""
    walker.choose_problem()
    walker.open(f"/book/{walker.draft}/address?by=hand")
    walker.send(
        street=f"{walker.home.number} {walker.home.street}",
        city=walker.home.city,
        postcode=walker.home.postcode,
        access_kind="code",
    )
    assert walker.url.endswith("/time")
    assert stored_site(services)["match"] == Match.EXACT


def test_a_doubtful_address_offers_what_it_may_mean(walker: Walker, services: Services) -> None:
    """A number that the street does not have: the customer picks the neighbour, or writes it again."""
    walker.choose_problem()
    walker.give_address(q=f"99999 {walker.home.street}, {walker.home.city} {walker.home.postcode}")
    assert "Which place is it?" in walker.page.text
    assert "Next to" in walker.page.text
    assert "Somewhere in" not in walker.page.text  # the same street, less exactly
    walker.send(place=walker.page.options["place"][0])
    assert "In our area" in walker.page.text
    site = stored_site(services)
    assert site["match"] == Match.NEAREST_NUMBER
    assert "99999" in str(site["address"])


def test_a_suggested_street_keeps_the_house_number_that_was_typed(walker: Walker) -> None:
    """A street that is tapped for "99999 vandermeer wa" is the house 99999 there, as the list says."""
    page = walker.open(f"/book/address-suggestions?q=99999 {walker.home.street[:-1]}")
    assert f'data-value="99999 {walker.home.street}, {walker.home.city}' in page.html
    assert f"99999 {walker.home.street}" in page.text


def test_the_chosen_street_is_kept_with_the_typed_house_number(walker: Walker, services: Services) -> None:
    """Half a name and a number: the address has the number, the whole street and its town."""
    walker.choose_problem()
    walker.give_address(q=f"99999 {walker.home.street[:-2]} apt 4")
    wanted = next(place for place in walker.page.options["place"] if walker.home.street in place)
    walker.send(place=wanted)
    site = stored_site(services)
    assert site["address"] == f"99999 {walker.home.street}"
    assert (site["city"], site["postcode"]) == (walker.home.city, walker.home.postcode)
    assert site["unit"] == "apt 4"


@pytest.mark.parametrize(
    ("typed", "known", "number"),
    [
        ("77 quarry", "Quarry Avenue Demoville 21992", "77"),
        ("77, quarry, Demoville", "Quarry Avenue", "77"),
        ("Kirkegade 12B, 8000 Aarhus", "Kirkegade Aarhus 8000", "12B"),
        ("Hoofdstraat 12 a", "Hoofdstraat", "12a"),
        ("Highway 7", "Highway 7", ""),
        ("12 highway 7", "Highway 7", "12"),
        ("21992 Quarry Avenue", "Quarry Avenue Demoville 21992", ""),
        ("5th Avenue", "5th Avenue", ""),
        ("quarry", "Quarry Avenue", ""),
        ("", "Quarry Avenue", ""),
        (" , ,", "Quarry Avenue", ""),
    ],
)
def test_the_typed_house_number_is_told_from_other_digits(typed: str, known: str, number: str) -> None:
    """Digits of the street's own name and of the postcode are no house number."""
    assert typed_number(typed, known=known) == number


def test_a_doubtful_pin_becomes_a_task_of_the_office(walker: Walker, services: Services) -> None:
    """The visit is booked all the same."""
    walker.choose_problem()
    walker.give_address(q=f"99999 {walker.home.street}, {walker.home.city}")
    walker.send(place=walker.page.options["place"][0])
    walker.send(access_kind="home")
    walker.pick_window()
    walker.confirm()
    with services.db.reading() as session:
        assert session.scalars(select(Visit)).one().state == VisitState.BOOKED
        assert session.scalars(select(OfficeTask)).one().kind == "check_pin"


def test_an_unknown_address_becomes_a_request_that_the_office_completes(
    walker: Walker, services: Services
) -> None:
    """No window yet, a task for the office, and a page that says who calls."""
    walker.choose_problem()
    walker.give_address(q="12 Nowhere Crescent, Atlantis")
    assert "We could not find this address" in walker.page.text
    assert 'type="radio"' not in walker.page.html  # nothing was found, so there is nothing to choose
    walker.send(place="written")
    assert walker.url.endswith("/confirm")
    assert "We call you to agree on a time" in walker.page.text
    walker.confirm()
    assert "We have your request" in walker.page.text
    with services.db.reading() as session:
        visit = session.scalars(select(Visit)).one()
        assert visit.state == VisitState.REQUESTED
        assert visit.window is None
        assert not visit.site.located
        assert visit.site.address == "12 Nowhere Crescent, Atlantis"
        task = session.scalars(select(OfficeTask)).one()
        assert (task.kind, task.visit_id) == ("find_address", visit.id)
    walker.open(
        walker.page.links[-1] if "/visit/" in walker.page.links[-1] else walker.url.removesuffix("/booked")
    )
    assert "Requested" in walker.page.text
    assert "Change time" not in walker.page.text


def test_nobody_is_said_to_be_home_who_did_not_say_so(walker: Walker) -> None:
    """Looking an address up answers nothing else: the question comes again before the flow goes on."""
    walker.choose_problem()
    walker.send(q="12 Nowhere Crescent, Atlantis", find="yes")
    walker.send(place="written")
    assert walker.url.endswith("/address")
    assert "access_kind" not in walker.page.checked
    walker.send()
    assert walker.status == 422
    walker.send(access_kind="code")
    assert "Code, key box or doorman." in walker.page.text


def test_a_place_that_was_not_offered_is_refused(walker: Walker) -> None:
    """The list is looked up again, not taken from the form."""
    walker.choose_problem()
    walker.give_address(q=f"99999 {walker.home.street}, {walker.home.city}")
    walker.send(place="1 Elsewhere")
    assert walker.status == 422
    assert "Choose a place" in walker.page.text


def test_outside_the_area_is_not_an_error(walker: Walker, services: Services, company: Company) -> None:
    """A page with other ways to reach the company; nothing is booked."""
    with services.db.transaction() as session:
        session.get_one(Territory, company.territory.id).radius_m = 1
    walker.choose_problem()
    walker.give_address()
    assert walker.status == 200
    assert "We don’t come there yet" in walker.page.text
    assert "+1 410 555 0100" in walker.page.text
    assert "mailto:office@example.com" in walker.page.links
    walker.open(f"/book/{walker.draft}/time")
    assert walker.url.endswith("/address")


def test_a_pin_set_by_a_person_is_kept(walker: Walker, services: Services) -> None:
    """The site gets the person's place, and later answers on the page do not move it."""
    walker.choose_problem()
    walker.send(q=walker.home.label, find="yes")
    at = walker.home.coordinates
    moved = Coordinates(round(at.lat + 0.0005, 6), at.lon)
    walker.send(access_kind="home", pin_lat=str(moved.lat), pin_lon=str(moved.lon))
    walker.open(f"/book/{walker.draft}/address")
    walker.send(unit="7")
    walker.pick_window()
    walker.confirm()
    with services.db.reading() as session:
        site = session.scalars(select(Visit)).one().site
        assert site.pin_set_by_person
        assert site.lat == pytest.approx(moved.lat)
        assert site.geocode_match == "pin"
        assert site.unit == "7"


def test_a_pin_that_is_no_place_is_not_set(walker: Walker, services: Services) -> None:
    """The address keeps the place that was found."""
    walker.choose_problem()
    walker.send(q=walker.home.label, find="yes")
    form, url = walker.page, walker.url
    for value in ("nan", "inf", "91", "-1e400", "x", "1,5", "9" * 24):
        walker.page, walker.url = form, url
        walker.send(access_kind="home", pin_lat=value, pin_lon=value, idempotency_key=f"sent with {value}")
        assert walker.status == 200
        assert stored_site(services)["pin_set_by_person"] is False


def test_a_pin_far_from_its_address_is_refused(walker: Walker) -> None:
    """One of the two is a mistake, and the customer is asked which."""
    walker.choose_problem()
    walker.send(q=walker.home.label, find="yes")
    walker.send(access_kind="home", pin_lat="10.0", pin_lon="10.0")
    assert walker.status == 422
    assert "The pin is too far from the address" in walker.page.text


def test_another_place_needs_another_window(walker: Walker, services: Services) -> None:
    """While new access notes do not."""
    walker.to_confirm()
    walker.open(f"/book/{walker.draft}/address")
    walker.send(access_notes="Ring twice")
    assert walker.url.endswith("/confirm")
    walker.open(f"/book/{walker.draft}/address")
    at = walker.home.coordinates
    walker.send(pin_lat=str(at.lat + 0.001), pin_lon=str(at.lon))
    assert walker.url.endswith("/time")


def test_a_found_house_replaces_what_was_written_and_a_guess_does_not() -> None:
    """The technician reads the customer's own words unless the house itself was found."""
    written = SiteAnswers(address="12 mian st", city="Demovile")
    found = next(iter(_addresses(Match.EXACT)))
    assert places.at(written, found).address == "12 Main Street"
    guessed = next(iter(_addresses(Match.NEAREST_NUMBER)))
    assert places.at(written, guessed).address == "12 mian st"
    assert places.at(written, guessed).coordinates == guessed.coordinates


def _addresses(match: Match) -> list[places.Address]:
    return [
        places.Address(
            street="Main Street",
            number="12",
            city="Demoville",
            postcode="21992",
            country="US",
            coordinates=Coordinates(39.45, -76.95),
            match=match,
            score=95.0,
            provider="map",
            label="12 Main Street, Demoville 21992",
        )
    ]
