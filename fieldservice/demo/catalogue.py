"""What the made-up company offers, who works there and who calls: invented, every name of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from fieldservice.models import Place


@dataclass(frozen=True)
class Offer:
    """A service of the catalogue."""

    code: str
    name: str
    icon: str
    minutes: int
    skills: dict[str, int]
    price: str
    description: str
    symptoms: tuple[str, ...]
    problems: tuple[str, ...]
    place: Place = Place.ON_SITE
    setup: timedelta = timedelta(minutes=5)
    cleanup: timedelta = timedelta(minutes=5)


def written_about(code: str) -> dict[str, Any]:
    """What the company asks about a service, lets customers try first, and answers many of them."""
    found: dict[str, Any] = _file("catalogue.json")[code]
    return found


def translated(texts: Iterable[str]) -> dict[str, dict[str, str]]:
    """Those of the texts that the company had translated, by language."""
    wanted = set(texts)
    return {
        language: {text: words for text, words in known.items() if text in wanted}
        for language, known in _file("translations.json").items()
    }


def _file(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return found


SKILLS = {
    "gas": "Gas",
    "water": "Hot water",
    "appliance": "Appliance",
    "cooling": "Cooling",
    "advice": "Advice",
}

OFFERS = (
    Offer(
        "heating",
        "Heating",
        "boiler",
        45,
        {"gas": 2},
        "$95 visit",
        "Boilers, furnaces and radiators.",
        ("No heat", "Leaking", "Strange noise", "Error code", "Pilot out", "Yearly service"),
        ("Boiler shows F28 and stops after a minute.", "No heat upstairs since last night.", ""),
    ),
    Offer(
        "hot-water",
        "Hot water",
        "hot-water",
        40,
        {"water": 1},
        "$95 visit",
        "Water heaters, taps and pipes.",
        ("No hot water", "Leaking", "Too hot", "Error code", "Yearly service"),
        ("Water is only lukewarm.", "The heater drips into the pan.", ""),
    ),
    Offer(
        "laundry",
        "Washer or dryer",
        "washer",
        35,
        {"appliance": 1},
        "$85 visit",
        "All brands, front and top loaders.",
        ("Does not start", "Does not drain", "Strange noise", "Leaking", "Does not heat"),
        ("It stops in the middle and the drum is full of water.", "Squeals when spinning.", ""),
    ),
    Offer(
        "cooling",
        "Fridge or freezer",
        "fridge",
        35,
        {"cooling": 1},
        "$85 visit",
        "At home and in small businesses.",
        ("Too warm", "Icing up", "Leaking", "Strange noise"),
        ("The fridge is warm, the freezer still works.", "Ice on the back wall every week.", ""),
    ),
    Offer(
        "kitchen",
        "Oven or dishwasher",
        "oven",
        35,
        {"appliance": 2},
        "$85 visit",
        "Ovens, hobs and dishwashers.",
        ("Does not heat", "Does not drain", "Error code", "Door broken"),
        ("The oven does not get above 200.", "Dishes stay dirty, water stands in the bottom.", ""),
    ),
    Offer(
        "advice",
        "Advice visit",
        "advice",
        50,
        {"advice": 1},
        "Free",
        "We look at your home and say what is worth doing.",
        ("Heat pump", "New boiler", "Lower bills", "Insulation"),
        ("We think about a heat pump and want to know what it takes.", ""),
        setup=timedelta(0),
        cleanup=timedelta(0),
    ),
    Offer(
        "bring-in",
        "Bring it to us",
        "branch",
        30,
        {"appliance": 1},
        "$40",
        "Small appliances, repaired at our branch while you wait.",
        ("Does not start", "Broken part", "Strange noise"),
        ("A stand mixer that smells of burning.", ""),
        place=Place.AT_BRANCH,
    ),
    Offer(
        "call",
        "Video call",
        "video",
        20,
        {"advice": 1},
        "Free",
        "A specialist looks at it with you on the screen.",
        ("Error code", "How do I…", "Second opinion"),
        ("The display shows a code and I do not know what it means.", ""),
        place=Place.REMOTE,
        setup=timedelta(0),
        cleanup=timedelta(0),
    ),
)

# Combinations of skills that technicians have, taken in turn.
TRADES: tuple[dict[str, int], ...] = (
    {"gas": 3, "water": 2},
    {"gas": 2, "water": 2, "advice": 2},
    {"appliance": 2, "cooling": 2},
    {"gas": 2, "water": 3},
    {"appliance": 2, "water": 1},
    {"gas": 3, "advice": 3},
    {"appliance": 3, "cooling": 3},
    {"gas": 2, "appliance": 2, "cooling": 1},
)

TECHNICIANS = (
    "Ana Reyes",
    "Ben Okafor",
    "Chloe Martin",
    "Dev Patel",
    "Grace Kim",
    "Marcus Hill",
    "Priya Nair",
    "Tomasz Zielinski",
)
FIRST_NAMES = [
    "Rosa",
    "Amir",
    "Bella",
    "Carl",
    "Dana",
    "Elif",
    "Frank",
    "Gina",
    "Hugo",
    "Iris",
    "Jon",
    "Kira",
    "Liam",
    "Mona",
    "Nils",
    "Olga",
    "Paul",
    "Quinn",
    "Rita",
    "Sam",
    "Tara",
    "Umar",
    "Vera",
    "Walt",
    "Xenia",
    "Yusuf",
    "Zoe",
    "Alan",
    "Beth",
    "Cleo",
]
LAST_NAMES = [
    "Whitfield",
    "Osei",
    "Brandt",
    "Tamsin",
    "Ruiz",
    "Dole",
    "Lund",
    "Novak",
    "Vance",
    "Hahn",
    "Rivera",
    "Alvarez",
    "Pike",
    "Hart",
    "Gray",
    "Kerr",
    "Doyle",
    "Wolf",
    "Ford",
    "Stone",
    "Pace",
    "Abara",
    "Quigley",
    "Sato",
    "Lowe",
    "Amsel",
    "Holt",
    "Karimi",
    "Bell",
    "Frost",
]
ACCESS_NOTES = (
    "Ring the side door. Friendly dog.",
    "Parking in the rear.",
    "Third floor, no lift.",
    "",
    "",
    "",
)


@dataclass(frozen=True)
class Size:
    """How much of a company to make."""

    technicians: int
    visits_today: int
    later_visits: int
    plan_seconds: float


SMALL = Size(technicians=8, visits_today=44, later_visits=24, plan_seconds=4)
LARGE = Size(technicians=40, visits_today=300, later_visits=0, plan_seconds=30)
