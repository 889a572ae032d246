"""Understand a typed address: one spelling for words, no units, and what is street, number, city, postcode.

United States and European orders; abbreviations of the United States and of German.
"""

import re
import unicodedata
from collections.abc import Iterator, Set
from dataclasses import dataclass

from rapidfuzz import fuzz, process

_WORDS = {
    "st": "street", "str": "street", "ave": "avenue", "av": "avenue", "rd": "road", "ln": "lane",
    "dr": "drive", "ct": "court", "pl": "place", "ter": "terrace", "terr": "terrace",
    "blvd": "boulevard", "hwy": "highway", "pkwy": "parkway", "pky": "parkway", "cir": "circle",
    "sq": "square", "trl": "trail", "expy": "expressway", "tpke": "turnpike", "aly": "alley",
    "xing": "crossing", "hts": "heights", "mt": "mount", "ft": "fort", "n": "north", "s": "south",
    "e": "east", "w": "west", "ne": "northeast", "nw": "northwest", "se": "southeast",
    "sw": "southwest",
}  # fmt: skip
_STATES = frozenset({
    "al", "ak", "az", "ar", "ca", "co", "ct", "de", "fl", "ga", "hi", "id", "il", "in", "ia", "ks",
    "ky", "la", "me", "md", "ma", "mi", "mn", "ms", "mo", "mt", "ne", "nv", "nh", "nj", "nm", "ny",
    "nc", "nd", "oh", "ok", "or", "pa", "ri", "sc", "sd", "tn", "tx", "ut", "vt", "va", "wa", "wv",
    "wi", "wy", "dc", "maryland",
})  # fmt: skip
_COUNTRIES = frozenset({
    "usa", "us", "germany", "deutschland", "de", "liechtenstein", "fl", "li", "finland", "suomi",
    "fi", "austria", "osterreich", "at", "schweiz", "ch",
})  # fmt: skip
_UNIT = re.compile(
    r"\b(?:apt|apartment|suite|ste|unit|room|rm|floor|lot|bldg|building)\b\.?\s*#?\s*(?:\d[\w-]*|[a-z])\b"
    r"|#\s*[\w-]+|\b\d+(?:st|nd|rd|th)\s+(?:floor|fl)\b"
)
_COUNTRY_NAME = re.compile(r"\bunited (?:states(?: of america)?|kingdom)\b")
_NUMBER = re.compile(r"\d+[a-z]?(?:[-/]\d*[a-z]?)*")
_STATE_PART = re.compile(rf",\s*(?:{'|'.join(sorted(_STATES))})(?=\s*(?:\d{{5}}\b|,|$))")
"""A state after a comma, before the words are spelt out: CT is Connecticut there and not a court."""

_ZIP_PLUS_4 = re.compile(r"\b(\d{5})-\d{4}\b")
_COUNTRY_AND_POSTCODE = re.compile(r"\b[a-z]{1,2}-(\d{4,5})\b")
_POSTCODE = re.compile(r"\d{4,5}")
_MAX_TEXT = 200
_CITY_WORDS = 4
_FOREIGN = 35
_SAME_CITY = 75
"""Likeness (0 to 100) from which a word is a misspelt city of the index."""


def plain(text: str) -> str:
    """Lower case without accents: the base of every comparison."""
    text = unicodedata.normalize("NFKD", text[:_MAX_TEXT].casefold())
    return "".join(char for char in text if not unicodedata.combining(char))


def words(text: str) -> list[str]:
    """The words of a street or city in one spelling: "N. Main St" and "north main street" are the same."""
    found = re.findall(r"[^\W_]+(?:[-/'’][^\W_]+)*", plain(text))
    spelt = [_WORDS.get(word, word) for word in (word.replace("'", "").replace("’", "") for word in found)]
    if len(spelt) > 1 and found[0] == "st":
        spelt[0] = "saint"
    return [_german(word) for word in spelt]


def normal(text: str) -> str:
    """`words` as one string."""
    return " ".join(words(text))


def _german(word: str) -> str:
    """Hauptstr and Hauptstrasse are one street; a lone Strasse stays a word of its own."""
    if len(word) > 4 and word.endswith("str"):
        return word + "asse"
    return word


@dataclass(frozen=True, slots=True)
class Query:
    """One way to read a typed address; `doubt` (0 to 100) for what in it the index does not know."""

    street: str
    number: str
    city: str
    postcode: str
    doubt: float = 0


@dataclass(slots=True)
class _Part:
    """What a comma-separated part turned out to hold."""

    rest: list[str]
    city: str = ""
    postcode: str = ""


class Reader:
    """Reads typed addresses against the cities and postcodes that the index knows."""

    def __init__(self, cities: Set[str], postcodes: Set[str]) -> None:
        self._cities = cities
        self._city_list = sorted(cities)
        self._postcodes = postcodes

    def read(self, text: str) -> list[Query]:
        """The ways to read `text`, most likely first; none when there is nothing like a street in it."""
        text = _ZIP_PLUS_4.sub(r"\1", _COUNTRY_NAME.sub(" ", _UNIT.sub(" ", plain(text))))
        text = _STATE_PART.sub(",", _COUNTRY_AND_POSTCODE.sub(r"\1", text))
        parts = [self._peel(words(part)) for part in re.split(r"[,;\n]", text)]
        city = next((part.city for part in parts if part.city), "")
        postcode = next((part.postcode for part in parts if part.postcode), "")
        rests = [part.rest for part in parts if part.rest]
        if not rests:
            return []
        street = self._street_part(rests)
        others = [rest for rest in rests if rest is not street]
        known, doubt = bool(city or postcode), 0.0
        for other in others:
            likely, likeness = self._like_city(other)
            city = city or likely
            if not likely:  # a firm or a quarter beside a city that is known, or a foreign city
                doubt += 3 if known else _FOREIGN
            elif not known:
                doubt += (100 - likeness) / 2 + 10 * any(map(_POSTCODE.fullmatch, other))
        return self._readings(street, city, postcode, doubt)

    def _readings(self, street: list[str], city: str, postcode: str, doubt: float) -> list[Query]:
        found = []
        for likely, count, likeness in self._trailing_city(street, city):
            for name, number in _numbers(street[: len(street) - count]):
                total = doubt + (100 - likeness) / 2
                found.append(Query(" ".join(name), number, city or likely, postcode, total))
        return list(dict.fromkeys(found))

    def _peel(self, part: list[str]) -> _Part:
        """Take country, state, postcode and city off the end of a part, postcode and city off its front."""
        peeled = _Part(list(part))
        while peeled.rest and self._peel_end(peeled):
            pass
        rest = peeled.rest
        if len(rest) > 1 and rest[0] in self._postcodes and not peeled.postcode:
            city = next(
                (n for n in range(_CITY_WORDS, 0, -1) if " ".join(rest[1 : 1 + n]) in self._cities), 0
            )
            if city:
                peeled.postcode, peeled.city = rest[0], " ".join(rest[1 : 1 + city])
                peeled.rest = rest[1 + city :]
        return peeled

    def _peel_end(self, peeled: _Part) -> bool:
        rest = peeled.rest
        if not peeled.postcode and (count := self._ends_with(rest, self._postcodes, 2, "")):
            peeled.postcode = "".join(rest[-count:])
        elif not peeled.city and (count := self._ends_with(rest, self._cities, _CITY_WORDS, " ")):
            peeled.city = " ".join(rest[-count:])
        elif not peeled.city and rest[-1] in _COUNTRIES | _STATES and len(rest) != 2:
            count = 1
        else:
            return False
        del rest[-count:]
        return True

    @staticmethod
    def _ends_with(rest: list[str], known: Set[str], most: int, joint: str) -> int:
        """How many words at the end of `rest` are one of the known names, 0 for none."""
        counts = range(min(most, len(rest)), 0, -1)
        return next((count for count in counts if joint.join(rest[-count:]) in known), 0)

    @staticmethod
    def _street_part(rests: list[list[str]]) -> list[str]:
        """The part that names the street: the first with a number; a lone number belongs to the next part."""
        for position, rest in enumerate(rests):
            if _NUMBER.fullmatch(rest[0]) and len(rest) == 1 and position + 1 < len(rests):
                joined = rest + rests.pop(position + 1)
                rests[position] = joined
                return joined
            if any(_NUMBER.fullmatch(word) for word in rest) and len(rest) > 1:
                return rest
        return rests[0]

    def _like_city(self, part: list[str]) -> tuple[str, float]:
        """The city that a part may be a misspelling of, and how alike they are."""
        text = " ".join(word for word in part if not _POSTCODE.fullmatch(word) and word not in _STATES)
        best = process.extractOne(text, self._city_list, scorer=fuzz.ratio, score_cutoff=_SAME_CITY)
        return (best[0], best[1]) if best else ("", 0)

    def _trailing_city(self, street: list[str], city: str) -> Iterator[tuple[str, int, float]]:
        """A misspelt city may end the street's part where no comma divides them."""
        yield "", 0, 100
        if city:
            return
        for count in range(min(3, len(street) - 2), 0, -1):
            likely, likeness = self._like_city(street[-count:])
            if likely:
                yield likely, count, likeness
                return


def _numbers(street: list[str]) -> list[tuple[list[str], str]]:
    """The house number may stand first (US), last (Europe, also as "12 a"), or belong to the name."""
    found = []
    if len(street) > 1 and _NUMBER.fullmatch(street[0]):
        found.append((street[1:], street[0]))
    if len(street) > 2 and len(street[-1]) == 1 and street[-1].isalpha() and _NUMBER.fullmatch(street[-2]):
        found.append((street[:-2], street[-2] + street[-1]))
    if len(street) > 1 and _NUMBER.fullmatch(street[-1]):
        found.append((street[:-1], street[-1]))
    return [*found, (street, "")]


def typed_number(text: str, *, known: str) -> str:
    """The house number in a typed address; digits that are words of `known`, street and town, are none."""
    first, *others = [part.split() for part in text[:_MAX_TEXT].split(",")]
    line = first + others[0] if len(first) == 1 and others and _NUMBER.fullmatch(plain(first[0])) else first
    names = plain(known).split()
    readings = _numbers([plain(word) for word in line])
    number = next((number for _, number in readings if number and number not in names), "")
    as_typed = re.search(re.escape(number), text, re.IGNORECASE)
    return as_typed[0] if as_typed else number


def typed_unit(text: str) -> str:
    """The apartment or floor in a typed address, as it was typed."""
    found = re.search(_UNIT.pattern, text[:_MAX_TEXT], re.IGNORECASE)
    return found[0] if found else ""


def house_number(text: str) -> str:
    """A house number in one spelling: "12 A" and "12a" are the same, "2-4" stays apart from "24"."""
    return re.sub(r"\s+", "", plain(text))


def postcode_key(text: str) -> str:
    """A postcode in one spelling, without spaces."""
    return "".join(words(text))
