"""Notifications to a browser that asked for them (Web Push: RFC 8030, 8188, 8291 and 8292).

A browser names the endpoint at which its maker takes notifications for it, so that address comes from
outside: only https, and only to public addresses. What is sent says nothing about anybody, and is encrypted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid

from fieldservice.notify.errors import Gone, Permanent, Temporary
from fieldservice.notify.posting import Answer, NoAnswer, Within, post
from fieldservice.notify.public_address import NotPublic, require_https, resolve

KEPT_FOR = timedelta(hours=12)
"""How long the browser's maker keeps a notification for a device that is off."""
_KEY_OF = b"key that proves who sends notifications"
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of the curve P-256
_TOKEN_LASTS = timedelta(hours=12)
_WITHIN = Within(connect=timedelta(seconds=3), all=timedelta(seconds=9))
_TOPIC_LENGTH = 32
_POINT, _AUTH = 65, 16  # bytes of a browser's key and of its secret
_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, kw_only=True)
class Device:
    """A browser that asked for notifications: where they are sent, and the keys that only it can open."""

    endpoint: str
    p256dh: str
    auth: str

    def require_usable(self, *, local: bool = False) -> None:
        """Raise NotPublic for an endpoint that is none, ValueError for keys that are none."""
        if not local:
            require_https(self.endpoint)
        if len(_bytes(self.auth)) != _AUTH:
            raise ValueError("auth")
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(self.p256dh))


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a notification shows. One with the same `tag` takes its place.

    `page` is where it leads, below the address for which the browser asked, which itself may be a secret.
    """

    title: str
    body: str
    page: str
    tag: str


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One notification to one browser."""

    device: Device
    words: Words
    written_at: datetime


class WebPush:
    """Sends notifications. Its key is made from the product's own secret: every process has the same."""

    def __init__(self, secret: str, contact: str, *, local: bool = False, within: Within = _WITHIN) -> None:
        number = int.from_bytes(hmac.digest(secret.encode(), _KEY_OF, hashlib.sha512))
        self._vapid = Vapid(ec.derive_private_key(number % (_ORDER - 1) + 1, ec.SECP256R1()))
        self._contact = f"mailto:{contact}"
        self.local, self._within = local, within

    @property
    def longest_send(self) -> timedelta:
        """After this time a `send` has returned or raised."""
        return self._within.all

    @property
    def public_key(self) -> str:
        """What a browser is told, so that it takes notifications from us alone."""
        numbers = self._vapid.public_key.public_numbers()
        return _text(b"\x04" + numbers.x.to_bytes(32) + numbers.y.to_bytes(32))

    def send(self, notification: Notification) -> None:
        """Return when the endpoint took it. Raises Gone when the browser wants no more, Temporary, Permanent.

        Whether one whose answer was lost arrived does not matter: sent again, it takes the place of itself.
        """
        device, words = notification.device, notification.words
        try:
            host = urlsplit(device.endpoint).hostname if self.local else require_https(device.endpoint)
            address = host if self.local else resolve(str(host))
        except NotPublic as error:
            raise Permanent(f"refused: {error}") from error
        except OSError as error:
            raise Temporary(f"no address: {type(error).__name__}") from error
        body = _sealed(device, json.dumps(asdict(words), ensure_ascii=False).encode())
        headers = {
            **self._proof(device.endpoint, notification.written_at),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(KEPT_FOR.total_seconds())),
            "Topic": hashlib.sha256(words.tag.encode()).hexdigest()[:_TOPIC_LENGTH],
            "Urgency": "high",
        }
        try:
            answer = post(device.endpoint, str(address), headers, body, within=self._within)
        except NoAnswer as error:
            raise Temporary(str(error)) from error
        _require(answer)

    def _proof(self, endpoint: str, at: datetime) -> dict[str, str]:
        parts = urlsplit(endpoint)
        claims = {
            "aud": f"{parts.scheme}://{parts.netloc}",
            "exp": int((at + _TOKEN_LASTS).timestamp()),
            "sub": self._contact,
        }
        headers: dict[str, str] = self._vapid.sign(claims)
        return headers


def _sealed(device: Device, words: bytes) -> bytes:
    try:
        sealed: bytes = http_ece.encrypt(
            words,
            private_key=ec.generate_private_key(ec.SECP256R1()),
            dh=_bytes(device.p256dh),
            auth_secret=_bytes(device.auth),
            version="aes128gcm",
        )
    except (ValueError, http_ece.ECEException) as error:
        raise Permanent(f"keys that are none: {type(error).__name__}") from error
    return sealed


def _require(answer: Answer) -> None:
    status, wanted = answer.status, answer.retry_after
    if 200 <= status < 300:
        return
    if status in (404, 410):
        raise Gone(str(status))
    if status in _LATER or status >= 500:
        wait = timedelta(seconds=min(int(wanted), 3600)) if wanted.isdecimal() else None
        raise Temporary(str(status), retry_after=wait)
    raise Permanent(str(status))


def _bytes(text: str) -> bytes:
    """Raises ValueError."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
