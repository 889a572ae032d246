"""The `fieldservice` command; what a command needs is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from fieldservice.config import SettingError, Settings, variable

FAILED = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def fieldservice() -> None:
    """Field and on-site service scheduling: booking, dispatch, routes and reminders.

    Settings are environment variables FIELDSERVICE_*; `fieldservice doctor` shows what they amount to.
    """


_port = click.option("--port", type=click.IntRange(1, 65535), help="Port of the web server.")
_data = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Folder of everything that is written."
)


@fieldservice.command()
@_port
@_data
def run(port: int | None, data: Path | None) -> None:
    """Run everything in one: web server, background workers and timer."""
    from fieldservice.supervisor import require_free_port

    settings = _settings(port, data)
    require_free_port(settings)
    _upgrade(settings)
    _become("fieldservice.supervisor")


@fieldservice.command()
def web() -> None:
    """Run the web server."""
    _settings()
    _become("fieldservice.wsgi")


@fieldservice.command()
def worker() -> None:
    """Run background tasks: messages and housekeeping."""
    _settings()
    _become("fieldservice.worker", "worker")


@fieldservice.command()
def planner() -> None:
    """Run the searches for better plans."""
    _settings()
    _become("fieldservice.worker", "planner")


@fieldservice.command()
def beat() -> None:
    """Run the timer that starts the periodic tasks; one is enough."""
    _settings()
    _become("fieldservice.worker", "beat")


@fieldservice.group()
def db() -> None:
    """Look after the database."""


@db.command()
def upgrade() -> None:
    """Bring the database to this version's schema."""
    _upgrade(_settings())
    click.echo("the database has this version's schema")


@db.command()
def check() -> None:
    """Compare the database with this version's schema."""
    from fieldservice import migrate
    from fieldservice.db import Database

    engine = Database(_settings().sqlalchemy_url).engine
    if not migrate.is_current(engine):
        raise click.ClickException("the database has another version's schema; run `fieldservice db upgrade`")
    if found := migrate.differences(engine):
        raise click.ClickException(f"the database differs from the schema: {found}")
    click.echo("the database has this version's schema")


def _settings(port: int | None = None, data: Path | None = None) -> Settings:
    """The settings with the command's options on top, which the processes that it starts shall see too."""
    settings = Settings.from_environment()
    if port is not None:
        settings = replace(settings, port=port)
    if data is not None:
        settings = replace(settings, data_dir=data)
    if variable("public_url") not in os.environ and f"{variable('public_url')}_FILE" not in os.environ:
        settings = replace(settings, public_url=f"http://localhost:{settings.port}")
    for name in ("port", "data_dir", "public_url"):
        os.environ[variable(name)] = str(getattr(settings, name))
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return settings


def _upgrade(settings: Settings) -> None:
    from fieldservice import migrate
    from fieldservice.db import Database

    database = Database(settings.sqlalchemy_url)
    migrate.upgrade(database.engine)
    database.dispose()


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
    from sqlalchemy.exc import DBAPIError

    from fieldservice.supervisor import PortTaken

    if isinstance(error, SettingError | PortTaken):
        return str(error)
    if isinstance(error, DBAPIError):
        return f"the database refused: {str(error.orig).strip().splitlines()[0]}"
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
