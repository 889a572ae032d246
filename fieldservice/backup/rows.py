"""The rows of all tables, the same for both databases: read from one snapshot, written into an empty schema.

Tables are as the database has them, not as the models say: so rows of an older release fit its schema, which
is upgraded afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from itertools import batched
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    MetaData,
    Table,
    Time,
    func,
    select,
    text,
)

from fieldservice import migrate

VERSION_TABLE = "alembic_version"
_AT_ONCE = 500


def tables_of(connection: Connection) -> list[Table]:
    """Every table but that of the schema's version, each after those that it refers to."""
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSION_TABLE]


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one moment, however long it reads; nobody waits for it."""
    options: dict[str, Any] = {"read_only": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        yield connection


def version_of(connection: Connection) -> str:
    """The version of the schema; empty for a database that has none."""
    if not connection.dialect.has_table(connection, VERSION_TABLE):
        return ""
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")) or "")


def read_rows(connection: Connection, table: Table) -> Iterator[list[Any]]:
    """The rows of a table as JSON has values, in the order of its columns."""
    found = connection.execution_options(stream_results=True, yield_per=_AT_ONCE).execute(select(table))
    for row in found:
        yield [_portable(value) for value in row]


def _portable(value: Any) -> Any:
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date | time) else value


def write_rows(
    connection: Connection, table: Table, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> int:
    """Write rows into an empty table; returns how many. A row may refer to one of the same table."""
    readers = [_reader(table.columns[name], connection) for name in columns]
    own = [key.parent.name for key in table.foreign_keys if key.column.table is table]
    later: list[dict[str, Any]] = []
    written = 0
    for some in batched(rows, _AT_ONCE):
        values = [
            {name: reader(value) for name, reader, value in zip(columns, readers, row, strict=True)}
            for row in some
        ]
        later += [
            {"own": row["id"]} | {name: row[name] for name in own} for row in values if _refers(row, own)
        ]
        connection.execute(table.insert(), [row | dict.fromkeys(own) for row in values])
        written += len(values)
    for row in later:
        connection.execute(table.update().where(table.c.id == row.pop("own")).values(row))
    return written


def _refers(row: Mapping[str, Any], own: Sequence[str]) -> bool:
    return any(row[name] is not None for name in own)


def _reader(column: Column[Any], connection: Connection) -> Callable[[Any], Any]:
    kind, naive = column.type, connection.dialect.name == "sqlite"

    def read(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(kind, DateTime):
            instant = datetime.fromisoformat(value)
            return instant.replace(tzinfo=None) if naive else instant
        if isinstance(kind, Date):
            return date.fromisoformat(value)
        if isinstance(kind, Time):
            return time.fromisoformat(value)
        return bool(value) if isinstance(kind, Boolean) else value

    return read


@contextmanager
def without_triggers(connection: Connection, tables: Sequence[Table]) -> Iterator[None]:
    """Rows are stored as they were: nothing is counted, and histories are written once more."""
    if connection.dialect.name == "postgresql":
        quoted = [connection.dialect.identifier_preparer.format_table(table) for table in tables]
        for name in quoted:
            connection.execute(text(f"ALTER TABLE {name} DISABLE TRIGGER USER"))
        yield
        for name in quoted:
            connection.execute(text(f"ALTER TABLE {name} ENABLE TRIGGER USER"))
        return
    triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")).all()
    for name, _ in triggers:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    yield
    for _, sql in triggers:
        connection.exec_driver_sql(sql)


def count_on(connection: Connection, tables: Sequence[Table]) -> None:
    """Let new rows get numbers above those that were written."""
    if connection.dialect.name != "postgresql":
        return  # SQLite takes the next number itself
    for table in tables:
        for column in table.primary_key:
            sequence = connection.scalar(
                text("SELECT pg_get_serial_sequence(:table, :column)"),
                {"table": f'"{table.name}"', "column": column.name},
            )
            highest = connection.scalar(select(func.max(column))) if sequence else None
            if highest is not None:
                connection.execute(
                    text("SELECT setval(CAST(:sequence AS regclass), :highest)"),
                    {"sequence": sequence, "highest": highest},
                )


def make_room(connection: Connection, version: str) -> list[Table]:
    """The tables of a schema without any row; one that is there already stays, any other is removed."""
    if version_of(connection) != version:
        metadata = MetaData()
        metadata.reflect(connection)
        metadata.drop_all(connection)
        migrate.upgrade_within(connection, version)
    tables = tables_of(connection)
    with without_triggers(connection, tables):
        for table in tables:
            if own := [key.parent for key in table.foreign_keys if key.column.table is table]:
                connection.execute(table.update().values({column.name: None for column in own}))
        for table in reversed(tables):
            connection.execute(table.delete())
    return tables


def has_people(connection: Connection) -> bool:
    """Whether somebody has written into the database: it has accounts or customers."""
    tables = {table.name: table for table in tables_of(connection)}
    return any(
        connection.scalar(select(func.count()).select_from(tables[name]))
        for name in ("user", "customer", "territory")
        if name in tables
    )
