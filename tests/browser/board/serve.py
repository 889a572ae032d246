"""The web application at a chosen instant, as a process of its own: `python -m tests.browser.board.serve`.

The browser cannot be told another time than the machine's, and forgets cookies that expired by its clock.
So the instant lies in the future, and only the server lives there.
"""

from __future__ import annotations

import os
from datetime import datetime

import time_machine
from werkzeug.serving import run_simple

from fieldservice.app import create_app
from fieldservice.config import Settings

STARTS_AT = "SERVE_FROM"


def main() -> None:
    """Serve until the process is stopped."""
    settings = Settings.from_environment()
    with time_machine.travel(datetime.fromisoformat(os.environ[STARTS_AT]), tick=True):
        run_simple("127.0.0.1", settings.port, create_app(settings), threaded=True)


if __name__ == "__main__":
    main()
