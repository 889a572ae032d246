"""What a new company may begin with: services of three trades, to be changed afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from fieldservice.models import Place


@dataclass(frozen=True)
class Starter:
    """A service with the skills that it needs at level 1, and what customers pick from first."""

    code: str
    name: str
    icon: str
    minutes: int
    skills: tuple[str, ...]
    description: str
    symptoms: tuple[str, ...]
    place: Place = Place.ON_SITE
    buffer_minutes: int = 5


SKILLS = {
    "gas": "Gas",
    "water": "Hot water",
    "appliance": "Appliance",
    "cooling": "Cooling",
    "network": "Network",
    "computer": "Computer",
    "advice": "Advice",
}

TRADES: dict[str, tuple[Starter, ...]] = {
    "heating": (
        Starter(
            "heating",
            "Heating",
            "boiler",
            45,
            ("gas",),
            "Boilers, furnaces and radiators.",
            ("No heat", "Leaking", "Strange noise", "Error code", "Yearly service"),
        ),
        Starter(
            "hot-water",
            "Hot water",
            "hot-water",
            40,
            ("water",),
            "Water heaters, taps and pipes.",
            ("No hot water", "Leaking", "Too hot", "Error code"),
        ),
    ),
    "appliances": (
        Starter(
            "laundry",
            "Washer or dryer",
            "washer",
            35,
            ("appliance",),
            "All brands, front and top loaders.",
            ("Does not start", "Does not drain", "Strange noise", "Leaking"),
        ),
        Starter(
            "cooling",
            "Fridge or freezer",
            "fridge",
            35,
            ("cooling",),
            "At home and in small businesses.",
            ("Too warm", "Icing up", "Leaking", "Strange noise"),
        ),
    ),
    "it": (
        Starter(
            "network",
            "Network and Wi-Fi",
            "computer",
            60,
            ("network",),
            "Routers, wiring and Wi-Fi in offices and at home.",
            ("No connection", "Slow", "New installation", "Security check"),
        ),
        Starter(
            "workplace",
            "Computer or printer",
            "computer",
            45,
            ("computer",),
            "Set-up, repair and moving of data.",
            ("Does not start", "Slow", "New device", "Lost data"),
        ),
        Starter(
            "it-advice",
            "IT consulting",
            "advice",
            60,
            ("advice",),
            "We look at how you work and say what is worth changing.",
            ("New office", "Backups", "Moving to the cloud", "Second opinion"),
            buffer_minutes=0,
        ),
    ),
}
