"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Put the content at `path`, safe on disk; whoever looks meanwhile sees all of it or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with written.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    finally:
        written.unlink(missing_ok=True)


def file_name(key: str, suffix: str) -> str:
    """The name of the one file that belongs to a message, however often it is sent."""
    return re.sub(r"[^A-Za-z0-9.+-]+", "_", key) + suffix
