"""`fieldservice token`, `openapi` and `calendar`: who may use the API, what it can do, and calendar feeds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fieldservice.db import Database


@click.group()
def token() -> None:
    """Look after the tokens of other programs."""


@token.command("add")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, help="What it may do; may be repeated.")
@click.option("--days", type=int, default=90, show_default=True, help="How long it works.")
def add(name: str, scopes: tuple[str, ...], days: int) -> None:
    """Make a token called NAME and print it, once."""
    from fieldservice import clock
    from fieldservice.api import tokens

    try:
        row, made = _database().run(
            lambda session: tokens.make_token(session, name, scopes, days=days, now=clock.now())
        )
    except tokens.TokenRefused as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"token {row.id} works until {row.expires_at:%Y-%m-%d}; nobody can show it again:", err=True)
    click.echo(made)


@token.command("list")
def show() -> None:
    """Say which tokens there are and what they may do."""
    from fieldservice import clock
    from fieldservice.api import tokens

    now = clock.now()
    with _database().reading() as session:
        for row in tokens.tokens(session):
            state = "revoked" if row.revoked_at else "works" if row.works(now) else "expired"
            click.echo(f"{row.id:4}  {state:8} {row.expires_at:%Y-%m-%d}  {row.name}: {row.scopes}")


@token.command("revoke")
@click.argument("number", type=int)
def revoke(number: int) -> None:
    """Let nobody in with token NUMBER any more."""
    from fieldservice import clock
    from fieldservice.api import tokens

    try:
        row = _database().run(lambda session: tokens.revoke(session, number, now=clock.now()))
    except tokens.TokenRefused as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"token {row.id} ({row.name}) lets nobody in any more")


@click.command()
def openapi() -> None:
    """Print the OpenAPI document of the API."""
    from fieldservice.api.setup import document

    click.echo(json.dumps(document(), indent=2, ensure_ascii=False))


@click.command()
@click.argument("email")
def calendar(email: str) -> None:
    """Print the address of the calendar feed of the technician with EMAIL's account."""
    from fieldservice import auth
    from fieldservice.app import make_services
    from fieldservice.auth.links import work_feed_token
    from fieldservice.config import Settings

    services = make_services(Settings.from_environment())
    settings = services.settings
    try:
        with services.db.reading() as session:
            feed = work_feed_token(auth.find_user(session, email), settings.secret_key)
    except auth.UserRefused as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{settings.public_url.rstrip('/')}/day/calendar/{feed}.ics")


def _database() -> Database:
    from fieldservice.config import Settings
    from fieldservice.db import Database

    return Database(Settings.from_environment().sqlalchemy_url)
