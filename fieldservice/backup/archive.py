"""The file of a backup: a tar with what each table holds, the photos and documents, and the key of links.

manifest.json       version of the format, of the schema, when it was taken
tables/NAME.jsonl   first the names of the columns, then a row a line
files/KEY           as in the store
secret.key          when the product made its own
end.json            how many rows and files there are: a file that was cut off has none
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from fieldservice.backup import rows
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.files import FileMissing, FileStore
from fieldservice.kept_secret import KEY_FILE

FORMAT = 1
TABLES, FILES = "tables", "files"


class BackupFault(Exception):
    """The backup cannot be written, read or restored; the message says why."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself before its content; `taken_at` is the moment that its rows are of."""

    taken_at: str
    schema: str
    format: int = FORMAT

    @property
    def moment(self) -> datetime:
        """When it was taken."""
        return datetime.fromisoformat(self.taken_at)


@dataclass
class Counts:
    """How many rows each table has, and how many files there are."""

    rows: dict[str, int] = field(default_factory=dict)
    files: int = 0

    def sentence(self) -> str:
        """For a terminal."""
        return f"{sum(self.rows.values())} rows of {len(self.rows)} tables and {self.files} files"


def write_backup(settings: Settings, target: Path, *, now: datetime) -> Counts:
    """Write a backup of one moment; the product may go on meanwhile. Raises BackupFault.

    Rows are read first and files afterwards, because a file outlives its row. The target appears when it is
    complete, and only its owner can read it.
    """
    if target.exists():
        raise BackupFault(f"{target} exists already")
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    database = Database(settings.sqlalchemy_url)
    try:
        with os.fdopen(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w:gz", compresslevel=3) as tar:
                counts = _write(tar, settings, database, now)
            file.flush()
            os.fsync(file.fileno())
        os.link(unfinished, target)  # unlike a rename it replaces nothing
    except OSError as error:
        raise BackupFault(f"{target} cannot be written: {error}") from error
    finally:
        database.dispose()
        unfinished.unlink(missing_ok=True)
    return counts


def _write(tar: tarfile.TarFile, settings: Settings, database: Database, now: datetime) -> Counts:
    counts, store = Counts(), FileStore(settings.files_path)
    with rows.snapshot(database.engine) as connection:
        schema = rows.version_of(connection)
        if not schema:
            raise BackupFault("the database is empty: there is nothing to back up")
        _add(tar, "manifest.json", asdict(Manifest(now.isoformat(), schema)))
        for table in rows.tables_of(connection):
            with tempfile.TemporaryFile() as lines:
                counts.rows[table.name] = 0
                _line(lines, [column.name for column in table.columns])
                for row in rows.read_rows(connection, table):
                    _line(lines, row)
                    counts.rows[table.name] += 1
                _add_file(tar, f"{TABLES}/{table.name}.jsonl", lines)
    for key in store.all_keys():
        with suppress(FileMissing, FileNotFoundError):  # it went meanwhile, after its row
            tar.add(store.path(key), f"{FILES}/{key}")
            counts.files += 1
    secret = settings.data_dir / KEY_FILE
    if not settings.secret_key and secret.exists():
        tar.add(secret, KEY_FILE)
    _add(tar, "end.json", asdict(counts))
    return counts


def _line(out: IO[bytes], value: Any) -> None:
    out.write(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def _add(tar: tarfile.TarFile, name: str, value: Any) -> None:
    with io.BytesIO(json.dumps(value, indent=1).encode()) as content:
        content.seek(0, io.SEEK_END)
        _add_file(tar, name, content)


def _add_file(tar: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = content.tell(), 0o600
    content.seek(0)
    tar.addfile(entry, content)


class Archive:
    """A backup that is read from its beginning to its end."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.manifest = _manifest(self._json(tar.next(), "manifest.json"))

    def members(self) -> Iterator[tuple[str, IO[bytes]]]:
        """The name and content of what follows. Raises BackupFault for a file that was cut off."""
        name = ""
        while (entry := self._tar.next()) is not None:
            content = self._tar.extractfile(entry)
            if content is None:
                raise BackupFault(f"{entry.name} in the backup is no file")
            name = entry.name
            yield name, content
        if name != "end.json":
            raise BackupFault("the backup was cut off: its end is missing")

    def _json(self, entry: tarfile.TarInfo | None, name: str) -> Any:
        content = self._tar.extractfile(entry) if entry is not None and entry.name == name else None
        if content is None:
            raise BackupFault(f"this is no backup: it does not begin with {name}")
        return json.load(content)


def _manifest(found: Any) -> Manifest:
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BackupFault("the backup is of another version of the product")
    return Manifest(**found)


def read_manifest(path: Path) -> Manifest:
    """What a backup says of itself. Raises BackupFault."""
    with opened(path) as tar:
        return Archive(tar).manifest


def opened(path: Path) -> tarfile.TarFile:
    """A backup's file, to be read once. Raises BackupFault."""
    try:
        return tarfile.open(path, "r|gz")
    except (OSError, tarfile.TarError, EOFError) as error:
        raise BackupFault(f"{path} cannot be read: {error}") from error
