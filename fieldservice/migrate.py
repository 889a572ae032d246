"""Bring a database to the product's schema, and say whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from fieldservice.db import Duration, UtcDateTime
from fieldservice.models import Base
from fieldservice.paths import MIGRATIONS

# On SQLite a batch operation copies the table and drops its triggers without a word; each migration that
# alters one of these tables ends with `create_guards(op)`, and a test compares the triggers afterwards.
APPEND_ONLY = ("visit_event", "audit_entry")

_SQLITE_OVERLAP = """
CREATE TRIGGER {name} BEFORE {event} ON stop
BEGIN
  SELECT RAISE(ABORT, 'stop_no_overlap') WHERE EXISTS (
    SELECT 1 FROM stop other
    WHERE other.technician_id = NEW.technician_id AND other.id IS NOT NEW.id
      AND other.starts_at < NEW.ends_at AND other.ends_at > NEW.starts_at);
END"""
_SQLITE_APPEND_ONLY = """
CREATE TRIGGER {table}_append_only_{event} BEFORE {event} ON {table} {unless}
BEGIN
  SELECT RAISE(ABORT, '{table} is append-only');
END"""
_POSTGRES_OVERLAP = """
ALTER TABLE stop ADD CONSTRAINT stop_no_overlap EXCLUDE USING gist
  (int4range(technician_id, technician_id, '[]') WITH &&, tstzrange(starts_at, ends_at) WITH &&)"""
# A customer may have their words erased: of a visit's history the content can be emptied, and nothing else.
_SQLITE_ERASING = """WHEN NOT (NEW.payload = '{}' AND NEW.id = OLD.id AND NEW.visit_id = OLD.visit_id
  AND NEW.kind = OLD.kind AND NEW.from_state = OLD.from_state AND NEW.to_state = OLD.to_state
  AND NEW.occurred_at = OLD.occurred_at AND NEW.recorded_at = OLD.recorded_at AND NEW.actor = OLD.actor
  AND NEW.event_key IS OLD.event_key)"""
_POSTGRES_REFUSE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'visit_event' THEN
    IF (to_jsonb(NEW) -> 'payload') = '{}'::jsonb
       AND (to_jsonb(NEW) - 'payload') = (to_jsonb(OLD) - 'payload') THEN
      RETURN NEW;
    END IF;
  END IF;
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$ LANGUAGE plpgsql"""
_POSTGRES_REFUSE_ALL = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$ LANGUAGE plpgsql"""
_POSTGRES_APPEND_ONLY = """
CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION refuse_change()"""

# Who works when is read for every offer and seldom changed: the database counts its changes by territory.
_WORKFORCE = (
    "technician",
    "technician_skill",
    "shift_pattern",
    "shift_override",
    "break_rule",
    "absence",
    "skill",
)
_COUNT = "UPDATE territory SET workforce_version = workforce_version + 1"
_POSTGRES_COUNT = f"""
CREATE OR REPLACE FUNCTION count_workforce_change() RETURNS trigger AS $$
BEGIN
  IF TG_TABLE_NAME = 'skill' THEN
    {_COUNT};
  ELSIF TG_TABLE_NAME = 'technician' THEN
    {_COUNT} WHERE id IN (OLD.territory_id, NEW.territory_id);
  ELSE
    {_COUNT} WHERE id IN
      (SELECT territory_id FROM technician WHERE id IN (OLD.technician_id, NEW.technician_id));
  END IF;
  RETURN NULL;
END $$ LANGUAGE plpgsql"""
_POSTGRES_COUNTED = """
CREATE TRIGGER {table}_counted AFTER INSERT OR UPDATE OR DELETE ON {table}
  FOR EACH ROW EXECUTE FUNCTION count_workforce_change()"""
_SQLITE_COUNTED = """
CREATE TRIGGER {table}_counted_{event} AFTER {event} ON {table}
BEGIN
  {count};
END"""
_SQLITE_SIDES = {"insert": ("NEW",), "update": ("OLD", "NEW"), "delete": ("OLD",)}


def create_workforce_triggers(connection: Connection) -> None:
    """Let the database count every change of who works when and with which skills.

    A migration that alters one of these tables on SQLite creates its triggers anew, as with `create_guards`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(_POSTGRES_COUNT))
        for table in _WORKFORCE:
            connection.execute(text(_POSTGRES_COUNTED.format(table=table)))
        return
    for table in _WORKFORCE:
        for event, sides in _SQLITE_SIDES.items():
            count = f"{_COUNT}{_sqlite_where(table, sides)}"
            connection.exec_driver_sql(_SQLITE_COUNTED.format(table=table, event=event, count=count))


def _sqlite_where(table: str, sides: tuple[str, ...]) -> str:
    """Which territories a change of a row concerns."""
    if table == "skill":
        return ""
    if table == "technician":
        return f" WHERE id IN ({', '.join(f'{side}.territory_id' for side in sides)})"
    theirs = ", ".join(f"{side}.technician_id" for side in sides)
    return f" WHERE id IN (SELECT territory_id FROM technician WHERE id IN ({theirs}))"


def drop_workforce_triggers(connection: Connection) -> None:
    """Take back `create_workforce_triggers`."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("DROP FUNCTION count_workforce_change() CASCADE"))
        return
    for table in _WORKFORCE:
        for event in _SQLITE_SIDES:
            connection.exec_driver_sql(f"DROP TRIGGER {table}_counted_{event}")


def create_guards(connection: Connection) -> None:
    """Create what the database itself enforces beyond columns: no overlap, append-only histories."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(_POSTGRES_OVERLAP))
        connection.execute(text(_POSTGRES_REFUSE))
        for table in APPEND_ONLY:
            connection.execute(text(_POSTGRES_APPEND_ONLY.format(table=table)))
        return
    create_overlap_guard(connection)
    for table in APPEND_ONLY:
        for event in ("update", "delete"):
            create_append_only_trigger(connection, table, event)


def create_overlap_guard(connection: Connection) -> None:
    """Create anew on SQLite what a copy of the table of stops has lost: nobody is at two stops at once."""
    updated = "UPDATE OF technician_id, starts_at, ends_at"
    connection.exec_driver_sql(_SQLITE_OVERLAP.format(name="stop_no_overlap_insert", event="INSERT"))
    connection.exec_driver_sql(_SQLITE_OVERLAP.format(name="stop_no_overlap_update", event=updated))


def create_append_only_trigger(
    connection: Connection, table: str, event: str, *, strict: bool = False
) -> None:
    """SQLite's guard of a history; unless it is `strict` the content of a visit's history can be emptied."""
    erasable = not strict and (table, event) == ("visit_event", "update")
    unless = _SQLITE_ERASING if erasable else ""
    connection.exec_driver_sql(_SQLITE_APPEND_ONLY.format(table=table, event=event, unless=unless))


def allow_erasing(connection: Connection) -> None:
    """Let the content of a visit's history be emptied in a database whose guards are older than that."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(_POSTGRES_REFUSE))
        return
    connection.exec_driver_sql("DROP TRIGGER visit_event_append_only_update")
    create_append_only_trigger(connection, "visit_event", "update")


def forbid_erasing(connection: Connection) -> None:
    """Take back `allow_erasing`."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(_POSTGRES_REFUSE_ALL))
        return
    connection.exec_driver_sql("DROP TRIGGER visit_event_append_only_update")
    create_append_only_trigger(connection, "visit_event", "update", strict=True)


def upgrade(engine: Engine) -> None:
    """Run every migration that the database has not seen, all in one transaction."""
    with rebuilding(engine) as connection:
        upgrade_within(connection)


class BrokenReferences(Exception):
    """Rows refer to rows that are not there; nothing was changed."""


@contextmanager
def rebuilding(engine: Engine) -> Iterator[Connection]:
    """A transaction in which whole tables may be replaced. Raises BrokenReferences at its end.

    A batch operation on SQLite drops the table that it has copied, which references to its rows would
    forbid: they are not watched meanwhile, and looked through before the commit. PostgreSQL gets the time
    that large tables take.
    """
    with engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            with connection.begin():
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                yield connection
            return
        raw: Any = connection.connection.driver_connection
        raw.execute("PRAGMA foreign_keys=OFF")  # before BEGIN: inside a transaction it does nothing
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
                if broken:
                    raise BrokenReferences(f"rows of {sorted({row[0] for row in broken})} refer to nothing")
        finally:
            raw.execute("PRAGMA foreign_keys=ON")


def upgrade_within(connection: Connection, version: str = "head") -> None:
    """Run the migrations up to a version in the connection's transaction."""
    command.upgrade(_config(connection), version)


def knows(version: str) -> bool:
    """Whether a schema is this one or one that can be upgraded to it."""
    script = ScriptDirectory(str(MIGRATIONS))
    return any(revision.revision == version for revision in script.walk_revisions())


def differences(engine: Engine) -> list[Any]:
    """What the database lacks or has too much of, compared with the models; empty when it is right."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))


def render_column_type(kind: str, value: Any, _context: Any) -> str | bool:
    """Write our column types into a migration as the plain types that they are kept as."""
    if kind == "type" and isinstance(value, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(value, Duration):
        return "sa.Integer()"
    return False


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
