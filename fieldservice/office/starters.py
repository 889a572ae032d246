"""What a new company may begin with: services of three trades, to be changed afterwards."""

from __future__ import annotations

from dataclasses import dataclass

from fieldservice.models import Place
from fieldservice.notify.translations import gettext_of


def N_(text: str) -> str:  # noqa: N802 - what finds the texts for translators knows this name
    """A text that is kept in English beside its translations."""
    return text


QUESTION = N_("What is it about?")


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

    def texts_in(self, language: str) -> dict[str, str]:
        """What customers read about the service, each text beside its translation."""
        translate = gettext_of(language)
        texts = (self.name, self.description, QUESTION, *self.symptoms)
        return {text: translate(text) for text in texts}


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
            N_("Heating"),
            "boiler",
            45,
            ("gas",),
            N_("Boilers, furnaces and radiators."),
            (N_("No heat"), N_("Leaking"), N_("Strange noise"), N_("Error code"), N_("Yearly service")),
        ),
        Starter(
            "hot-water",
            N_("Hot water"),
            "hot-water",
            40,
            ("water",),
            N_("Water heaters, taps and pipes."),
            (N_("No hot water"), N_("Leaking"), N_("Too hot"), N_("Error code")),
        ),
    ),
    "appliances": (
        Starter(
            "laundry",
            N_("Washer or dryer"),
            "washer",
            35,
            ("appliance",),
            N_("All brands, front and top loaders."),
            (N_("Does not start"), N_("Does not drain"), N_("Strange noise"), N_("Leaking")),
        ),
        Starter(
            "cooling",
            N_("Fridge or freezer"),
            "fridge",
            35,
            ("cooling",),
            N_("At home and in small businesses."),
            (N_("Too warm"), N_("Icing up"), N_("Leaking"), N_("Strange noise")),
        ),
    ),
    "it": (
        Starter(
            "network",
            N_("Network and Wi-Fi"),
            "computer",
            60,
            ("network",),
            N_("Routers, wiring and Wi-Fi in offices and at home."),
            (N_("No connection"), N_("Slow"), N_("New installation"), N_("Security check")),
        ),
        Starter(
            "workplace",
            N_("Computer or printer"),
            "computer",
            45,
            ("computer",),
            N_("Set-up, repair and moving of data."),
            (N_("Does not start"), N_("Slow"), N_("New device"), N_("Lost data")),
        ),
        Starter(
            "it-advice",
            N_("IT consulting"),
            "advice",
            60,
            ("advice",),
            N_("We look at how you work and say what is worth changing."),
            (N_("New office"), N_("Backups"), N_("Moving to the cloud"), N_("Second opinion")),
            buffer_minutes=0,
        ),
    ),
}
