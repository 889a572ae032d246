"""Every setting of the product, read once from the environment."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from pathlib import Path
from typing import Any

_BOUNDS: Mapping[str, tuple[float, float]] = {
    "port": (1, 65535),
    "web_workers": (1, 256),
    "web_threads": (1, 256),
    "worker_processes": (1, 256),
    "freeze_minutes": (0, 1440),
    "hold_minutes": (1, 240),
    "offer_minutes": (5, 1440),
    "optimise_seconds": (0.1, 3600),
    "travel_time_factor": (0.1, 10),
    "guard_drafts": (1, 1_000_000),
    "guard_bookings": (1, 1_000_000),
    "guard_address_bookings": (1, 1_000_000),
    "guard_holds": (1, 1_000_000),
    "answer_minutes": (1, 10_080),
    "office_opens": (0, 23),
    "office_closes": (1, 24),
    "complaint_hours": (1, 720),
    "records_years": (0, 100),
    "approval_hours": (1, 336),
    "quiet_from": (0, 23),
    "quiet_until": (0, 23),
    "digest_hour": (0, 24),
    "ready_sweep_seconds": (0, 86_400),
}
_ORIGIN = re.compile(r"https?://[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?")


class SettingError(Exception):
    """A setting holds a value that cannot be used; the text names the variable and the fault."""


@dataclass(frozen=True)
class Settings:
    """One value per environment variable `FIELDSERVICE_<NAME>`; `docs/operations.md` lists them all."""

    data_dir: Path = field(default=Path("var"), metadata={"help": "Folder of everything the product writes"})
    database_url: str = field(
        default="", metadata={"help": "SQLAlchemy address; empty: SQLite in the data folder", "secret": True}
    )
    broker_url: str = field(
        default="", metadata={"help": "Celery broker; empty: embedded, in the data folder", "secret": True}
    )
    secret_key: str = field(
        default="",
        metadata={"help": "Signs cookies; empty: made once, kept in the data folder", "secret": True},
    )
    company_name: str = field(default="Harbor Heating", metadata={"help": "Name that customers see"})
    company_phone: str = field(default="+1 410 555 0100", metadata={"help": "Number behind every Help link"})
    company_email: str = field(default="office@example.com", metadata={"help": "Sender of messages"})
    country: str = field(default="US", metadata={"help": "Country of phone numbers and addresses"})
    locale: str = field(default="en_US", metadata={"help": "The company's own language and formats"})
    public_url: str = field(
        default="http://localhost:8000", metadata={"help": "Address of the site as customers reach it"}
    )
    behind_proxy: bool = field(default=False, metadata={"help": "Trust one proxy's X-Forwarded headers"})
    host: str = field(default="127.0.0.1", metadata={"help": "Address the web server listens on"})
    port: int = field(default=8000, metadata={"help": "Port the web server listens on"})
    web_workers: int = field(default=2, metadata={"help": "Web processes"})
    web_threads: int = field(default=8, metadata={"help": "Threads per web process"})
    worker_processes: int = field(default=2, metadata={"help": "Background tasks at once"})
    smtp_url: str = field(
        default="",
        metadata={
            "help": "smtp://user:password@host:port or smtps://…; empty: files in the data folder",
            "secret": True,
        },
    )
    reply_email: str = field(
        default="",
        metadata={
            "help": "Mailbox for answers, whose server takes name+mark@; empty: they go to the company's"
        },
    )
    imap_url: str = field(
        default="",
        metadata={
            "help": "imaps://user:password@host:port/INBOX that answers are read from; empty: none is",
            "secret": True,
        },
    )
    mail_secret: str = field(
        default="",
        metadata={"help": "Signs e-mails that a server hands over; empty: none are taken", "secret": True},
    )
    sms_gateway: str = field(
        default="file", metadata={"help": "Text messages: `file`, `http`, `twilio` or `none`"}
    )
    sms_url: str = field(
        default="",
        metadata={"help": "Address of the gateway; for `twilio` with https://SID:TOKEN@", "secret": True},
    )
    sms_token: str = field(
        default="", metadata={"help": "Bearer token for the gateway `http`", "secret": True}
    )
    sms_sender: str = field(default="", metadata={"help": "Number or name that texts come from"})
    sms_secret: str = field(
        default="",
        metadata={"help": "Signs what the gateway reports; empty: replies are not taken", "secret": True},
    )
    push_local: bool = field(
        default=False,
        metadata={"help": "Send notifications to addresses without https, or of the own network: for tests"},
    )
    social_channels: str = field(
        default="",
        metadata={"help": "WhatsApp, Messenger and the like, as JSON: see above", "secret": True},
    )
    voice_secret: str = field(
        default="",
        metadata={"help": "Auth token of the phone provider; empty: no phone menu", "secret": True},
    )
    quiet_from: int = field(
        default=21,
        metadata={"help": "Hour from which texts wait for the morning; the same as the other: none wait"},
    )
    quiet_until: int = field(default=8, metadata={"help": "Hour at which waiting texts are sent"})
    digest_hour: int = field(
        default=18, metadata={"help": "Hour from which tomorrow's digests are sent; 24: none"}
    )
    map_dir: Path | None = field(
        default=None, metadata={"help": "Imported map; empty: `map` in the data folder"}
    )
    map_tiles: str = field(default="pmtiles", metadata={"help": "Base map: `pmtiles`, `raster` or `none`"})
    raster_tiles_url: str = field(default="", metadata={"help": "Address pattern of raster tiles"})
    travel_time_factor: float = field(default=1.0, metadata={"help": "Multiplies the road engine's times"})
    nominatim_url: str = field(default="", metadata={"help": "Nominatim server; empty: not asked"})
    photon_url: str = field(default="", metadata={"help": "Photon server; empty: not asked"})
    rate_limit_storage: str = field(
        default="", metadata={"help": "Where rate limits are counted; empty: memory", "secret": True}
    )
    optimise_seconds: float = field(default=20.0, metadata={"help": "Longest search for a better plan"})
    freeze_minutes: int = field(
        default=30, metadata={"help": "What begins within so many minutes is moved by no search; 0: nothing"}
    )
    hold_minutes: int = field(default=15, metadata={"help": "How long a picked window stays reserved"})
    offer_minutes: int = field(
        default=60, metadata={"help": "How long a window stays reserved for somebody on the waiting list"}
    )

    widget_origins: str = field(
        default="",
        metadata={
            "help": "Sites that may show the booking in a frame, such as https://www.example.com; by commas"
        },
    )

    guard_drafts: int = field(
        default=30, metadata={"help": "Bookings that one network may begin in an hour before it is checked"}
    )
    guard_bookings: int = field(
        default=10, metadata={"help": "Bookings that one network may finish in an hour before it is checked"}
    )
    guard_address_bookings: int = field(
        default=5, metadata={"help": "Bookings with one email or phone in a day before it is checked"}
    )
    guard_holds: int = field(
        default=20, metadata={"help": "Windows that may be reserved for one network at a time"}
    )

    answered_by: str = field(
        default="", metadata={"help": "Who answers customers' questions; empty: the office"}
    )
    answer_minutes: int = field(default=10, metadata={"help": "How long an answer usually takes"})
    office_opens: int = field(default=7, metadata={"help": "Hour from which questions are answered"})
    office_closes: int = field(default=19, metadata={"help": "Hour until which questions are answered"})
    complaint_hours: int = field(
        default=24, metadata={"help": "Within how many hours a complaint is answered"}
    )
    virus_scan_command: str = field(
        default="",
        metadata={
            "help": "Command that looks for viruses in a file, whose path is appended; empty: nobody looks"
        },
    )
    internal_domains: str = field(
        default="", metadata={"help": "Mail domains of internal customers, who give a cost centre; by commas"}
    )
    cost_centre_pattern: str = field(
        default=r"[A-Za-z0-9][A-Za-z0-9-]{1,19}",
        metadata={"help": "Regular expression of a whole cost centre"},
    )
    approval_hours: int = field(
        default=48, metadata={"help": "How many hours a window waits for somebody who has to agree"}
    )
    records_years: int = field(
        default=7, metadata={"help": "How many years the law wants records of the work to be kept"}
    )

    metrics_token: str = field(
        default="",
        metadata={"help": "Lets another machine read `/metrics`; empty: this machine alone", "secret": True},
    )
    ready_sweep_seconds: int = field(
        default=0,
        metadata={
            "help": "How old the last search for due messages may be for `/readyz`; 0: it does not look"
        },
    )

    @property
    def sqlalchemy_url(self) -> str:
        """The database's address with the embedded default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir / 'fieldservice.db'}"

    @property
    def internal_mail_domains(self) -> frozenset[str]:
        """The mail domains of internal customers, in small letters."""
        return frozenset(filter(None, (name.strip().lower() for name in self.internal_domains.split(","))))

    @property
    def freeze(self) -> timedelta:
        """How soon a visit has to begin that no search moves it any more."""
        return timedelta(minutes=self.freeze_minutes)

    @property
    def framing_origins(self) -> tuple[str, ...]:
        """The origins of the sites that may show the booking in a frame."""
        return tuple(filter(None, (origin.strip() for origin in self.widget_origins.split(","))))

    @property
    def map_path(self) -> Path:
        """Folder of the imported map."""
        return self.map_dir or self.data_dir / "map"

    @property
    def files_path(self) -> Path:
        """Folder of photos and documents."""
        return self.data_dir / "files"

    @property
    def virus_scanner(self) -> list[str]:
        """The virus scanner's command and arguments; empty without one."""
        return shlex.split(self.virus_scan_command)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read `FIELDSERVICE_*`; a `<NAME>_FILE` variable names a file that holds the value.

        Raises SettingError for a value of the wrong type or an unreadable file.
        """
        environ = os.environ if environ is None else environ
        values: dict[str, Any] = {}
        for setting in fields(cls):
            text = _text(environ, variable(setting.name))
            if text is not None and text != "":
                values[setting.name] = _parse(setting.name, text)
        # Without a name of its own the site is found where it listens.
        values.setdefault("public_url", f"http://localhost:{values.get('port', cls.port)}")
        settings = cls(**values)
        settings.require_valid()
        return settings

    def require_valid(self) -> None:
        """Raise SettingError when a value is outside what the product can use."""
        for name, (low, high) in _BOUNDS.items():
            if not low <= getattr(self, name) <= high:
                raise SettingError(f"{variable(name)}: {getattr(self, name)} is not between {low} and {high}")
        if self.office_opens >= self.office_closes:
            raise SettingError(
                f"{variable('office_closes')}: {self.office_closes} is not after {self.office_opens}"
            )
        try:
            re.compile(self.cost_centre_pattern)
        except re.error as error:
            raise SettingError(f"{variable('cost_centre_pattern')}: {error}") from error
        for origin in self.framing_origins:
            if not _ORIGIN.fullmatch(origin):
                raise SettingError(
                    f"{variable('widget_origins')}: {origin!r} is no origin such as https://www.example.com"
                )
        self._require_texts()
        try:
            shlex.split(self.virus_scan_command)
        except ValueError as error:
            raise SettingError(f"{variable('virus_scan_command')}: {error}") from error
        if self.map_tiles not in ("pmtiles", "raster", "none"):
            raise SettingError(
                f"{variable('map_tiles')}: {self.map_tiles!r} is not `pmtiles`, `raster` or `none`"
            )

    def _require_texts(self) -> None:
        known = ("file", "http", "twilio", "none")
        if self.sms_gateway not in known:
            raise SettingError(
                f"{variable('sms_gateway')}: {self.sms_gateway!r} is none of {', '.join(known)}"
            )
        if self.sms_gateway not in ("http", "twilio"):
            return
        if not re.fullmatch(r"https?://[^\s/]+.*", self.sms_url):
            # The address itself may hold a password, so it is not repeated.
            raise SettingError(f"{variable('sms_url')}: not an address that begins with https://")
        if self.sms_gateway == "twilio" and not (self.sms_sender and "@" in self.sms_url):
            raise SettingError(
                f"{variable('sms_sender')}: `twilio` needs a sender, and an address such as https://SID:TOKEN@…"
            )


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"FIELDSERVICE_{name.upper()}"


def _text(environ: Mapping[str, str], name: str) -> str | None:
    path = environ.get(f"{name}_FILE")
    if not path:
        return environ.get(name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError(f"{name}_FILE: cannot read {path}: {error.strerror}") from error


def _parse(name: str, text: str) -> Any:
    default_type = _TYPES[name]
    try:
        return default_type(text)
    except ValueError as error:
        raise SettingError(f"{variable(name)}: {text!r} is not {_WORDS[default_type]}") from error


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(text)


def _type_of(annotation: str) -> Any:
    kinds = {"bool": _boolean, "int": int, "float": float, "str": str}
    return kinds.get(annotation, Path)


_TYPES = {setting.name: _type_of(str(setting.type)) for setting in fields(Settings)}
_WORDS = {_boolean: "yes or no", int: "a whole number", float: "a number", str: "text", Path: "a path"}
