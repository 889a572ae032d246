"""What every face shares at the web's edge: the joined services, POSTs that count once, times in words."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from flask import Response, current_app, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.routing import BaseConverter, IntegerConverter, Map, ValidationError

from fieldservice.assets import Assets
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.files import FileStore
from fieldservice.geo.geocoding import GeocodingChain
from fieldservice.geo.manifest import MapDamaged, MapMissing, load_manifest
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.travel import TravelTimes
from fieldservice.models import IdempotencyKey, Window
from fieldservice.notify import Channels, words

KEY_FIELD = "idempotency_key"
KEYS_KEPT = timedelta(days=7)  # a phone may send on Monday what was tapped on Friday
MAX_ROW = 2**31 - 1
_KEY_LENGTH = 255
_YEARS = range(2000, 2200)


@dataclass(frozen=True)
class Services:
    """What the parts of the product are given to work with; `app.make_services` joins it."""

    settings: Settings
    db: Database
    travel: TravelTimes
    tables: TravelTables
    geocoding: GeocodingChain
    channels: Channels
    files: FileStore


class KeyReused(Exception):
    """The same idempotency key came with a different request."""


class BadKey(Exception):
    """A changing request came without a usable idempotency key."""


class _RacedKey(Exception):
    """Another request with this key was stored first; its answer will be found on the next try."""


def services() -> Services:
    """The services of the running application."""
    return cast(Services, current_app.extensions["fieldservice"])


def assets() -> Assets:
    """The files of the front-end build."""
    return cast(Assets, current_app.extensions["assets"])


def new_key() -> str:
    """A key for a form; a form that is sent twice carries the same one."""
    return str(uuid.uuid4())


def once(work: Callable[[Session], ResponseReturnValue], *, now: datetime, scope: str = "") -> Response:
    """Do a POST's work in one transaction and remember its answer under the form's idempotency key.

    The same POST again within a week gets the same answer and changes nothing. Refusals are not remembered:
    they raise. `scope` tells apart who posts. Raises BadKey without a key, KeyReused when it came with other
    content.
    """
    full_key, fingerprint = _full_key(scope), _fingerprint()

    def attempt(session: Session) -> Response:
        stored = session.get(IdempotencyKey, full_key)
        if stored is not None:
            if stored.request_hash != fingerprint:
                raise KeyReused
            return _replay(stored)
        row = IdempotencyKey(key=full_key, request_hash=fingerprint, status=0, created_at=now)
        session.add(row)
        try:
            session.flush()
        except IntegrityError as error:
            raise _RacedKey from error
        response = make_response(work(session))
        row.status, row.location = response.status_code, response.headers.get("Location", "")
        row.body, row.content_type = response.get_data(as_text=True), response.content_type or ""
        return response

    try:
        return services().db.run(attempt)
    except _RacedKey:
        return services().db.run(attempt)


def is_answered(session: Session, *, scope: str = "") -> bool:
    """Whether `once` would give an answer that it remembers. Raises BadKey."""
    return session.get(IdempotencyKey, _full_key(scope)) is not None


def _full_key(scope: str) -> str:
    key = request.form.get(KEY_FIELD, "") or request.headers.get("Idempotency-Key", "")
    if not 8 <= len(key) <= _KEY_LENGTH or not key.isprintable():
        raise BadKey
    return f"{hashlib.sha256(f'{scope}:{request.path}'.encode()).hexdigest()[:32]}:{key}"


def drop_old_keys(session: Session, *, now: datetime) -> None:
    """Forget the answers to POSTs of `KEYS_KEPT` ago; some lead to customers' private pages."""
    session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEYS_KEPT))


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for name in sorted(request.form):
        if name not in (KEY_FIELD, "csrf_token"):
            for value in request.form.getlist(name):
                digest.update(f"{len(name)}:{name}={len(value)}:{value}\n".encode())
    if request.is_json:
        digest.update(request.get_data(cache=True))
    return digest.hexdigest()


def _replay(stored: IdempotencyKey) -> Response:
    response = Response(stored.body, status=stored.status, content_type=stored.content_type)
    if stored.location:
        response.headers["Location"] = stored.location
    return response


def clock_time(instant: datetime, zone: ZoneInfo) -> str:
    """A time of day such as 10:25 am."""
    return words.clock_time(instant, zone, _locale())


def window_words(window: Window, zone: ZoneInfo) -> str:
    """An arrival window such as 10 am – 12 pm: never a bare hour."""
    return words.window_words(window.starts_at, window.ends_at, zone, _locale())


def names_words(names: Sequence[str]) -> str:
    """Several names as one, in the reader's language."""
    return words.names_words(names, _locale())


def day_words(on: date, *, year: bool = False, short: bool = False) -> str:
    """A day such as Tuesday, Nov 24."""
    return words.day_words(on, _locale(), year=year, short=short)


def zone_words(zone: ZoneInfo, at: datetime, *, until: datetime | None = None) -> str:
    """A time zone in words: Eastern Standard Time (EST), or Eastern Time if clocks change before `until`."""
    return words.zone_words(zone, at, _locale(), until=until)


def minutes_words(length: timedelta) -> str:
    """A length such as 45 min or 6 h 12."""
    minutes = round(length.total_seconds() / 60)
    if minutes < 60:
        return str(gettext("%(minutes)d min", minutes=minutes))
    return str(gettext("%(hours)d h %(minutes)02d", hours=minutes // 60, minutes=minutes % 60))


def answer_words(said: Mapping[str, Any]) -> str:
    """One of a work order's kept answers in words: What does it burn? Gas."""
    answer, kind = said["answer"], said["kind"]
    if kind == "chips":
        return ", ".join(answer)
    if kind == "also":
        return str(gettext("Also: %(service)s", service=answer))
    if answer in ("yes", "no") and kind in ("yesno", "tried"):
        answer = gettext("yes") if answer == "yes" else gettext("no")
    return f"{said['question']} {answer} {said['unit']}".strip()


def _locale() -> str:
    return str(get_locale())


def day_of(text: str) -> date | None:
    """The day in a text; None for what is no day, or one that no calendar of ours reaches."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year in _YEARS else None


def row_of(text: str) -> int | None:
    """The number of a row in a text; None for what no row can have as its number."""
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_ROW)) else 0
    return number if 0 < number <= MAX_ROW else None


class DayConverter(BaseConverter):
    """A day in an address, such as 2026-11-24."""

    regex = r"\d{4}-\d{2}-\d{2}"

    def to_python(self, value: str) -> date:
        """The day; an address with an impossible one does not exist."""
        day = day_of(value)
        if day is None:
            raise ValidationError
        return day

    def to_url(self, value: date) -> str:
        """The day as it is written in addresses."""
        return value.isoformat()


class RowNumber(IntegerConverter):
    """A number in an address that a database's integer can hold; greater ones are no page."""

    def __init__(self, url_map: Map, **limits: Any) -> None:
        super().__init__(url_map, **{"max": MAX_ROW, **limits})


CONVERTERS: Mapping[str, type[BaseConverter]] = {"day": DayConverter, "int": RowNumber}
"""What may stand between the brackets of a rule, beside what Flask knows."""


def map_tiles() -> dict[str, Any]:
    """What lies below the routes of a map: the imported map, another server's pictures, or nothing."""
    settings = services().settings
    none = {"kind": "none", "url": "", "attribution": {"text": "", "url": None}}
    try:
        manifest = load_manifest(settings.map_path)
    except (MapMissing, MapDamaged):
        return none
    credit = {"text": manifest.attribution.text, "url": manifest.attribution.url}
    if settings.map_tiles == "raster":
        return {"kind": "raster", "url": settings.raster_tiles_url, "attribution": credit}
    url = url_for("root.tiles", name=manifest.data_set) if settings.map_tiles == "pmtiles" else ""
    return {"kind": settings.map_tiles, "url": url, "attribution": credit}


def template_helpers() -> dict[str, Any]:
    """The functions that every template may call."""
    return {
        "clock_time": clock_time,
        "window_words": window_words,
        "day_words": day_words,
        "zone_words": zone_words,
        "minutes_words": minutes_words,
        "new_key": new_key,
        "map_tiles": map_tiles,
        "settings": services().settings,
    }
