"""Files lie under names of our own, are on disk before anybody hears of them, and no path leads elsewhere."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldservice.files import FileMissing, FileStore, NotStored, Verdict, scan


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    """An empty store."""
    return FileStore(tmp_path / "files")


def test_what_is_put_is_read_and_removed(store: FileStore) -> None:
    """The same content twice is two files; removing twice is no fault."""
    first, second = store.put(b"one"), store.put(b"one")
    assert first != second
    assert store.read(first) == b"one"
    store.remove(first)
    store.remove(first)
    assert store.read(second) == b"one"
    with pytest.raises(FileMissing):
        store.path(first)
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == [second]


@pytest.mark.parametrize(
    "key", ["", "..", "../../etc/passwd", "/etc/passwd", "a" * 31, "A" * 32, "a" * 32 + "\n"]
)
def test_no_key_leads_out_of_the_folder(store: FileStore, key: str) -> None:
    """Only what the store made up itself is looked for."""
    for use in (store.path, store.read, store.remove):
        with pytest.raises(FileMissing):
            use(key)


def test_a_file_is_complete_before_it_has_its_name(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is synced under another name; a disk that is full leaves nothing and is said."""
    synced: list[str] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    key = store.put(b"x")
    assert synced == [f"{key}.new", key[:2], "files"]

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(NotStored):
        store.put(b"y")
    assert [path.name for path in store.folder.rglob("*") if path.is_file()] == [key]


def test_old_files_are_told_and_unfinished_ones_removed(store: FileStore) -> None:
    """New ones are left alone: their rows may still be on the way."""
    old, new = store.put(b"old"), store.put(b"new")
    unfinished = store.path(old).with_name(f"{old}.new")
    unfinished.write_bytes(b"half")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    for path in (store.path(old), unfinished):
        os.utime(path, (yesterday.timestamp(), yesterday.timestamp()))
    found = set().union(*store.written_before(yesterday + timedelta(hours=1)))
    assert found == {old}
    assert not unfinished.exists()
    assert store.read(new) == b"new"
    assert list(FileStore(store.folder / "none").written_before(yesterday)) == []


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ("exit 0", Verdict.CLEAN),
        ("exit 1", Verdict.INFECTED),
        ("echo no database >&2; exit 2", Verdict.FAILED),
        ("kill -9 $$", Verdict.FAILED),
        ("sleep 30", Verdict.FAILED),
        ('grep -q EICAR "$0" && exit 1 || exit 0', Verdict.INFECTED),
    ],
)
def test_the_scanner_answers_with_its_exit_code(tmp_path: Path, script: str, verdict: Verdict) -> None:
    """As clamscan does; whatever else happens is a failure. The file's path is the last argument."""
    file = tmp_path / "file"
    file.write_bytes(b"EICAR")
    assert scan(["/bin/sh", "-c", script], file, longest_s=1) == verdict


def test_a_scanner_that_is_not_there_fails(tmp_path: Path) -> None:
    """A wrong setting keeps files aside and breaks nothing."""
    assert scan([str(tmp_path / "no-scanner")], tmp_path) == Verdict.FAILED
