"""Social channels, as a company's settings describe them: where in a provider's JSON the messages are.

    {"whatsapp": {"secret": "…", "each": "entry.*.changes.*.value.messages.*", "id": "id", "sender": "from",
                  "text": "text.body", "kind": "type", "sender_is_phone": true}}

A path is names with points between them; `*` stands for each entry of a list.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from typing import Any

from fieldservice.config import SettingError, variable

LONGEST_KEY = 120
LONGEST_ADDRESS = 200
_NAME = re.compile(r"[a-z][a-z0-9]{1,9}")
_OURS = frozenset({"page", "email", "sms", "voice"})
_NEEDED = ("secret", "each", "id", "sender", "text")


@dataclass(frozen=True, kw_only=True)
class SocialChannel:
    """One channel: how its provider signs, where in its JSON things are, and where answers go.

    `skip` is a path that only what nobody wrote has, such as the echo of an own message.
    """

    name: str
    secret: str
    each: str
    id: str
    sender: str
    text: str
    kind: str = ""
    person: str = ""
    skip: str = ""
    sender_is_phone: bool = False
    header: str = "X-Hub-Signature-256"
    verify_token: str = ""
    send_url: str = ""
    send_token: str = ""
    send_from: str = ""

    def is_signed(self, signature: str, body: bytes) -> bool:
        """Whether the body was signed with the secret: HMAC-SHA256, perhaps after `sha256=`."""
        wanted = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted.encode(), signature.removeprefix("sha256=").encode())

    def messages(self, payload: Any) -> list[SocialText]:
        """What people wrote in this payload; statuses, echoes and what lacks a name or sender are none."""
        return [text for found in _at(payload, self.each) if (text := self._message(found)) is not None]

    def _message(self, found: Any) -> SocialText | None:
        key, sender, text = (_word(found, path) for path in (self.id, self.sender, self.text))
        if self.skip and _word(found, self.skip) not in ("", "False"):
            return None
        if not text and self.kind and (kind := _word(found, self.kind)):
            text = f"[{kind[:40]}]"
        fits = 0 < len(key) <= LONGEST_KEY and 0 < len(sender) <= LONGEST_ADDRESS
        if not (fits and text) or "\x00" in key + sender + text:
            return None
        return SocialText(key=key, sender=sender, text=text, person=_word(found, self.person)[:120])


@dataclass(frozen=True, kw_only=True)
class SocialText:
    """What somebody wrote on a social channel; `key` is the provider's name for it."""

    key: str
    sender: str
    text: str
    person: str = ""


@lru_cache
def social_channels(text: str) -> Mapping[str, SocialChannel]:
    """The channels of the setting, by name. Raises SettingError, which names the fault and no secret."""
    if not text.strip():
        return {}
    try:
        described = json.loads(text)
    except ValueError as error:
        raise _fault("is not JSON") from error
    if not isinstance(described, dict):
        raise _fault("is not an object with a channel for each name")
    return {name: _channel(name, values) for name, values in described.items()}


def _channel(name: str, values: Any) -> SocialChannel:
    if not _NAME.fullmatch(name) or name in _OURS:
        raise _fault(f"{name[:20]!r} is no name of a channel: two to ten small letters, not one of our own")
    if not isinstance(values, dict):
        raise _fault(f"{name} is not an object")
    known = {each.name: each.type for each in fields(SocialChannel) if each.name != "name"}
    for key, value in values.items():
        if key not in known:
            raise _fault(f"{name}.{key} is not known; known are {', '.join(known)}")
        if not isinstance(value, bool if known[key] == "bool" else str):
            raise _fault(f"{name}.{key} is not {'true or false' if known[key] == 'bool' else 'a text'}")
    for key in _NEEDED:
        if not values.get(key):
            raise _fault(f"{name}.{key} is missing")
    url = values.get("send_url", "")
    if url and not re.fullmatch(r"https?://[^\s/]+.*", url):
        raise _fault(f"{name}.send_url is not an address that begins with https://")
    return SocialChannel(name=name, **values)


def _fault(what: str) -> SettingError:
    return SettingError(f"{variable('social_channels')}: {what}")


def _at(value: Any, path: str) -> Iterator[Any]:
    """Everything that a path leads to."""
    name, _point, rest = path.partition(".")
    if not name:
        yield value
    elif name == "*":
        for each in value if isinstance(value, list) else ():
            yield from _at(each, rest)
    elif isinstance(value, dict) and name in value:
        yield from _at(value[name], rest)


def _word(value: Any, path: str) -> str:
    """The text or number that a path leads to; "" for none."""
    found = next(_at(value, path), "") if path else ""
    return str(found).strip() if isinstance(found, str | int | float) else ""
