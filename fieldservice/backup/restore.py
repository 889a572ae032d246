"""A backup back into a database and a file store, as it was; then what must not come back is taken out."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Table, delete, select, update
from sqlalchemy.orm import Session

from fieldservice import migrate, schema
from fieldservice.backup import rows
from fieldservice.backup.archive import FILES, TABLES, Archive, BackupFault, opened
from fieldservice.backup.erasures import ACTOR, erasures_of, replay
from fieldservice.backup.refusals import refusals_of
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.files import FileStore
from fieldservice.files.erasures import noted
from fieldservice.kept_secret import KEY_FILE
from fieldservice.models import AuditEntry, MessageState, OutboxMessage, PushDevice, UserSession
from fieldservice.notify import open_channels


@dataclass
class Restored:
    """What was restored, and what was taken out of it again."""

    rows: int = 0
    files: int = 0
    erased: int = 0
    unsure: int = 0
    secret: bytes = field(default=b"", repr=False)

    def sentences(self) -> Iterator[str]:
        """For a terminal."""
        yield f"{self.rows} rows and {self.files} files are restored; everybody has to sign in again"
        if self.erased:
            yield f"{self.erased} orders were erased since the backup was taken, and are erased again"
        if self.unsure:
            yield (
                f"{self.unsure} messages were due since the backup was taken: nobody knows whether they were"
                " sent, so they are not sent again; the visits' pages show them as unknown"
            )


def restore(settings: Settings, path: Path, *, now: datetime, replacing: bool = False) -> Restored:
    """Restore a backup, of this release or an older one, into a database that nobody has used.

    With `replacing` what the database holds is removed, in the same transaction. Raises BackupFault, and
    then the database is what it was. Who was erased since the backup was taken is erased again, as the
    database that is replaced and the list beside the files say; who said no in that database still does.
    """
    database, store, done = Database(settings.sqlalchemy_url), FileStore(settings.files_path), Restored()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    try:
        with opened(path) as tar, migrate.rebuilding(database.engine) as connection:
            archive = Archive(tar)
            erased = [*noted(store.folder), *erasures_of(connection)]
            said_no = refusals_of(connection)
            _require_room(connection, archive.manifest.schema, replacing=replacing)
            _load(connection, archive, store, done)
            if archive.manifest.schema != schema.HEAD:
                migrate.upgrade_within(connection)
            with Session(connection) as session:
                said_no.write(session)
                _take_out(session, archive.manifest.moment, now, done)
                done.erased = replay(session, erased, store=store, channels=open_channels(settings), now=now)
                session.commit()  # of the session: the transaction is the connection's
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        raise BackupFault(f"{path} cannot be restored: {error}") from error
    finally:
        database.dispose()
    if done.secret and not settings.secret_key:
        _keep_secret(settings, done.secret)
    return done


def _require_room(connection: Connection, version: str, *, replacing: bool) -> None:
    if not migrate.knows(version):
        raise BackupFault(
            f"the backup has schema {version}, which is newer than this release ({schema.HEAD})"
        )
    if rows.has_people(connection) and not replacing:
        raise BackupFault("the database is in use; --replace removes what it holds")


def _load(connection: Connection, archive: Archive, store: FileStore, done: Restored) -> None:
    tables = {table.name: table for table in rows.make_room(connection, archive.manifest.schema)}
    counted: dict[str, int] = {}
    with rows.without_triggers(connection, list(tables.values())):
        for name, content in archive.members():
            folder, _, rest = name.partition("/")
            if folder == TABLES:
                counted[rest.removesuffix(".jsonl")] = _rows(connection, tables, rest, content)
            elif folder == FILES:
                store.restore(rest, content)
                done.files += 1
            elif name == KEY_FILE:
                done.secret = content.read()
            elif name == "end.json" and json.load(content) != {"rows": counted, "files": done.files}:
                raise BackupFault("the backup is incomplete: its end counts more than it holds")
    rows.count_on(connection, list(tables.values()))
    done.rows = sum(counted.values())


def _rows(connection: Connection, tables: dict[str, Table], name: str, content: IO[bytes]) -> int:
    table = tables.get(name.removesuffix(".jsonl"))
    if table is None:
        raise BackupFault(f"the backup has a table {name} that its schema does not know")
    columns = json.loads(content.readline())
    if unknown := set(columns) - {column.name for column in table.columns}:
        raise BackupFault(f"the backup has columns that its schema does not know: {table.name} {unknown}")
    return rows.write_rows(connection, table, columns, map(json.loads, content))


def _keep_secret(settings: Settings, secret: bytes) -> None:
    """The key under which the links in messages that were sent are valid."""
    target = settings.data_dir / KEY_FILE
    unfinished = target.with_name(f".{KEY_FILE}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(secret)
    unfinished.rename(target)


def _take_out(session: Session, taken_at: datetime, now: datetime, done: Restored) -> None:
    """What must not come back: sessions that were ended with their browsers, messages that were sent."""
    session.execute(delete(UserSession))
    session.execute(delete(PushDevice).where(PushDevice.user_id.is_not(None)))
    waiting = OutboxMessage.state.in_([MessageState.PENDING, MessageState.SENDING])
    due = session.scalars(select(OutboxMessage.id).where(waiting, OutboxMessage.due_at <= now)).all()
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(due))
        .values(state=MessageState.UNKNOWN, last_error="restored from a backup", lease_until=None)
    )
    done.unsure = len(due)
    detail: dict[str, Any] = {"taken_at": taken_at.isoformat()}
    session.add(
        AuditEntry(at=now, actor=ACTOR, action="restored", subject_kind="backup", subject_id=0, detail=detail)
    )
