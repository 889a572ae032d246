"""Everything from one database into another, such as from SQLite to PostgreSQL."""

from __future__ import annotations

from fieldservice import migrate, schema
from fieldservice.backup import rows
from fieldservice.backup.archive import BackupFault
from fieldservice.db import Database


def move(source: Database, target: Database) -> dict[str, int]:
    """Copy all rows into a database that nobody has used; returns how many of each table. Raises BackupFault.

    Both have this release's schema afterwards; the source stays as it is. One transaction: the target has
    all of it or nothing.
    """
    if not schema.is_current(source.engine):
        raise BackupFault("the present database has another version's schema; run `fieldservice db upgrade`")
    counted: dict[str, int] = {}
    with rows.snapshot(source.engine) as read, migrate.rebuilding(target.engine) as write:
        if rows.has_people(write):
            raise BackupFault("the new database is in use: it must be empty")
        there = {table.name: table for table in rows.make_room(write, schema.HEAD)}
        with rows.without_triggers(write, list(there.values())):
            for table in rows.tables_of(read):
                names = [column.name for column in table.columns]
                found = rows.read_rows(read, table)
                counted[table.name] = rows.write_rows(write, there[table.name], names, found)
        rows.count_on(write, list(there.values()))
    return counted
