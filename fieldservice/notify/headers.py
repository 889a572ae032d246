"""Headers and bodies of e-mails as text, whatever bytes are in them."""

from __future__ import annotations

from contextlib import suppress
from email.errors import MessageError
from email.header import decode_header
from email.message import Message
from typing import Any

_LONGEST_HEADER = 10_000


def decoded(value: Any) -> str:
    """A header in one line of characters that can be seen; "" for one that is not there."""
    if value is None:
        return ""
    text = str(value)[:_LONGEST_HEADER]
    with suppress(MessageError, ValueError, LookupError):  # a broken encoded word stays as it is written
        text = "".join(_characters(part, charset) for part, charset in decode_header(text))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def payload_text(part: Message) -> str:
    """The characters of a part; what its character set does not know is replaced."""
    content = part.get_payload(decode=True)
    return _characters(content if isinstance(content, bytes) else b"", part.get_content_charset())


def inner_parts(part: Message) -> list[Any]:
    """The parts in a part; none in a leaf, whose content is not looked at: that alone may raise."""
    inner = part.get_payload() if part.is_multipart() else []
    return inner if isinstance(inner, list) else []


def _characters(content: str | bytes, charset: str | None) -> str:
    if isinstance(content, str):
        return content.encode("utf-8", "replace").decode("utf-8")
    try:
        return content.decode(charset or "utf-8", "replace").replace("\x00", "")
    except (LookupError, ValueError):  # no such character set, or one that decodes nothing
        return content.decode("latin-1").replace("\x00", "")
