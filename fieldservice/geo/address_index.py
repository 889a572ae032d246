"""Find addresses in the index of the imported map, without a network, as a geopy geocoder."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

from geopy.adapters import BaseSyncAdapter
from geopy.geocoders.base import Geocoder
from geopy.location import Location
from geopy.point import Point
from rapidfuzz import fuzz

from fieldservice.geo.address import ACCEPT_SCORE, CHECK_SCORE, Address, Match
from fieldservice.geo.address_text import Query, Reader, house_number, normal, plain, postcode_key, words
from fieldservice.geo.estimate import crow_metres
from fieldservice.geo.types import Coordinates

PROVIDER = "map"
_CANDIDATES = 40
_NUMBER_FIRST = frozenset(
    {"street", "avenue", "road", "lane", "drive", "court", "place", "terrace", "boulevard", "highway", "way"}
    | {"parkway", "circle", "square", "trail", "alley", "turnpike", "crossing", "close", "crescent", "row"}
)
_REVERSE_WITHIN_M = 150
_SAME_PLACE_M = 300
_METRES_PER_DEGREE = 111_195


class _NoNetwork(BaseSyncAdapter):  # type: ignore[misc]  # geopy has no types
    """Stands where geopy wants a way to ask a server; the adapters it has read all certificates first."""

    def get_json(self, url: str, *, timeout: float, headers: object) -> NoReturn:
        """Raises NotImplementedError: the index is a file."""
        raise NotImplementedError

    get_text = get_json


class AddressIndex(Geocoder):  # type: ignore[misc]  # geopy has no types
    """The local geocoder. Every call opens the file anew: threads and forked workers may share an index."""

    def __init__(self, path: Path) -> None:
        super().__init__(adapter_factory=_NoNetwork)
        self._path = path

    def geocode(
        self, query: str, *, exactly_one: bool = True, timeout: float | None = None
    ) -> Location | list[Location] | None:
        """What geopy promises; `raw` has match, score and the parts. None when nothing is like `query`."""
        found = self.search(query)
        if not found:
            return None
        return _location(found[0]) if exactly_one else [_location(address) for address in found]

    def reverse(
        self, query: Any, *, exactly_one: bool = True, timeout: float | None = None
    ) -> Location | list[Location] | None:
        """The address nearest to a point, None when there is none within 150 m."""
        point = Point(query)
        address = self.nearest(Coordinates(point.latitude, point.longitude))
        if address is None:
            return None
        return _location(address) if exactly_one else [_location(address)]

    def locate(self, text: str) -> Address | None:
        """The best address for `text`, None when nothing reaches the score at which a person should look."""
        return next(iter(self.search(text)), None)

    def search(self, text: str, limit: int = 5) -> list[Address]:
        """Addresses that `text` may mean, best first, all at least worth a look at the pin."""
        with self._connection() as db:
            queries = self._reader.read(text)
            found = [address for query in queries for address in self._matches(db, query)]
            if not found:
                found = self._places(db, text)
        return _best(found, limit)

    def suggest(self, text: str, limit: int = 6) -> list[Address]:
        """Completions of what was typed so far: addresses on streets that begin so, else similar ones."""
        line, _, town = plain(text).partition(",")
        typed = re.findall(r"[^\W_]+", line)
        number = ""
        for end in (0, -1):
            if len(typed) > 1 and not number and re.fullmatch(r"\d+[a-z]?", typed[end]):
                number = typed.pop(end)
        if len("".join(typed)) < 2:
            return []
        # the last word is unfinished: "Main St" may become Main Street or Main Station Road
        starts = [f"{_literal(start)}*" for start in (" ".join(typed), normal(" ".join(typed)))]
        with self._connection() as db:
            rows = db.execute(
                "SELECT * FROM street WHERE (norm GLOB ? OR norm GLOB ?) AND city_norm GLOB ? "
                "ORDER BY norm, city_norm LIMIT ?",
                (*starts, f"{_literal(' '.join(words(town)[:1]))}*", _CANDIDATES),
            ).fetchall()
            found = [self._completion(db, row, number) for row in rows]
        found.sort(key=lambda address: address.match is not Match.EXACT)
        return (found or self.search(text, limit))[:limit]

    def sample(self, numbers: Iterable[int]) -> list[Address]:
        """The addresses at these positions of the index, counted from 0."""
        with self._connection() as db:
            rows = [
                db.execute(f"{_ADDRESS} WHERE address.rowid = ?", (number + 1,)).fetchone()
                for number in numbers
            ]
        return [_address(row, row, Match.EXACT, 100.0) for row in rows if row]

    def __len__(self) -> int:
        with self._connection() as db:
            count: int = db.execute("SELECT count(*) FROM address").fetchone()[0]
        return count

    def nearest(self, point: Coordinates) -> Address | None:
        """The address nearest to `point` within 150 m."""
        reach = _REVERSE_WITHIN_M / _METRES_PER_DEGREE
        with self._connection() as db:
            rows = db.execute(
                f"{_ADDRESS} WHERE address.lat BETWEEN ? AND ? AND address.lon BETWEEN ? AND ?",
                (point.lat - reach, point.lat + reach, point.lon - 3 * reach, point.lon + 3 * reach),
            ).fetchall()
        near = [(crow_metres(point, Coordinates(row["lat"], row["lon"])), row) for row in rows]
        distance, row = min(near, key=lambda item: item[0], default=(_REVERSE_WITHIN_M + 1.0, None))
        if row is None or distance > _REVERSE_WITHIN_M:
            return None
        return _address(row, row, Match.EXACT, 100.0)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self._path.resolve().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            db.row_factory = sqlite3.Row
            yield db

    @cached_property
    def _reader(self) -> Reader:
        with self._connection() as db:
            cities = {
                row[0] for row in db.execute("SELECT norm FROM place UNION SELECT city_norm FROM street")
            }
            postcodes = {row[0] for row in db.execute("SELECT DISTINCT postcode FROM street")}
        return Reader(cities - {""}, {postcode_key(code) for code in postcodes} - {""})

    def _matches(self, db: sqlite3.Connection, query: Query) -> Iterator[Address]:
        for street in self._streets(db, query.street):
            score = _score(query, street)
            if score < CHECK_SCORE:
                continue
            if not query.number:
                yield _address(street, None, Match.STREET, score)
                continue
            house, match = _house(db, street["id"], query.number)
            yield _address(street, house, match, score)

    @staticmethod
    def _streets(db: sqlite3.Connection, name: str) -> Sequence[sqlite3.Row]:
        """Streets of exactly this name, or else those that share most groups of three letters with it."""
        exact = db.execute("SELECT * FROM street WHERE norm = ?", (name,)).fetchall()
        if exact or len(name) < 3:
            return exact
        groups = {name[start : start + 3] for start in range(len(name) - 2)}
        wanted = " OR ".join(f'"{group}"' for group in sorted(groups))
        return db.execute(
            "SELECT street.* FROM street_words JOIN street ON street.id = street_words.rowid "
            "WHERE street_words MATCH ? ORDER BY rank LIMIT ?",
            (wanted, _CANDIDATES),
        ).fetchall()

    def _completion(self, db: sqlite3.Connection, street: sqlite3.Row, number: str) -> Address:
        house, match = _house(db, street["id"], number)
        if match is not Match.EXACT:  # offering a house that nobody typed would only mislead
            house, match = None, Match.STREET
        return _address(street, house, match, 100.0)

    @staticmethod
    def _places(db: sqlite3.Connection, text: str) -> list[Address]:
        rows = db.execute("SELECT name, lat, lon FROM place WHERE norm = ?", (normal(text),)).fetchall()
        return [
            Address(
                street="",
                number="",
                city=row["name"],
                postcode="",
                country="",
                coordinates=Coordinates(row["lat"], row["lon"]),
                match=Match.PLACE,
                score=float(CHECK_SCORE),
                provider=PROVIDER,
                label=row["name"],
            )
            for row in rows
        ]


_ADDRESS = """
SELECT address.number, address.lat, address.lon,
    street.name, street.norm, street.city, street.postcode, street.country
FROM address JOIN street ON street.id = address.street_id
"""


def _score(query: Query, street: sqlite3.Row) -> float:
    """Likeness of the names (0 to 100) less what city and postcode speak against this street."""
    score = fuzz.ratio(query.street, street["norm"])
    same_city = not query.city or not street["city_norm"] or query.city == street["city_norm"]
    same_postcode = not query.postcode or query.postcode == postcode_key(street["postcode"])
    if not same_city and not same_postcode:
        score -= 30
    elif not same_postcode:
        score -= 6
    elif not same_city:
        # people name the next town; with the right postcode that is no reason to doubt
        score -= 3 if query.postcode else 15
    return max(0.0, score - query.doubt)


def _house(db: sqlite3.Connection, street_id: int, number: str) -> tuple[sqlite3.Row | None, Match]:
    """The house of this number; else the one whose number is nearest, on the same side if possible."""
    norm = house_number(number)
    row = db.execute(
        "SELECT number, lat, lon FROM address WHERE street_id = ? AND norm = ?", (street_id, norm)
    ).fetchone()
    if row:
        return row, Match.EXACT
    wanted = _leading(norm)
    houses = db.execute("SELECT number, lat, lon FROM address WHERE street_id = ?", (street_id,)).fetchall()
    numbered = [(_leading(house["number"]), house) for house in houses]
    near = min(
        numbered, key=lambda item: abs(item[0] - wanted) + (item[0] - wanted) % 2 * 20, default=(0, None)
    )[1]
    return (near, Match.NEAREST_NUMBER) if near else (None, Match.STREET)


def _leading(number: str) -> int:
    digits = re.match(r"\d{1,9}", number)
    return int(digits.group()) if digits else 0


def _address(street: sqlite3.Row, house: sqlite3.Row | None, match: Match, score: float) -> Address:
    place = house or street
    number = house["number"] if house else ""
    return Address(
        street=street["name"],
        number=number,
        city=street["city"],
        postcode=street["postcode"],
        country=street["country"],
        coordinates=Coordinates(place["lat"], place["lon"]),
        match=match,
        score=round(score, 1),
        provider=PROVIDER,
        label=_label(street, number),
    )


def _label(street: sqlite3.Row, number: str) -> str:
    """One line, in the order of the country: number first where streets are called Street, else last."""
    english = street["norm"].rpartition(" ")[2] in _NUMBER_FIRST or street["country"] in (
        "US",
        "GB",
        "IE",
        "CA",
    )
    line = f"{number} {street['name']}" if english else f"{street['name']} {number}"
    town = (street["city"], street["postcode"]) if english else (street["postcode"], street["city"])
    return ", ".join(part for part in (line.strip(), " ".join(filter(None, town))) if part)


def _best(found: Iterable[Address], limit: int) -> list[Address]:
    """Best first, each once; the house itself comes before a better spelt street without it."""
    rank = {Match.EXACT: 0, Match.NEAREST_NUMBER: 8, Match.STREET: 10, Match.PLACE: 20}
    ordered = sorted(found, key=lambda address: rank[address.match] - address.score)
    distinct = list({address.label: address for address in reversed(ordered)}.values())[::-1]
    if distinct and any(_rivals(distinct[0], other) for other in distinct[1:]):
        distinct[0] = replace(distinct[0], score=min(distinct[0].score, ACCEPT_SCORE - 1.0))
    return distinct[:limit]


def _rivals(best: Address, other: Address) -> bool:
    """Whether a text fits two places equally well, like a street name that two towns have."""
    return (
        other.match is best.match
        and other.score > best.score - 2
        and crow_metres(best.coordinates, other.coordinates) > _SAME_PLACE_M
    )


def _literal(text: str) -> str:
    """`text` for GLOB, in which only itself matches."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def _location(address: Address) -> Location:
    raw = {
        "match": str(address.match),
        "score": address.score,
        "street": address.street,
        "number": address.number,
        "city": address.city,
        "postcode": address.postcode,
        "country": address.country,
    }
    return Location(address.label, Point(address.coordinates.lat, address.coordinates.lon), raw)
