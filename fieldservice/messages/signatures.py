"""Proof that a gateway sent what came in: one shared secret, in our own form or in Twilio's."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta

OLDEST = timedelta(minutes=5)
TIMESTAMP = "X-Timestamp"
SIGNATURE = "X-Signature"
TWILIO_SIGNATURE = "X-Twilio-Signature"


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The HMAC-SHA256 of time and body, in hexadecimal: what X-Signature carries."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_signed(secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
    """Whether a body was signed with the secret less than five minutes before or after `now`."""
    timestamp, given = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    if not secret or not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 11):
        return False
    if abs(now.timestamp() - int(timestamp)) > OLDEST.total_seconds():
        return False
    return hmac.compare_digest(sign(secret, timestamp, body).encode(), given.encode())


def sign_as_twilio(secret: str, url: str, form: Mapping[str, str]) -> str:
    """The HMAC-SHA1 of the address and the sorted fields, as Twilio's documentation has it."""
    said = url + "".join(f"{name}{form[name]}" for name in sorted(form))
    return base64.b64encode(hmac.new(secret.encode(), said.encode(), hashlib.sha1).digest()).decode()


def is_signed_as_twilio(secret: str, url: str, headers: Mapping[str, str], form: Mapping[str, str]) -> bool:
    """Whether a form was signed with the account's token. It has no time: its name makes it count once."""
    given = headers.get(TWILIO_SIGNATURE, "")
    return bool(secret) and hmac.compare_digest(sign_as_twilio(secret, url, form).encode(), given.encode())
