"""The database on both dialects: engine, transactions with retry, column types, technician locks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    Integer,
    MetaData,
    Select,
    create_engine,
    event,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

OVERLAP = "stop_no_overlap"

_RETRIED_STATES = {"40001", "40P01", "55P03"}
_POSTGRES_LIMITS = (
    "-c lock_timeout=10s -c statement_timeout=15s -c idle_in_transaction_session_timeout=30s -c timezone=UTC"
)
_SQLITE_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=20000")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant; kept as UTC, because SQLite drops the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive value, store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"not an instant, the zone is missing: {value}")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware UTC value on both dialects."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Duration(TypeDecorator[timedelta]):
    """A `timedelta`, kept as whole seconds."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """Store whole seconds."""
        return None if value is None else round(value.total_seconds())

    def process_result_value(self, value: int | None, dialect: Dialect) -> timedelta | None:
        """Give back a timedelta."""
        return None if value is None else timedelta(seconds=value)


class Base(DeclarativeBase):
    """Every table; the names of constraints follow one pattern so that a migration can address them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def make_engine(url: str) -> Engine:
    """An engine whose transactions are safe to decide in: see `docs/decisions.md` for the settings."""
    if not url.startswith("sqlite"):
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=40,
            connect_args={"options": _POSTGRES_LIMITS},
            hide_parameters=True,  # logs are no place for customers' names
        )
    engine = create_engine(
        url, connect_args={"timeout": 20}, pool_size=10, max_overflow=60, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        # SQLAlchemy, not the sqlite3 module, emits BEGIN: the module's own mode double-books.
        connection.isolation_level = None
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        read_only = bool(connection.get_execution_options().get("read_only"))
        connection.exec_driver_sql(f"PRAGMA query_only={read_only:d}")
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


@dataclass(frozen=True)
class KeptRows:
    """What the sessions of one `Database` keep between transactions, each entry with a version to check.

    `committed` says that the session sees what is committed and nothing else, so that it may keep more.
    """

    rows: dict[tuple[str, int], object]
    committed: bool


def kept_rows(session: Session) -> KeptRows:
    """What is kept for this session; nothing for one that no `Database` made."""
    kept = session.info.get("kept")
    return kept if isinstance(kept, KeptRows) else KeptRows({}, committed=False)


class Database:
    """One engine with the two ways to use it: `run` for changes, `reading` for a consistent look."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        kept: dict[tuple[str, int], object] = {}
        self._write = sessionmaker(
            self.engine, expire_on_commit=False, info={"kept": KeptRows(kept, committed=False)}
        )
        readers = self.engine.execution_options(read_only=True)
        if self.engine.dialect.name == "postgresql":
            readers = readers.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._read = sessionmaker(
            readers, expire_on_commit=False, info={"kept": KeptRows(kept, committed=True)}
        )

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end of the block, or rolls everything back."""
        with self._write.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session on one consistent snapshot; nothing in it is written."""
        with self._read() as session:
            yield session

    def run[T](self, work: Callable[[Session], T], *, tries: int = 6) -> T:
        """Do `work` in a transaction, again when the database asks for it (deadlock, busy, serialisation)."""
        for attempt in range(1, tries + 1):
            try:
                with self.transaction() as session:
                    return work(session)
            except DBAPIError as error:
                if attempt == tries or not _worth_a_retry(error):
                    raise
                time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311
        raise AssertionError("unreachable")

    def dispose(self) -> None:
        """Close all connections; a forked process calls this before its first use."""
        self.engine.dispose()


def _worth_a_retry(error: DBAPIError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return state in _RETRIED_STATES
    return isinstance(error, OperationalError) and "locked" in str(error.orig)


def is_overlap(error: DBAPIError) -> bool:
    """Whether the database refused two stops of one technician at the same time."""
    return OVERLAP in str(error.orig)


def lock_rows(session: Session, table: str, ids: Iterable[int]) -> None:
    """Lock rows in the order of their ids; call it before anything is decided on them.

    SQLite needs nothing: its writing transactions already run one after another.
    """
    if session.get_bind().dialect.name != "postgresql":
        return
    wanted = sorted(set(ids))
    if wanted:
        session.execute(
            text(f"SELECT id FROM {table} WHERE id = ANY(:ids) ORDER BY id FOR UPDATE"),  # noqa: S608
            {"ids": wanted},
        )


def lock_names(session: Session, names: Iterable[str]) -> None:
    """Keep others from deciding about these names, such as e-mail addresses, until the transaction ends.

    For what has no row yet; a name in use elsewhere may wait without need. SQLite needs nothing.
    """
    if session.get_bind().dialect.name == "postgresql":
        for name in sorted(set(names)):
            session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def lock_technicians(session: Session, ids: Iterable[int]) -> None:
    """Lock the technicians; the first statement of every change to their stops."""
    lock_rows(session, "technician", ids)


def skip_locked[*Row](session: Session, query: Select[*Row]) -> Select[*Row]:
    """Let several workers claim different rows at once where the database can."""
    if session.get_bind().dialect.name == "postgresql":
        return query.with_for_update(skip_locked=True)
    return query


def exists_one(session: Session, query: Select[Any]) -> bool:
    """Whether the query finds a row."""
    return session.execute(select(query.exists())).scalar_one()
