"""The `fieldservice` command; what a command needs is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import NoReturn

import click

from fieldservice.api_command import calendar, openapi, token
from fieldservice.backup_command import backup, move, restore
from fieldservice.catalogue_command import catalogue
from fieldservice.config import SettingError, Settings, variable
from fieldservice.stock_command import stock
from fieldservice.user_command import user

FAILED = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def fieldservice() -> None:
    """Field and on-site service scheduling: booking, dispatch, routes and reminders.

    Settings are environment variables FIELDSERVICE_*; `fieldservice doctor` shows what they amount to.
    """


for _command in (backup, calendar, catalogue, openapi, restore, stock, token, user):
    fieldservice.add_command(_command)

_port = click.option("--port", type=click.IntRange(1, 65535), help="Port of the web server.")
_data = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of everything that is written."
)
_check = click.option("--check", is_flag=True, help="Only say whether the one on this machine is alive.")


@fieldservice.command()
@_port
@_data
def run(port: int | None, data: Path | None) -> None:
    """Run everything in one: web server, background workers and timer."""
    from fieldservice.supervisor import require_free_port

    settings = _settings(port, data)
    require_free_port(settings)
    _upgrade(settings)
    _say_setup_link(settings)
    _become("fieldservice.supervisor")


def _say_setup_link(settings: Settings) -> bool:
    from fieldservice.auth import first
    from fieldservice.db import Database
    from fieldservice.kept_secret import kept_secret

    database = Database(settings.sqlalchemy_url)
    with database.reading() as session:
        awaited = first.awaits_administrator(session)
    database.dispose()
    if awaited:
        key = settings.secret_key or kept_secret(settings.data_dir)
        address = f"{settings.public_url.rstrip('/')}/setup/{first.setup_token(key)}"
        click.echo(f"nobody administers this yet; set it up in the browser: {address}")
    return awaited


@fieldservice.command()
@_port
@_data
@click.option(
    "--map", "map_file", type=click.Path(path_type=Path), help="An OpenStreetMap extract (.osm.pbf)."
)
def demo(port: int | None, data: Path | None, map_file: Path | None) -> None:
    """Make a demo company on the first start, then run everything."""
    from fieldservice.supervisor import WELCOME, require_free_port

    settings = _settings(port, data)
    require_free_port(settings)
    if map_file is not None or not (settings.data_dir / WELCOME).exists():
        _make_demo(settings, map_file)
    _upgrade(settings)
    _become("fieldservice.supervisor")


def _make_demo(settings: Settings, map_file: Path | None) -> None:
    from fieldservice import clock
    from fieldservice.demo import DemoRefused, make_demo
    from fieldservice.geo.imports import MapImportError
    from fieldservice.progress import map_progress

    try:
        with map_progress(map_file.name if map_file else "map") as progress:
            make_demo(settings, map_file=map_file, now=clock.now(), say=click.echo, progress=progress)
    except (DemoRefused, MapImportError) as error:
        raise click.ClickException(str(error)) from error


@fieldservice.command()
@_check
def web(*, check: bool) -> None:
    """Run the web server."""
    from fieldservice.supervisor import is_healthy

    settings = _settings()
    if not check:
        _become("fieldservice.wsgi")
    if not is_healthy(settings):
        raise click.ClickException("the web server does not answer /healthz with 200")


@fieldservice.command()
@_check
def worker(*, check: bool) -> None:
    """Run background tasks: messages and housekeeping."""
    _settings()
    _become("fieldservice.worker", "worker", *_flag(check=check))


@fieldservice.command()
@_check
def planner(*, check: bool) -> None:
    """Run the searches for better plans."""
    _settings()
    _become("fieldservice.worker", "planner", *_flag(check=check))


@fieldservice.command()
@_check
def beat(*, check: bool) -> None:
    """Run the timer that starts the periodic tasks; one is enough."""
    _settings()
    _become("fieldservice.worker", "beat", *_flag(check=check))


@fieldservice.group()
def db() -> None:
    """Look after the database."""


db.add_command(move)


@db.command()
def upgrade() -> None:
    """Bring the database to this version's schema."""
    _upgrade(_settings())
    click.echo("the database has this version's schema")


@db.command()
def check() -> None:
    """Compare the database with this version's schema."""
    from fieldservice import migrate, schema
    from fieldservice.db import Database

    engine = Database(_settings().sqlalchemy_url).engine
    if not schema.is_current(engine):
        raise click.ClickException("the database has another version's schema; run `fieldservice db upgrade`")
    if found := migrate.differences(engine):
        raise click.ClickException(f"the database differs from the schema: {found}")
    click.echo("the database has this version's schema")


@fieldservice.command()
@click.argument("day", metavar="DATE")
@click.option("--seconds", type=click.FloatRange(0.1, 3600), help="Longest search for each territory.")
def plan(day: str, seconds: float | None) -> None:
    """Improve the plans of DATE (2026-11-23, or today), adopt what still holds and say what it gained."""
    from sqlalchemy import select

    from fieldservice import clock
    from fieldservice.app import make_services
    from fieldservice.models import Plan, Territory
    from fieldservice.planning.jobs import Work, improve_day

    wanted = None if day == "today" else _date(day)
    services = make_services(_settings())
    settings = services.settings
    work = Work(
        services.db, services.tables, seconds or settings.optimise_seconds, clock.now, settings.freeze
    )
    with services.db.reading() as session:
        territories = session.scalars(select(Territory).where(Territory.active)).all()
        days = {territory.id: wanted or territory.local_day(clock.now()) for territory in territories}
        planned = {(row.territory_id, row.on) for row in session.scalars(select(Plan))}
    if not territories:
        raise click.ClickException("there is no territory to plan; `fieldservice demo` makes a company")
    for territory in territories:
        on = days[territory.id]
        if (territory.id, on) not in planned:
            click.echo(f"{territory.name}: nothing is planned on {on}")
            continue
        improvement = improve_day(work, territory.id, on, actor="command")
        click.echo(f"{territory.name}, {on}: {improvement.sentence()}")
        if left_out := len(improvement.adoption.left_out):
            click.echo(f"  {left_out} visits were left as they are: somebody touched them meanwhile")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.ClickException(f"{text!r} is not a date such as 2026-11-23") from None


@fieldservice.group(name="map")
def map_() -> None:
    """Look after the map: roads, addresses and the picture below them."""


@map_.command(name="import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the map's files.")
def import_(file: Path, out: Path | None) -> None:
    """Make FILE, an OpenStreetMap extract (.osm.pbf), the map of the product."""
    from fieldservice.progress import map_progress

    out = out or _settings().map_path
    with map_progress(file.name) as progress:
        from fieldservice.geo.imports import MapImportError, import_map

        try:
            manifest = import_map(file, out, progress=progress)
        except MapImportError as error:
            raise click.ClickException(str(error)) from error
    counts = ", ".join(f"{count} {what}" for what, count in manifest.counts.items())
    click.echo(f"{manifest.name} is the map in {out}: {counts}")


@user.command("first")
def first_user() -> None:
    """Print the address at which the first administrator is made, as long as there is none."""
    settings = _settings()
    _upgrade(settings)
    if not _say_setup_link(settings):
        raise click.ClickException("there is an administrator already")


@fieldservice.command()
def doctor() -> None:
    """Say what is configured, what is missing and what that costs."""
    from fieldservice.doctor import Level, examine

    colours = {Level.OK: "green", Level.MISSING: "yellow", Level.BROKEN: "red"}
    broken = 0
    for finding in examine(_settings()):
        broken += finding.level is Level.BROKEN
        click.echo(f"{click.style(f'{finding.level:8}', colours[finding.level])} {finding.what}")
        if finding.cost:
            click.echo(f"{'':8}   {finding.cost}")
    if broken:
        raise click.ClickException(f"{broken} of these must be repaired before the product works")


@fieldservice.command("wishes")
def count_wishes() -> None:
    """Say how many people want us to come where we do not come yet, by town."""
    from fieldservice.booking.area import wishes_by_town
    from fieldservice.db import Database

    database = Database(_settings().sqlalchemy_url)
    with database.reading() as session:
        for city, postcode, people in wishes_by_town(session):
            click.echo(f"{people:5}  {city} {postcode}".rstrip())
    database.dispose()


def _settings(port: int | None = None, data: Path | None = None) -> Settings:
    """The settings with the command's options on top, which the processes that it starts shall see too."""
    settings = Settings.from_environment()
    if port is not None:
        settings = replace(settings, port=port)
    if data is not None:
        settings = replace(settings, data_dir=data)
    if not os.environ.get(variable("public_url")) and not os.environ.get(f"{variable('public_url')}_FILE"):
        settings = replace(settings, public_url=f"http://localhost:{settings.port}")
    for name in ("port", "data_dir", "public_url"):
        os.environ[variable(name)] = str(getattr(settings, name))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings


def _upgrade(settings: Settings) -> None:
    from fieldservice import schema
    from fieldservice.db import Database

    database = Database(settings.sqlalchemy_url)
    if not schema.is_current(database.engine):  # the tools of migrations take a second to load
        from fieldservice import migrate

        migrate.upgrade(database.engine)
    database.dispose()


def _flag(*, check: bool) -> list[str]:
    return ["--check"] if check else []


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process: signals reach the server itself, and nothing imported here stays in memory."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments])


def main() -> int:
    """Run a command; every failure is one sentence on stderr and exit code 2."""
    try:
        fieldservice(standalone_mode=False)
    except click.ClickException as error:
        return _fail(error.format_message())
    except click.Abort:
        return _fail("stopped")
    except Exception as error:  # noqa: BLE001 - the edge: a user gets a sentence, the trace goes to a file
        return _fail(_sentence(error))
    return 0


def _sentence(error: Exception) -> str:
    from sqlalchemy.exc import ArgumentError, DBAPIError

    from fieldservice.supervisor import PortTaken

    if isinstance(error, SettingError | PortTaken):
        return str(error)
    if isinstance(error, DBAPIError):
        return f"the database refused: {str(error.orig).strip().splitlines()[0]}"
    if isinstance(error, ArgumentError):
        return f"{variable('database_url')} is not the address of a database"
    if isinstance(error, OSError):
        return f"{error.filename or 'the system'}: {error.strerror or error}"
    return (
        f"this should not happen ({type(error).__name__}: {error}); the details are in {_keep_trace(error)}"
    )


def _keep_trace(error: Exception) -> Path:
    folder = Path(os.environ.get(variable("data_dir"), "var")) / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "command.log").open("a", encoding="utf-8") as log:
        log.writelines(traceback.format_exception(error))
    return folder / "command.log"


def _fail(sentence: str) -> int:
    click.echo(f"fieldservice: {sentence}", err=True)
    return FAILED


if __name__ == "__main__":
    sys.exit(main())
