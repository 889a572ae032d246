"""Street and quarter names of the synthetic town: invented, no real place's register."""

from collections.abc import Iterator
from random import Random

QUARTERS = (
    "Old Town",
    "Millside",
    "Northgate",
    "Quarry Hill",
    "Eastfield",
    "Harbor Green",
    "Foxhollow",
    "Westbrook",
)
STEMS = """
Alder Ash Aspen Beech Birch Cedar Cherry Chestnut Cypress Dogwood Elm Fir Hawthorn Hazel Hemlock Hickory Holly
Brook Canyon Clover Falcon Fern Finch Harvest Heron Lark Meadow Orchard Otter Prairie Robin Sparrow Thistle
Abernathy Bellweather Calloway Dunmore Ellsworth Fairbanks Gallagher Hathaway Ingleby Jessup Kimball Lathrop
Merriweather Nettleton Oglethorpe Pemberton Quimby Rutherford Standish Thackeray Underhill Vandermeer Whitlock
Yardley Zimmer Ashcombe Braddock Cromwell Draycott Evershaw Bridge Canal Chapel College Depot Ferry Foundry
Garden Grange Market Mill Quarry School Spring Tannery Valley
"""
ENDINGS = ("Street", "Avenue", "Road", "Lane", "Drive", "Court", "Place", "Terrace", "Way")


def street_names(random: Random) -> Iterator[str]:
    """Distinct street names in an order given by `random`: more than the town has streets."""
    names = [f"{stem} {ending}" for stem in STEMS.split() for ending in ENDINGS]
    random.shuffle(names)
    yield from names
    yield from (f"{point} {name}" for name in names for point in ("North", "South"))
