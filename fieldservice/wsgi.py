"""The web server: gunicorn with threads; `python -m fieldservice.wsgi` runs it."""

from __future__ import annotations

import importlib
import os
import socket
from typing import Any

from gunicorn.app.base import BaseApplication

from fieldservice.config import Settings
from fieldservice.processes import SOCKET_VARIABLE, count_together, die_with_parent, settle_memory


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings; each process makes its own app, so that no connection crosses a fork."""

    def __init__(self, settings: Settings, *, socket: int | None) -> None:
        self.settings = settings
        self.socket = socket
        super().__init__()

    def load_config(self) -> None:
        """Translate our settings to gunicorn's."""
        for name, value in _configuration(self.settings, self.socket).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """The app of one web process."""
        from fieldservice.app import create_app  # loaded by `main`

        app = create_app(self.settings)
        settle_memory()
        return app


def _configuration(settings: Settings, socket: int | None) -> dict[str, Any]:
    address = f"[{settings.host}]" if ":" in settings.host else settings.host
    return {
        "bind": f"{address}:{settings.port}" if socket is None else f"fd://{socket}",
        "worker_class": "gthread",
        "workers": settings.web_workers,
        "threads": settings.web_threads,
        "graceful_timeout": 8,
        "keepalive": 5,
        "control_socket_disable": True,
        "post_fork": _post_fork,
        # No access log: the private link's token is part of the address.
    }


def _post_fork(arbiter: Any, worker: Any) -> None:
    die_with_parent(arbiter.pid)


def main() -> None:
    """Serve until a signal."""
    settings = Settings.from_environment()
    count_together(settings.data_dir / "metrics" / f"{socket.gethostname()}-{settings.port}")
    # Only now, as it reads where to count; and before the fork, so that all processes have it in common.
    importlib.import_module("fieldservice.app")
    inherited = os.environ.get(SOCKET_VARIABLE)
    Server(settings, socket=int(inherited) if inherited else None).run()


if __name__ == "__main__":
    main()
