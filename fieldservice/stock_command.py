"""`fieldservice stock`: what the technicians have in their vans, as a file that the office edits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fieldservice.catalogue_command import open_database, read_file

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MOST = 100_000


@click.group()
def stock() -> None:
    """Show and write the parts in the technicians' vans."""


@stock.command()
def show() -> None:
    """Print how many of each part are in each van, as JSON: {"ben@example.com": {"Seal kit": 3}}."""
    from sqlalchemy import select

    from fieldservice.models import VanPart

    found: dict[str, dict[str, int]] = {}
    with open_database().reading() as session:
        for email, technician_id in _technicians(session).items():
            parts = session.scalars(select(VanPart).where(VanPart.technician_id == technician_id))
            found[email] = {part.name: part.quantity for part in parts}
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


@stock.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def write(file: Path) -> None:
    """Replace what is in the vans of those whom FILE names; all of it, or nothing after a mistake."""
    data = read_file(file)

    def work(session: Session) -> None:
        technicians = _technicians(session)
        for email, parts in data.items():
            if email not in technicians:
                raise click.ClickException(f"{email}: no technician signs in with this address")
            _replace(session, technicians[email], _parts(email, parts))

    open_database().run(work)
    click.echo(f"written: {', '.join(data) or 'nothing'}")


def _parts(email: str, parts: Any) -> dict[str, int]:
    if not isinstance(parts, dict):
        raise click.ClickException(f"{email}: not an object of parts and numbers")
    for name, count in parts.items():
        if not name.strip() or len(name) > 120:
            raise click.ClickException(f"{email}.{name}: not a name of 1 to 120 characters")
        if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST:
            raise click.ClickException(f"{email}.{name}: not a whole number from 0 to {MOST}")
    return parts


def _replace(session: Session, technician_id: int, parts: dict[str, int]) -> None:
    """Parts that stay keep their row: forms that wait on a phone name it."""
    from sqlalchemy import select

    from fieldservice.db import lock_technicians
    from fieldservice.models import VanPart

    lock_technicians(session, [technician_id])
    there = {
        part.name: part
        for part in session.scalars(select(VanPart).where(VanPart.technician_id == technician_id))
    }
    for name, part in there.items():
        if name not in parts:
            session.delete(part)
    for name, count in parts.items():
        if name in there:
            there[name].quantity = count
        else:
            session.add(VanPart(technician_id=technician_id, name=name, quantity=count))


def _technicians(session: Session) -> dict[str, int]:
    from sqlalchemy import select

    from fieldservice.models import Technician, User

    rows = session.execute(select(User.email, Technician.id).join(Technician, Technician.user_id == User.id))
    return {email: technician_id for email, technician_id in rows}
