"""What is configured, what is missing, and what that costs."""

from __future__ import annotations

import os
import shutil
import smtplib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from fieldservice.assets import Assets, MissingBuildError
from fieldservice.config import Settings, variable
from fieldservice.paths import STATIC

LEAST_DISK_BYTES = 500_000_000
CONNECT_S = 5


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `cost` says what the product cannot do because of it."""

    level: Level
    what: str
    cost: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything that the product depends on, changing nothing; never raises."""
    for look in _LOOKS:
        yield from look(settings)


def _data_folder(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not os.access(folder, os.W_OK):
        cost = "nothing works: every part writes here"
        yield Finding(Level.BROKEN, f"data folder {folder} cannot be written", cost)
    elif shutil.disk_usage(folder).free < LEAST_DISK_BYTES:
        free = shutil.disk_usage(folder).free // 1_000_000
        yield Finding(Level.MISSING, f"data folder {folder} has only {free} MB left", "bookings stop at 0")
    else:
        yield Finding(Level.OK, f"data folder {folder}")


def _database(settings: Settings) -> Iterator[Finding]:
    from sqlalchemy import make_url
    from sqlalchemy.exc import SQLAlchemyError

    from fieldservice import schema
    from fieldservice.db import Database

    cost = "nothing works until `fieldservice db upgrade` has run"
    try:
        address = make_url(settings.sqlalchemy_url)
        kind = "PostgreSQL" if address.get_backend_name() == "postgresql" else f"SQLite, {address.database}"
        if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
            yield Finding(Level.BROKEN, f"database: no {address.database} yet", cost)
            return
        database = Database(settings.sqlalchemy_url)
        current = schema.is_current(database.engine)
        database.dispose()
    except (SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        yield Finding(Level.BROKEN, f"database: {reason}", "nothing works without it")
        return
    if current:
        yield Finding(Level.OK, f"database: {kind}")
    else:
        yield Finding(Level.BROKEN, "database: another version's schema", cost)


def _broker(settings: Settings) -> Iterator[Finding]:
    if not settings.broker_url:
        cost = "web and workers must share this machine"
        yield Finding(Level.OK, f"broker: embedded, files in the data folder; {cost}")
        return
    from kombu.connection import Connection
    from kombu.exceptions import OperationalError

    try:
        with Connection(settings.broker_url, connect_timeout=CONNECT_S) as connection:  # type: ignore[no-untyped-call]
            connection.ensure_connection(max_retries=1, timeout=CONNECT_S)
        yield Finding(Level.OK, "broker: a server")
    except (OperationalError, OSError, ValueError, KeyError) as error:
        cost = "no message is sent and no plan improved until it answers; booking goes on"
        yield Finding(Level.BROKEN, f"broker: {error}", cost)


def _map(settings: Settings) -> Iterator[Finding]:
    from fieldservice.geo.manifest import MapDamaged, MapMissing, load_manifest

    cost = "travel times are estimates as the crow flies, addresses must be pinned by hand, no base map"
    try:
        found = load_manifest(settings.map_path)
        yield Finding(Level.OK, f"map: {found.name} ({found.attribution.text})")
    except MapMissing:
        yield Finding(Level.MISSING, f"map: none in {settings.map_path}; `fieldservice map import`", cost)
    except MapDamaged as error:
        yield Finding(Level.BROKEN, f"map: {error}", cost)


def _mail(settings: Settings) -> Iterator[Finding]:
    if not settings.smtp_url:
        cost = f"customers get no e-mail; it is written to {settings.data_dir / 'outbox'}"
        yield Finding(Level.MISSING, f"e-mail: {variable('smtp_url')} is not set", cost)
        return
    address = urlsplit(settings.smtp_url)
    connect = smtplib.SMTP_SSL if address.scheme == "smtps" else smtplib.SMTP
    try:
        with connect(address.hostname or "", address.port or 0, timeout=CONNECT_S) as server:
            server.noop()
        yield Finding(Level.OK, f"e-mail: {address.hostname}")
    except (OSError, smtplib.SMTPException, ssl.SSLError, ValueError) as error:
        cost = "messages wait and are tried again"
        yield Finding(Level.BROKEN, f"e-mail: {address.hostname} does not answer: {error}", cost)


def _text_messages(settings: Settings) -> Iterator[Finding]:
    if settings.sms_gateway == "none":
        yield Finding(Level.MISSING, "text messages: switched off", "customers are reached by e-mail only")
    else:
        cost = f"customers get none; they are written to {settings.data_dir / 'sms'}"
        yield Finding(Level.MISSING, "text messages: no gateway", cost)


def _public_address(settings: Settings) -> Iterator[Finding]:
    address = urlsplit(settings.public_url)
    if address.hostname in ("localhost", "127.0.0.1", "::1"):
        cost = "links in messages open on this machine only"
        yield Finding(Level.MISSING, f"public address: {settings.public_url}", cost)
    elif address.scheme != "https":
        cost = "private links and passwords travel unprotected"
        yield Finding(Level.BROKEN, f"public address: {settings.public_url} is not https", cost)
    else:
        yield Finding(Level.OK, f"public address: {settings.public_url}")


def _secret(settings: Settings) -> Iterator[Finding]:
    if settings.secret_key:
        yield Finding(Level.OK, "secret key: from the environment")
    else:
        cost = "machines that share the web must share it"
        yield Finding(Level.OK, f"secret key: kept in the data folder; {cost}")


def _rate_limits(settings: Settings) -> Iterator[Finding]:
    if settings.rate_limit_storage:
        yield Finding(Level.OK, "rate limits: counted together")
    elif settings.web_workers > 1:
        cost = f"a guesser gets {settings.web_workers} times the tries"
        yield Finding(
            Level.MISSING, f"rate limits: counted in each of {settings.web_workers} processes", cost
        )
    else:
        yield Finding(Level.OK, "rate limits: counted in the one web process")


def _virus_scanner(settings: Settings) -> Iterator[Finding]:
    command = settings.virus_scanner
    if not command:
        cost = "documents of customers are shown as they came; photos are drawn anew"
        yield Finding(Level.MISSING, f"virus scanner: {variable('virus_scan_command')} is not set", cost)
    elif shutil.which(command[0]) is None:
        cost = "new photos and documents are kept aside until it runs"
        yield Finding(Level.BROKEN, f"virus scanner: there is no command {command[0]}", cost)
    else:
        yield Finding(Level.OK, f"virus scanner: {command[0]}")


def _front_end(_settings: Settings) -> Iterator[Finding]:
    try:
        _ = Assets(STATIC / "vendor").manifest
        yield Finding(Level.OK, "front end: built")
    except (MissingBuildError, ValueError) as error:
        yield Finding(Level.BROKEN, f"front end: {error}", "no page can be shown")


_LOOKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _data_folder,
    _database,
    _broker,
    _map,
    _mail,
    _text_messages,
    _public_address,
    _secret,
    _rate_limits,
    _virus_scanner,
    _front_end,
)
