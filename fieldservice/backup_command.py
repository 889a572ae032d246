"""`fieldservice backup`, `restore` and `db move`: everything as one file, or into another database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fieldservice.config import Settings

_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command()
@_file
def backup(file: Path) -> None:
    """Write the database, photos, documents and the key of links to FILE, also while the product runs."""
    from fieldservice import clock
    from fieldservice.backup import BackupFault, write_backup
    from fieldservice.config import Settings

    try:
        counts = write_backup(Settings.from_environment(), file, now=clock.now())
    except BackupFault as fault:
        raise click.ClickException(str(fault)) from fault
    click.echo(f"{counts.sentence()} are in {file}; whoever reads it reads everything: keep it safe")


@click.command()
@_file
@click.option("--replace", is_flag=True, help="Remove what the database holds now.")
def restore(file: Path, *, replace: bool) -> None:
    """Restore FILE, a backup of this or an older release; stop the product before."""
    from fieldservice import clock
    from fieldservice.backup import BackupFault
    from fieldservice.backup import restore as restore_backup
    from fieldservice.config import Settings

    settings = Settings.from_environment()
    _require_stopped(settings)
    try:
        done = restore_backup(settings, file, now=clock.now(), replacing=replace)
    except BackupFault as fault:
        raise click.ClickException(str(fault)) from fault
    for sentence in done.sentences():
        click.echo(sentence)


@click.command()
@click.argument("address")
def move(address: str) -> None:
    """Copy everything into the empty database at ADDRESS, such as postgresql://…; stop the product before."""
    from fieldservice.backup import BackupFault
    from fieldservice.backup import move as move_rows
    from fieldservice.config import Settings, variable
    from fieldservice.db import Database

    settings = Settings.from_environment()
    _require_stopped(settings)
    source, target = Database(settings.sqlalchemy_url), Database(address)
    try:
        counted = move_rows(source, target)
    except BackupFault as fault:
        raise click.ClickException(str(fault)) from fault
    finally:
        source.dispose()
        target.dispose()
    rows = sum(counted.values())
    click.echo(f"{rows} rows of {len(counted)} tables are copied; set {variable('database_url')} and start")


def _require_stopped(settings: Settings) -> None:
    from fieldservice.supervisor import is_healthy

    if is_healthy(settings):
        raise click.ClickException(
            "the product is running here: stop it, so that nothing is written meanwhile"
        )
