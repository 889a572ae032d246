"""`fieldservice catalogue`: what is asked and said about services, as a file that the office edits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from fieldservice.models import Service


@click.group()
def catalogue() -> None:
    """Show and write the questions, first checks and common questions of services."""


@catalogue.command()
@click.argument("codes", nargs=-1)
@click.option(
    "--translate",
    "into",
    multiple=True,
    metavar="LANGUAGE",
    help="Also print what lacks a translation, empty.",
)
def show(codes: tuple[str, ...], into: tuple[str, ...]) -> None:
    """Print what is written about all services, or about those with these codes, as JSON."""
    from fieldservice.booking.catalogue_text import read_catalogue
    from fieldservice.notify.translations import languages

    for language in into:
        if language not in languages():
            raise click.BadParameter(
                f"{language} is none of {', '.join(languages())}", param_hint="--translate"
            )
    with open_database().reading() as session:
        services = _services(session)
        found = {code: read_catalogue(_named(services, code), into) for code in codes or services}
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@catalogue.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def write(file: Path) -> None:
    """Replace what is written about the services that FILE names; all of it, or nothing after a mistake."""
    data = read_file(file)

    def work(session: Session) -> None:
        services = _services(session)
        for code, written in data.items():
            _write(session, _named(services, code), written)

    open_database().run(work)
    click.echo(f"written: {', '.join(data) or 'nothing'}")


def _write(session: Session, service: Service, written: Any) -> None:
    from sqlalchemy import select

    from fieldservice.booking.catalogue import CatalogueFault, write_catalogue
    from fieldservice.models import Skill

    skills = {skill.code: skill for skill in session.scalars(select(Skill))}
    try:
        write_catalogue(service, written, skills)
    except CatalogueFault as fault:
        raise click.ClickException(f"{service.code}.{fault}") from fault


def read_file(file: Path) -> dict[str, Any]:
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{file} is no JSON: {error}") from error
    if not isinstance(data, dict):
        raise click.ClickException(f"{file} does not name services: the outermost value is no object")
    return data


def open_database() -> Any:
    from fieldservice import schema
    from fieldservice.config import Settings
    from fieldservice.db import Database

    database = Database(Settings.from_environment().sqlalchemy_url)
    if not schema.is_current(database.engine):
        raise click.ClickException("the database is empty or of another version; start the product once")
    return database


def _services(session: Session) -> dict[str, Service]:
    from sqlalchemy import select

    from fieldservice.models import Service

    return {row.code: row for row in session.scalars(select(Service).order_by(Service.position, Service.id))}


def _named(services: dict[str, Service], code: str) -> Service:
    if code not in services:
        raise click.ClickException(f"no service has the code {code}; there are {', '.join(services)}")
    return services[code]
