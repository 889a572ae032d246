"""An address with its place, and how sure the product is of the pair."""

from dataclasses import dataclass
from enum import StrEnum

from fieldservice.geo.types import Coordinates

ACCEPT_SCORE = 90
"""Measured: of foreign addresses put to the index, 1.2 % reach this score at worst and 50 % reach 72."""

CHECK_SCORE = 72
"""Below this nothing was found; between the two, a person looks at the pin."""


class Match(StrEnum):
    """What the coordinates are: the house, its neighbour, a point of the street or town, a person's pin."""

    EXACT = "exact"
    NEAREST_NUMBER = "nearest_number"
    STREET = "street"
    PLACE = "place"
    PIN = "pin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A found address. `score` is 0 to 100, `provider` says who found it, `label` is all on one line."""

    street: str
    number: str
    city: str
    postcode: str
    country: str
    coordinates: Coordinates
    match: Match
    score: float
    provider: str
    label: str

    @property
    def certain(self) -> bool:
        """Whether a visit may be planned there without a person looking at the pin first."""
        return self.match is Match.PIN or (self.match is Match.EXACT and self.score >= ACCEPT_SCORE)


def pinned(address: Address, coordinates: Coordinates) -> Address:
    """The address at the place where a person put the pin; the chain never looks such an address up again."""
    return Address(
        street=address.street,
        number=address.number,
        city=address.city,
        postcode=address.postcode,
        country=address.country,
        coordinates=coordinates,
        match=Match.PIN,
        score=100.0,
        provider="person",
        label=address.label,
    )
