"""Fresh, migrated databases of both kinds: migrated once per session, copied or emptied for each test."""

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
from tests.warm import ENGINES

DIALECTS = ("sqlite", "postgresql")
_serial = count(1)


class SqliteTemplates:
    """Copies of one migrated file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "template.db"
        _upgrade(f"sqlite:///{self.file}")
        self.shared = folder / "fieldservice.db"

    @contextmanager
    def fresh(self, _folder: Path) -> Iterator[str]:
        """The address of a copy that is always in the same place; only one test at a time may use it."""
        url = f"sqlite:///{self.shared}"
        ENGINES.keep(url)
        self._clear()
        shutil.copyfile(self.file, self.file.with_suffix(".copy"))
        self.file.with_suffix(".copy").replace(self.shared)
        ENGINES.cool(url)  # of what a thread that outlived its test opened meanwhile
        yield url
        ENGINES.cool(url)
        self._clear()

    def _clear(self) -> None:
        for left in self.shared.parent.glob(f"{self.shared.name}*"):  # with its log and its index
            left.unlink(missing_ok=True)

    @contextmanager
    def copy(self, folder: Path) -> Iterator[str]:
        """The address of a copy of its own in `folder`, whose schema may be altered."""
        copy = folder / f"fieldservice-{next(_serial)}.db"
        shutil.copyfile(self.file, copy)
        yield f"sqlite:///{copy}"


class PostgresTemplates:
    """One migrated database, emptied after each test, and copies of it for tests that alter the schema.

    Emptying takes milliseconds; making a database takes up to a second on a busy disk.
    """

    def __init__(self, server: str, worker: str) -> None:
        self.server = make_url(server).set(drivername="postgresql+psycopg")
        self.prefix = f"fieldservice_test_{worker}"
        self._create(self.prefix)
        # Nobody pulls the plug of this server; what must outlive a killed product is written at a commit.
        self._execute(f'ALTER DATABASE "{self.prefix}" SET synchronous_commit = off')
        self.shared = self._address(self.prefix)
        ENGINES.keep(self.shared)
        _upgrade(self.shared)
        self.tables = self._tables()

    @contextmanager
    def fresh(self, _folder: Path) -> Iterator[str]:
        """The address of the shared database, without rows; only one test at a time may use it."""
        yield self.shared
        ENGINES.cool(self.shared)
        self._empty()

    @contextmanager
    def copy(self, _folder: Path) -> Iterator[str]:
        """The address of a database of its own, whose schema may be altered."""
        name = f"{self.prefix}_{next(_serial)}"
        self._throw_out()
        self._create(name, template=self.prefix)
        try:
            yield self._address(name)
        finally:
            self._drop(name)

    def close(self) -> None:
        """Drop the shared database."""
        self._drop(self.prefix)

    def _tables(self) -> list[str]:
        with psycopg.connect(_plain(make_url(self.shared))) as connection:
            rows = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
        return [str(name) for (name,) in rows if name != "alembic_version"]

    def _empty(self) -> None:
        self._throw_out()
        with psycopg.connect(_plain(make_url(self.shared))) as connection:
            connection.execute("SET session_replication_role = replica")  # no triggers, no foreign keys
            connection.execute("; ".join(f'DELETE FROM "{table}"' for table in self.tables))

    def _throw_out(self) -> None:
        """End connections that a killed process or a forgotten pool left behind."""
        self._execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.prefix}'"
        )

    def _create(self, name: str, template: str = "template1") -> None:
        self._drop(name)
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')

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
