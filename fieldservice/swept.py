"""When each periodic task last ended well: a file for each in the data folder, which all parts share.

A row would cost a write to the database for every sweep, of which there is one a second.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path


def mark(data_dir: Path, task: str) -> None:
    """Remember that the task ended well just now."""
    folder = _folder(data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / task).touch()


def last_sweeps(data_dir: Path) -> dict[str, datetime]:
    """The last good end of each task that ever ran on this data folder."""
    try:
        return {
            path.name: datetime.fromtimestamp(path.stat().st_mtime, UTC)
            for path in _folder(data_dir).iterdir()
        }
    except FileNotFoundError:
        return {}


def _folder(data_dir: Path) -> Path:
    return data_dir / "sweeps"
