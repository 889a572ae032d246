"""A folder of files under random names. What a file is, whose, and how it was called is in the database.

A file is on disk for good before its row is written, and goes only after its row has gone. So a process that
is killed in between leaves a file without a row, which a sweep finds, and never a row without its file.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import IO

_KEY = re.compile(r"[0-9a-f]{32}")
_UNFINISHED = ".new"


class NotStored(Exception):
    """The file could not be written: the disk is full, or the folder is not ours."""


class FileMissing(Exception):
    """No file has this key."""


class FileStore:
    """Files by keys that it makes up itself: nothing that a person typed becomes part of a path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        """Write a file so that it survives a power cut; returns its key. Raises NotStored."""
        key = secrets.token_hex(16)
        target = self._path(key)
        unfinished = target.with_name(f"{key}{_UNFINISHED}")
        try:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with unfinished.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.rename(target)
            _sync(target.parent)
            _sync(self.folder)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
            raise NotStored(str(error)) from error
        return key

    def path(self, key: str) -> Path:
        """Where the file lies. Raises FileMissing."""
        path = self._path(key)
        if not path.is_file():
            raise FileMissing(key)
        return path.resolve()

    def read(self, key: str) -> bytes:
        """The file's content. Raises FileMissing."""
        return self.path(key).read_bytes()

    def remove(self, key: str) -> None:
        """Take a file away; one that has gone already is no fault."""
        self._path(key).unlink(missing_ok=True)

    def all_keys(self) -> Iterator[str]:
        """The keys of all finished files."""
        for path in sorted(self.folder.glob("??/*")):
            if _KEY.fullmatch(path.name):
                yield path.name

    def restore(self, key: str, content: IO[bytes]) -> None:
        """Write a file of a backup under its old key. Raises FileMissing for a name that is no key."""
        target = self._path(key)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = target.with_name(f"{key}{_UNFINISHED}")
        with unfinished.open("wb") as file:
            shutil.copyfileobj(content, file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)

    def written_before(self, moment: datetime) -> Iterator[set[str]]:
        """The keys of files that are older, folder by folder; removes those that were never finished."""
        for folder in sorted(path for path in self.folder.glob("??") if path.is_dir()):
            old = [path for path in folder.iterdir() if _is_older(path, moment)]
            for path in old:
                if path.name.endswith(_UNFINISHED):
                    path.unlink(missing_ok=True)
            yield {path.name for path in old if _KEY.fullmatch(path.name)}

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise FileMissing(key)
        return self.folder / key[:2] / key


def _is_older(path: Path, moment: datetime) -> bool:
    try:
        return path.stat().st_mtime < moment.timestamp()
    except FileNotFoundError:  # somebody takes it away at this moment
        return False


def _sync(folder: Path) -> None:
    """A new name in a folder is on disk for good only when the folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
