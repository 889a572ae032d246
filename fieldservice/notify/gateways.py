"""Text messages over HTTP: a gateway of the company's own, or one that speaks as Twilio does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

import requests

from fieldservice.notify.errors import Permanent, Temporary, Unavailable, Unknown
from fieldservice.notify.sms import Text

_CONNECT_S = 5.0
_ANSWER_S = 15.0
_SET_UP = frozenset({401, 403, 404, 405})  # the address or the password is wrong, not the message
_LATER = frozenset({408, 425, 429, 503})  # said before the text was accepted
_LONGEST_WORDS = 200


@dataclass(frozen=True)
class HttpSms:
    """Sends each text as JSON: `key`, `from`, `to`, `text`, and `channel` where it is a social one.

    The key is in the header Idempotency-Key, too: a gateway that knows it answers 2xx and sends nothing.
    """

    url: str
    token: str = ""
    sender: str = ""
    channel: str = ""
    connect_s: float = _CONNECT_S
    answer_s: float = _ANSWER_S
    knows_keys: bool = True

    @property
    def longest_send(self) -> timedelta:
        """After this time a `send` has returned or raised."""
        return timedelta(seconds=self.connect_s + self.answer_s)

    def send(self, text: Text) -> None:
        """Return when the gateway says 2xx; raises one of `notify.errors`."""
        headers = {"Idempotency-Key": text.key}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        content = {"key": text.key, "from": self.sender, "to": text.recipient, "text": text.text}
        content |= {"channel": self.channel} if self.channel else {}
        _post(self.url, (self.connect_s, self.answer_s), headers=headers, json=content)


@dataclass(frozen=True)
class TwilioSms:
    """Sends each text as a form with `From`, `To` and `Body`, as Twilio's Messages resource wants it.

    `url` is https://SID:TOKEN@host/2010-04-01/Accounts/SID/Messages.json. There is no key that such a gateway
    would know again, so a text whose fate is unknown is not sent again.
    """

    url: str
    sender: str
    connect_s: float = _CONNECT_S
    answer_s: float = _ANSWER_S
    knows_keys: bool = False

    @property
    def longest_send(self) -> timedelta:
        """After this time a `send` has returned or raised."""
        return timedelta(seconds=self.connect_s + self.answer_s)

    def send(self, text: Text) -> None:
        """Return when the gateway says 2xx; raises one of `notify.errors`."""
        address, user, password = _apart(self.url)
        form = {"From": self.sender, "To": text.recipient, "Body": text.text}
        _post(address, (self.connect_s, self.answer_s), auth=(user, password), data=form)


def _post(url: str, timeout: tuple[float, float], **content: Any) -> None:
    try:
        answer = requests.post(url, timeout=timeout, allow_redirects=False, **content)
    except (requests.ConnectTimeout, requests.exceptions.SSLError) as error:
        raise Unavailable(_where(url, error)) from error
    except requests.ConnectionError as error:
        # A refused connection had no text on it; one that broke may have had all of it.
        kind = Unavailable if _never_connected(error) else Unknown
        raise kind(_where(url, error)) from error
    except requests.RequestException as error:
        raise Unknown(_where(url, error)) from error
    _require(answer)


def _require(answer: requests.Response) -> None:
    """Raise what the status means; a server's own fault says nothing about the text."""
    status = answer.status_code
    if 200 <= status < 300:
        return
    words = f"{status} {' '.join(answer.text.split())}"[:_LONGEST_WORDS]
    if status in _SET_UP or 300 <= status < 400:
        raise Unavailable(words)
    if status in _LATER:
        raise Temporary(words, retry_after=_retry_after(answer.headers))
    if status >= 500:
        raise Unknown(words)
    raise Permanent(words)


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The wait that an answer asks for, in seconds or until an instant of the server's own clock."""
    wanted = headers.get("Retry-After", "")
    if wanted.isdecimal():
        return timedelta(seconds=min(int(wanted), 86_400))
    try:
        until, said = parsedate_to_datetime(wanted), parsedate_to_datetime(headers["Date"])
        return min(max(_utc(until) - _utc(said), timedelta(0)), timedelta(days=1))
    except (KeyError, TypeError, ValueError):
        return None


def _utc(instant: datetime) -> datetime:
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _never_connected(error: requests.ConnectionError) -> bool:
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return type(reason).__name__ in ("NewConnectionError", "NameResolutionError")


def _where(url: str, error: Exception) -> str:
    """The gateway's host and what failed; never the address, which may hold a password."""
    return f"{urlsplit(url).hostname}: {type(error).__name__}"


def _apart(url: str) -> tuple[str, str, str]:
    """An address without its user and password, and these."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    place = f"{host}:{parts.port}" if parts.port else host
    bare = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
    return bare, unquote(parts.username or ""), unquote(parts.password or "")
