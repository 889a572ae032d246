"""Makes the company: map, people, catalogue, visits booked through the booking service, a day in progress."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from fieldservice import migrate
from fieldservice.app import make_services
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.demo.bookings import Customers
from fieldservice.demo.catalogue import LARGE, SMALL
from fieldservice.demo.people import DISPATCHER, PASSWORD, found_company
from fieldservice.demo.plans import begin_plans
from fieldservice.demo.progress import live_through
from fieldservice.geo.imports import Progress, import_map
from fieldservice.geo.manifest import Manifest, MapDamaged, MapMissing, load_manifest
from fieldservice.geo.town import write_town
from fieldservice.models import Territory, User, UserRole
from fieldservice.planning.jobs import Improvement, Work, improve_day
from fieldservice.supervisor import URL_MARK, WELCOME
from fieldservice.web import Services

_UNFINISHED = "demo.unfinished"
_EVENING = timedelta(hours=6)  # before midnight: the visits of the day are booked the evening before
_LATER_DAYS = 3

type Say = Callable[[str], None]


class DemoRefused(Exception):
    """The data folder holds something else; the text says what to do."""


@dataclass(frozen=True)
class DemoReport:
    """What there is to try."""

    technicians: int
    visits: int
    improvement: Improvement
    welcome: str


def make_demo(
    settings: Settings, *, map_file: Path | None, now: datetime, say: Say, progress: Progress | None = None
) -> DemoReport | None:
    """Make the demo company in the data folder; None when it is there already, which changes nothing.

    With `map_file` it is 40 technicians and 300 visits at real addresses, else 8 technicians in an invented
    town. A company that was left half-made is made anew. Raises DemoRefused, MapImportError.
    """
    _forget_unfinished(settings)
    if (settings.data_dir / WELCOME).exists():
        _require_same_map(settings, map_file)
        return None
    _require_empty(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    (settings.data_dir / _UNFINISHED).touch()
    manifest = _ensure_map(settings, map_file, progress, say)
    services = make_services(settings)
    migrate.upgrade(services.db.engine)
    report = _make(services, manifest, large=map_file is not None, now=now, say=say)
    services.db.dispose()
    (settings.data_dir / WELCOME).write_text(report.welcome, encoding="utf-8")
    (settings.data_dir / _UNFINISHED).unlink()
    return report


def _make(services: Services, manifest: Manifest, *, large: bool, now: datetime, say: Say) -> DemoReport:
    size = LARGE if large else SMALL
    territory_id = services.db.run(lambda session: found_company(session, services, manifest, size, now=now))
    with services.db.reading() as session:
        territory = session.get_one(Territory, territory_id)
        today = territory.local_day(now)
        evening = territory.midnight(today) - _EVENING
    customers = Customers(services, manifest, territory_id, size)
    say(f"booking {size.visits_today} visits for today through the booking service")
    booked = customers.book(today, size.visits_today, as_of=evening)
    work = Work(services.db, services.tables, size.plan_seconds, lambda: evening)
    improvement = improve_day(work, territory_id, today, actor="system")
    say(f"planned today: {improvement.sentence()}")
    for offset in range(1, _LATER_DAYS + 1):
        each = size.later_visits // _LATER_DAYS
        booked += customers.book(today + timedelta(days=offset), each, as_of=evening)
    if not large:
        customers.ask_the_office(as_of=evening)
    begin_plans(services, territory_id, today, as_of=evening)
    services.db.run(lambda session: live_through(session, services, territory_id, today, now=now))
    return DemoReport(size.technicians, booked, improvement, _welcome(services))


def _welcome(services: Services) -> str:
    with services.db.reading() as session:
        first = session.scalars(
            select(User.email).where(User.role == UserRole.TECHNICIAN).order_by(User.id).limit(2)
        ).all()
    lines = [
        f"  book a visit    {URL_MARK}/book",
        f"  the board       {URL_MARK}/board/       {DISPATCHER}  {PASSWORD}",
        *(f"  a day by phone  {URL_MARK}/day/         {email}  {PASSWORD}" for email in first),
        f"  messages        {services.settings.data_dir / 'outbox'}",
    ]
    return "\n".join(lines) + "\n"


def _ensure_map(settings: Settings, map_file: Path | None, progress: Progress | None, say: Say) -> Manifest:
    try:
        manifest = load_manifest(settings.map_path)
    except (MapMissing, MapDamaged):
        manifest = None
    if manifest is not None and (map_file is None or manifest.sha256 == _digest(map_file)):
        return manifest
    if map_file is not None:
        say(f"importing {map_file.name}")
        return import_map(map_file, settings.map_path, progress=progress)
    say("drawing an invented town")
    town = settings.data_dir / "demoville.osm.pbf"
    write_town(town)
    return import_map(
        town, settings.map_path, progress=progress, name="Demoville", time_zone="America/New_York"
    )


def _require_same_map(settings: Settings, map_file: Path | None) -> None:
    if map_file is not None and load_manifest(settings.map_path).sha256 != _digest(map_file):
        raise DemoRefused(
            f"{settings.data_dir} holds a demo company on another map; choose another folder with DATA="
        )


def _require_empty(settings: Settings) -> None:
    if settings.database_url or (settings.data_dir / "fieldservice.db").exists():
        database = Database(settings.sqlalchemy_url)
        migrate.upgrade(database.engine)
        with database.reading() as session:
            occupied = session.scalar(select(Territory.id).limit(1)) is not None
        database.dispose()
        if occupied:
            raise DemoRefused(
                "the database already holds a company; the demo makes one only in an empty place"
            )


def _forget_unfinished(settings: Settings) -> None:
    """Remove what a demo that was stopped half-way left in the embedded database."""
    if (settings.data_dir / _UNFINISHED).exists() and not settings.database_url:
        for name in ("fieldservice.db", "fieldservice.db-wal", "fieldservice.db-shm", WELCOME):
            (settings.data_dir / name).unlink(missing_ok=True)


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DemoRefused(f"{path}: {error.strerror}") from error
