"""The key that signs cookies and private links, where the settings hold none."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

KEY_FILE = "secret.key"


def kept_secret(folder: Path) -> str:
    """The key, made at the first start; processes that start together agree on one."""
    path = folder / KEY_FILE
    if not path.exists():
        own = folder / f".secret.{os.getpid()}.{secrets.token_hex(4)}"
        own.touch(mode=0o600)
        own.write_text(secrets.token_urlsafe(48), encoding="ascii")
        with suppress(FileExistsError):
            os.link(own, path)
        own.unlink()
    return path.read_text(encoding="ascii")
