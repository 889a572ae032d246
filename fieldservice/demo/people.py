"""The rows that a company begins with: territory, branch, skills, services, technicians and accounts."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from random import Random

from sqlalchemy.orm import Session

from fieldservice import auth
from fieldservice.booking.catalogue import write_catalogue
from fieldservice.booking.catalogue_languages import texts_of_service, translations_of
from fieldservice.demo.catalogue import (
    FIRST_NAMES,
    LAST_NAMES,
    OFFERS,
    SKILLS,
    TECHNICIANS,
    TRADES,
    Offer,
    Size,
    translated,
    written_about,
)
from fieldservice.geo.address import Address
from fieldservice.geo.address_index import AddressIndex
from fieldservice.geo.estimate import crow_metres
from fieldservice.geo.manifest import ADDRESSES, Manifest
from fieldservice.geo.roads import RoadTravelTimes
from fieldservice.geo.samples import sample_addresses
from fieldservice.geo.types import Coordinates
from fieldservice.models import (
    Branch,
    BreakRule,
    Place,
    Service,
    ServiceSkill,
    ShiftPattern,
    Skill,
    Technician,
    TechnicianSkill,
    Territory,
    UserRole,
    VanPart,
)
from fieldservice.web import Services

DISPATCHER = "dana@example.com"
ADMINISTRATOR = "admin@example.com"
PASSWORD = "callout-demo"  # noqa: S105  printed for whoever tries the demo
_IN_THE_VAN = ("Seal kit", "Thermocouple", "Service kit")
_HOMES_SEED, _PEOPLE_SEED = 7, 11
_COLOURS = 8


def found_company(
    session: Session, services: Services, manifest: Manifest, size: Size, *, now: datetime
) -> int:
    """Store the company and return its territory's id."""
    south_west, north_east = _corners(manifest)
    territory = Territory(
        name=manifest.name,
        time_zone=manifest.time_zone or "America/New_York",
        centre_lat=manifest.centre.lat,
        centre_lon=manifest.centre.lon,
        radius_m=round(crow_metres(south_west, north_east) / 2),
    )
    session.add(territory)
    session.flush()
    homes = addresses(services, manifest, size.technicians + 1, _HOMES_SEED)
    office = homes.pop()
    branch = Branch(
        territory_id=territory.id,
        name=f"{services.settings.company_name}, {manifest.name}",
        address=office.label,
        lat=office.coordinates.lat,
        lon=office.coordinates.lon,
    )
    skills = {code: Skill(code=code, name=name) for code, name in SKILLS.items()}
    session.add_all([branch, *skills.values()])
    session.flush()
    session.add_all(_service(offer, number, branch, skills) for number, offer in enumerate(OFFERS))
    _accounts(session, now)
    for number, home in enumerate(homes):
        _technician(session, territory, number, home, skills, now)
    return territory.id


def addresses(services: Services, manifest: Manifest, count: int, seed: int) -> list[Address]:
    """Distinct addresses on the road network of the map."""
    folder = services.settings.map_path
    roads = RoadTravelTimes(folder, manifest)
    return sample_addresses(AddressIndex(manifest.path(folder, ADDRESSES)), roads, count, seed)


def _service(offer: Offer, number: int, branch: Branch, skills: dict[str, Skill]) -> Service:
    service = Service(
        code=offer.code,
        name=offer.name,
        icon=offer.icon,
        description=offer.description,
        place=offer.place,
        branch_id=branch.id if offer.place == Place.AT_BRANCH else None,
        duration=timedelta(minutes=offer.minutes),
        setup=offer.setup,
        cleanup=offer.cleanup,
        window_length=timedelta(hours=2),
        price_text=offer.price,
        price_note="You approve a quote before any work. Pay after." if offer.price != "Free" else "",
        position=number,
    )
    service.skills = [
        ServiceSkill(skill_id=skills[code].id, level=level) for code, level in offer.skills.items()
    ]
    write_catalogue(service, written_about(offer.code), skills)
    texts = texts_of_service(service)
    found = translations_of(translated(texts), texts)
    service.translations = {translation.language: translation for translation in found}
    return service


def _accounts(session: Session, now: datetime) -> None:
    for email, name, role in (
        (DISPATCHER, "Dana Lowe", UserRole.DISPATCHER),
        (ADMINISTRATOR, "Alex Admin", UserRole.ADMIN),
    ):
        auth.add_user(session, email=email, name=name, role=role, password=PASSWORD, now=now)


def _technician(
    session: Session,
    territory: Territory,
    number: int,
    home: Address,
    skills: dict[str, Skill],
    now: datetime,
) -> None:
    name = _technician_name(number)
    user = None
    if number < len(TECHNICIANS):
        email = f"{name.split()[0].lower()}@example.com"
        user = auth.add_user(
            session, email=email, name=name, role=UserRole.TECHNICIAN, password=PASSWORD, now=now
        )
        session.flush()
    technician = Technician(
        territory_id=territory.id,
        user_id=user.id if user else None,
        name=name,
        phone=f"+1410555{200 + number:04d}",
        colour=number % _COLOURS + 1,
        home_address=home.label,
        home_lat=home.coordinates.lat,
        home_lon=home.coordinates.lon,
    )
    technician.skills = [
        TechnicianSkill(skill_id=skills[code].id, level=level)
        for code, level in TRADES[number % len(TRADES)].items()
    ]
    # Sunday as well, so that there is a day to look at whenever the demo is tried
    technician.shift_patterns = [_shift(weekday, number, now) for weekday in range(7)]
    technician.break_rules = [
        BreakRule(earliest=time(11, 30), latest=time(13), duration=timedelta(minutes=30))
    ]
    session.add(technician)
    session.flush()
    session.add_all(VanPart(technician_id=technician.id, name=name, quantity=3) for name in _IN_THE_VAN)


def _shift(weekday: int, number: int, now: datetime) -> ShiftPattern:
    starts, ends = (time(7, 30), time(16, 30)) if number % 4 == 3 else (time(8), time(17))
    return ShiftPattern(
        weekday=weekday,
        starts=starts,
        ends=ends,
        overtime=timedelta(minutes=60),
        valid_from=now.date() - timedelta(days=30),
    )


def _technician_name(number: int) -> str:
    if number < len(TECHNICIANS):
        return TECHNICIANS[number]
    draw = Random(_PEOPLE_SEED + number)  # noqa: S311
    return f"{draw.choice(FIRST_NAMES)} {LAST_NAMES[number % len(LAST_NAMES)]}"


def _corners(manifest: Manifest) -> tuple[Coordinates, Coordinates]:
    west, south, east, north = manifest.bounds
    return Coordinates(south, west), Coordinates(north, east)
