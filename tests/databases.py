"""Fresh, migrated databases of both kinds, quickly: one template per session, copied for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
from sqlalchemy import URL, make_url

from fieldservice import migrate
from fieldservice.db import Database

DIALECTS = ("sqlite", "postgresql")
_serial = count(1)


class SqliteTemplates:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "template.db"
        _upgrade(f"sqlite:///{self.file}")

    @contextmanager
    def fresh(self, folder: Path) -> Iterator[str]:
        """The address of a copy in `folder`."""
        copy = folder / f"fieldservice-{next(_serial)}.db"
        shutil.copyfile(self.file, copy)
        yield f"sqlite:///{copy}"


class PostgresTemplates:
    """Copies that the server makes of one migrated database; `close` removes it."""

    def __init__(self, server: str, worker: str) -> None:
        self.server = make_url(server).set(drivername="postgresql+psycopg")
        self.prefix = f"fieldservice_test_{worker}"
        self.template = f"{self.prefix}_template"
        self._drop(self.template)
        self._execute(f'CREATE DATABASE "{self.template}"')
        _upgrade(self._address(self.template))

    @contextmanager
    def fresh(self, _folder: Path) -> Iterator[str]:
        """The address of a copy; whoever is still connected to it at the end is thrown out."""
        name = f"{self.prefix}_{next(_serial)}"
        self._drop(name)
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        try:
            yield self._address(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        """Drop the template."""
        self._drop(self.template)

    def _drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _address(self, name: str) -> str:
        return self.server.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        with psycopg.connect(_plain(self.server), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def empty_postgres(server: str, name: str) -> Iterator[str]:
    """The address of a PostgreSQL database without any table, which goes away afterwards."""
    url = make_url(server).set(drivername="postgresql+psycopg")
    with psycopg.connect(_plain(url), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        yield url.set(database=name).render_as_string(hide_password=False)
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _upgrade(url: str) -> None:
    database = Database(url)
    try:
        migrate.upgrade(database.engine)
    finally:
        database.dispose()
