"""`fieldservice user`: who of the staff may sign in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from fieldservice.catalogue_command import open_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.orm import Session


@click.group()
def user() -> None:
    """Look after the accounts of staff."""


@user.command()
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", required=True, help="admin, dispatcher or technician.")
@click.password_option(help="Asked for when it is not given.")
def add(email: str, name: str, role: str, password: str) -> None:
    """Make an account for EMAIL, which can sign in at once."""
    from fieldservice import auth, clock
    from fieldservice.models import UserRole

    if role not in list(UserRole):
        raise click.ClickException(f"{role!r} is not a role: {', '.join(UserRole)}")
    _change_users(
        lambda session: auth.add_user(
            session, email=email, name=name, role=UserRole(role), password=password, now=clock.now()
        )
    )
    click.echo(f"{email} can sign in as {role}")


@user.command("password")
@click.argument("email")
@click.password_option(help="Asked for when it is not given.")
def set_password(email: str, password: str) -> None:
    """Give the account of EMAIL another password; it is signed out everywhere."""
    from fieldservice import auth, clock

    _change_users(
        lambda session: auth.set_password(session, auth.find_user(session, email), password, now=clock.now())
    )
    click.echo(f"{email} has another password and is signed out everywhere")


@user.command()
@click.argument("email")
def deactivate(email: str) -> None:
    """Close the account of EMAIL; it is signed out everywhere and cannot sign in again."""
    from fieldservice import auth, clock

    _change_users(lambda session: auth.deactivate(session, auth.find_user(session, email), now=clock.now()))
    click.echo(f"{email} is signed out everywhere and cannot sign in again")


def _change_users(work: Callable[[Session], object]) -> None:
    from fieldservice import auth

    database = open_database()
    try:
        database.run(work)
    except auth.UserRefused as error:
        raise click.ClickException(str(error)) from error
    finally:
        database.dispose()
