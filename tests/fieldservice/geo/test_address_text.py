"""A typed address is read into street, number, city and postcode, however people write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldservice.geo.address_text import Query, Reader, house_number, normal

READER = Reader(
    {"pikesville", "owings mills", "vaduz", "bad ragaz", "hartford"}, {"21208", "9490", "11122", "06103"}
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("N. Main St", "north main street"),
        ("St. Paul St", "saint paul street"),
        ("Hauptstr.", "Hauptstraße"),
        ("Äulestrasse", "aulestrasse"),
        ("O'Brien Ave", "OBRIEN AVENUE"),
        ("  Old   Court  Rd. ", "old court road"),
        ("Mt Wilson Ln", "Mount Wilson Lane"),
    ],
)
def test_spellings_of_one_street(one, other):
    """Abbreviations, accents, case, dots and apostrophes do not tell streets apart."""
    assert normal(one) == normal(other)


def test_numbers_that_differ_stay_apart():
    """2-4 is not 24, but 12 A is 12a."""
    assert house_number("2-4") != house_number("24")
    assert house_number("12 A") == house_number("12a")


EXPECTED = Query("old court road", "12", "pikesville", "21208")


@pytest.mark.parametrize(
    "text",
    [
        "12 Old Court Road, Pikesville 21208",
        "12 Old Court Rd, Pikesville, MD 21208-1234",
        "12 OLD COURT RD PIKESVILLE MD 21208 USA",
        "12 Old Court Rd., Apt 4, Pikesville, Maryland 21208",
        "12 Old Court Rd #4B, Pikesville 21208",
        "12 Old Court Rd Suite 5, Pikesville, 21208, United States",
        "12 Old Court Road, 2nd floor, Pikesville 21208",
        "Pikesville 21208, 12 Old Court Rd",
        "21208 Pikesville; Old Court Road 12",
        "12, Old Court Road, Pikesville 21208",
        "12 Old Court Road\nPikesville\n21208",
    ],
)
def test_one_address_in_many_forms(text):
    """Order, commas, units, state and country make no difference."""
    assert READER.read(text)[0] == EXPECTED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Städtle 49, 9490 Vaduz", Query("stadtle", "49", "vaduz", "9490")),
        ("FL-9490 Vaduz, Städtle 49", Query("stadtle", "49", "vaduz", "9490")),
        ("Am Platz 3a Bad Ragaz", Query("am platz", "3a", "bad ragaz", "")),
        ("Am Platz 3 a, Bad Ragaz", Query("am platz", "3a", "bad ragaz", "")),
        ("Drottninggatan 7, 111 22 Vaduz", Query("drottninggatan", "7", "vaduz", "11122")),
        ("5 Oak St, Hartford, CT 06103", Query("oak street", "5", "hartford", "06103")),
        ("5 Oak Ct, Hartford", Query("oak court", "5", "hartford", "")),
    ],
)
def test_european_orders_and_ambiguous_states(text, expected):
    """The number may come last, the postcode first; CT is a state after a comma and a court in a street."""
    assert expected in READER.read(text)


def test_what_the_index_does_not_know_raises_doubt():
    """A misspelt city costs a little, a firm beside a known city hardly anything, a foreign city a lot."""
    known = READER.read("12 Oak Road, Pikesville")[0].doubt
    misspelt = READER.read("12 Oak Road, Pikesvile")[0]
    firm = READER.read("Acme Heating, 12 Oak Road, Pikesville")[0].doubt
    foreign = READER.read("12 Oak Road, Sacramento")[0].doubt
    assert misspelt.city == "pikesville"
    assert known == 0
    assert known < misspelt.doubt < 10
    assert known < firm < 10
    assert foreign > 28


@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text):
    """Whatever is typed gives some readings or none."""
    assert all(query.street for query in READER.read(text))
