"""How often somebody may try: named limits that views carry as decorators.

The figures are read from the application's configuration at each request (`LIMIT_<NAME>`).
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable

from flask import Flask, current_app, request
from flask_limiter import Limiter

from fieldservice.config import Settings

DEFAULTS = {
    "LIMIT_LOGIN_ACCOUNT": "5/minute",
    "LIMIT_LOGIN_ADDRESS": "20/minute",
    "LIMIT_BOOKING": "10/minute",
    "LIMIT_FORM": "60/minute",
    "LIMIT_LOOKUP": "60/minute",
    "LIMIT_POLL": "240/minute",
    "LIMIT_API": "600/minute",
    "LIMIT_API_ADDRESS": "3000/minute",  # of all tokens, real and made up, from one address
}
_SHARED_NETWORK = 64


def client() -> str:
    """Who is counted: an address, or with IPv6 the network that one household or attacker commands."""
    address = ipaddress.ip_address(request.remote_addr or "0.0.0.0")  # noqa: S104 - a key, nothing listens
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network(f"{address}/{_SHARED_NETWORK}", strict=False))


def account() -> str:
    """Which account is tried, known or not; a hash: the counters' store is no place for addresses."""
    email = request.form.get("email", "").strip().lower()
    return hashlib.sha256(email.encode()).hexdigest()


limiter = Limiter(client, strategy="moving-window", in_memory_fallback_enabled=True, headers_enabled=True)


def configured(name: str) -> Callable[[], str]:
    """What the application's configuration says, for a limit that another module has."""
    return lambda: str(current_app.config[name])


LOGIN_ACCOUNT = limiter.shared_limit(
    configured("LIMIT_LOGIN_ACCOUNT"), scope="login account", key_func=account, methods=["POST"]
)
LOGIN_ADDRESS = limiter.shared_limit(
    configured("LIMIT_LOGIN_ADDRESS"), scope="login address", methods=["POST"]
)
BOOKING = limiter.shared_limit(configured("LIMIT_BOOKING"), scope="booking", methods=["POST"])
FORM = limiter.shared_limit(configured("LIMIT_FORM"), scope="form", methods=["POST"])
LOOKUP = limiter.shared_limit(configured("LIMIT_LOOKUP"), scope="lookup")
POLL = limiter.shared_limit(configured("LIMIT_POLL"), scope="poll")


def install(app: Flask, settings: Settings) -> None:
    """Count for this application; while a shared store cannot be reached, each process counts alone."""
    for name, limit in DEFAULTS.items():
        app.config.setdefault(name, limit)
    storage = settings.rate_limit_storage or "memory://"
    app.config["RATELIMIT_STORAGE_URI"] = storage
    if storage.startswith("redis"):
        app.config["RATELIMIT_STORAGE_OPTIONS"] = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
    limiter.init_app(app)
