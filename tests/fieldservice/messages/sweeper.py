"""A process that sweeps until nothing is left, for tests that kill it.

`python -m tests.fieldservice.messages.sweeper DATABASE_URL SMTP_URL NOW`
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta
from pathlib import Path

from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.messages.service import SweepResult, sweep
from fieldservice.notify import open_channels


def main(database_url: str, smtp_url: str, now: str) -> None:
    """Sweep until a sweep finds nothing to do."""
    settings = Settings(data_dir=Path("unused"), smtp_url=smtp_url, sms_gateway="none", secret_key="tests")
    db, channels = Database(database_url), open_channels(settings)
    at, serial = datetime.fromisoformat(now), 0
    while True:
        serial += 1
        at += timedelta(seconds=1)
        if (
            sweep(db, channels, settings, now=at, owner=f"process-{os.getpid()}-{serial}", limit=20)
            == SweepResult()
        ):
            break


if __name__ == "__main__":
    main(*sys.argv[1:])
