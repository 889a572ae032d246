"""The index finds misspelt addresses, refuses those of other towns, and says when a person should look."""

import random
import time

import pytest
from geopy.geocoders.base import Geocoder
from geopy.location import Location
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fieldservice.geo.address import ACCEPT_SCORE, CHECK_SCORE, Match
from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.estimate import crow_metres
from fieldservice.geo.manifest import ADDRESSES, load_manifest

SHORT = {"Street": "St", "Avenue": "Ave", "Road": "Rd.", "Lane": "ln", "Drive": "DR", "Court": "Ct"}


def typo(text, dice):
    """One letter lost, doubled, swapped or wrong."""
    at = dice.randrange(1, len(text) - 2)
    return dice.choice(
        [
            text[:at] + text[at + 1 :],
            text[:at] + text[at] + text[at:],
            text[:at] + text[at + 1] + text[at] + text[at + 2 :],
            text[:at] + "q" + text[at + 1 :],
        ]
    )


def shorten(street):
    """The street with its last word abbreviated."""
    first, _, last = street.rpartition(" ")
    return f"{first} {SHORT.get(last, last)}"


FORMS = {
    "as it is": lambda a, dice: f"{a.number} {a.street}, {a.city} {a.postcode}",
    "lower case, no commas": lambda a, dice: f"{a.number} {a.street} {a.city} {a.postcode}".lower(),
    "short, with a unit": lambda a, dice: f"{a.number} {shorten(a.street)} Apt 4, {a.city}, MD {a.postcode}",
    "street only": lambda a, dice: f"{a.number} {a.street}",
    "number last": lambda a, dice: f"{a.street} {a.number}, {a.postcode} {a.city}",
    "one typo": lambda a, dice: f"{a.number} {typo(a.street, dice)}, {a.city} {a.postcode}",
    "typo in the city": lambda a, dice: f"{a.number} {a.street}, {typo(a.city, dice)}",
}


def hit_rates(index, form, count=100):
    """How many of `count` addresses are found within 75 m, and how many are accepted at a wrong place."""
    dice = random.Random(11)
    hits = wrong = 0
    for address in index.sample(dice.sample(range(len(index)), count)):
        found = index.locate(FORMS[form](address, dice))
        near = found is not None and crow_metres(found.coordinates, address.coordinates) < 75
        hits += near
        wrong += found is not None and found.certain and not near
    return hits / count, wrong / count


@pytest.mark.parametrize("form", FORMS)
def test_addresses_are_found_however_they_are_typed(index, form):
    """At least 97 of 100 within 75 m, and none accepted at another place."""
    hits, wrong = hit_rates(index, form)
    assert hits >= 0.97
    assert wrong == 0


def test_an_address_of_another_town_is_refused(index):
    """The same street name in a foreign city is no match, by itself the positive control of every hit."""
    for address in index.sample(range(0, 6000, 60)):
        home = f"{address.number} {address.street}"
        assert index.locate(home)
        assert index.locate(f"{home}, Springfield, IL 62704") is None
        assert index.locate(f"{home}, 10115 Berlin") is None


@pytest.mark.parametrize(
    "text", ["", " ", ",,,", "\x00", "12", "*", '"', "#4", "Apt 4", "a" * 10_000, "🏠 5"]
)
def test_nothing_like_an_address_finds_nothing(index, text):
    """Empty and absurd input is "not found", in a search and in a completion."""
    assert index.locate(text) is None
    assert index.suggest(text[:40]) == [] or len(text.strip()) > 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=120))
def test_any_text_is_answered(index, text):
    """No text, query language and wildcards included, makes the index fail."""
    index.locate(text)
    assert len(index.suggest(text)) <= 6


def test_a_missing_house_number_is_for_a_person(index):
    """The nearest number and the bare street are found but not certain; the right number is."""
    address = index.sample([100])[0]
    exact = index.locate(f"{address.number} {address.street}")
    assert exact.match is Match.EXACT
    assert exact.certain
    near = index.locate(f"{int(address.number) + 5000} {address.street}")
    assert near.match is Match.NEAREST_NUMBER
    assert near.street == address.street
    street = index.locate(f"{address.street}, Demoville")
    assert street.match is Match.STREET
    assert not near.certain
    assert not street.certain


def test_a_town_alone_is_a_place(index):
    """A city's name finds the city, never certain."""
    place = index.locate("Demoville")
    assert place.match is Match.PLACE
    assert place.score == CHECK_SCORE < ACCEPT_SCORE
    assert not place.certain


def test_completions_begin_like_what_was_typed(index):
    """Half a street gives its addresses or streets, best first; abbreviations and a typo still help."""
    address = index.sample([2000])[0]
    start = address.street[:-3]
    for text in (f"{address.number} {start}", f"{address.number} {shorten(address.street)}", address.label):
        assert address.label in [found.label for found in index.suggest(text)]
    assert all(found.street.startswith(start[:4]) for found in index.suggest(start[:4].lower()))
    assert index.suggest(typo(address.street, random.Random(1)))
    assert len(index.suggest("a", 3)) == 0
    assert len(index.suggest("ch", 3)) == 3


def test_the_index_is_a_geopy_geocoder(index):
    """Whoever knows geopy can use it: locations with raw parts, both ways."""
    assert isinstance(index, Geocoder)
    address = index.sample([42])[0]
    location = index.geocode(address.label)
    assert isinstance(location, Location)
    assert location.raw["match"] == "exact"
    assert location.raw["score"] == 100
    back = index.reverse((location.latitude, location.longitude))
    assert back.address == address.label
    assert index.reverse((0, 0)) is None
    assert index.geocode("nowhere at all") is None
    assert [each.address for each in index.geocode(address.label, exactly_one=False)][0] == address.label


def test_a_lookup_is_fast_enough_to_type_by(index):
    """A hundred lookups and completions with typos take well under two seconds."""
    began = time.perf_counter()
    for address in index.sample(range(100)):
        index.locate(f"{address.number} {typo(address.street, random.Random(3))}")
        index.suggest(address.street[:5])
    assert time.perf_counter() - began < 2


def test_the_real_county_is_found(baltimore_map):
    """On real streets: whole and misspelt addresses are found, almost none accepted at another place."""
    index = AddressIndex(load_manifest(baltimore_map).path(baltimore_map, ADDRESSES))
    assert len(index) > 15_000
    for form in ("short, with a unit", "street only", "one typo"):
        hits, wrong = hit_rates(index, form, count=100)
        assert hits >= 0.97, form
        assert wrong <= 0.01, form
    assert index.locate("8 Park Heights Avenue, Sacramento, CA 94203") is None


def test_two_equal_streets_are_for_a_person(baltimore_map):
    """A street that lies in two cities is not certain until the city is named."""
    index = AddressIndex(load_manifest(baltimore_map).path(baltimore_map, ADDRESSES))
    vague = [found for found in index.search("Old Court Road", limit=20) if found.street == "Old Court Road"]
    assert len({found.city for found in vague}) > 1
    assert vague[0].score < ACCEPT_SCORE
