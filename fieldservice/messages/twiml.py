"""What a phone provider is told to do, as TwiML: only what the menu needs."""

from __future__ import annotations

from enum import Enum
from xml.etree.ElementTree import Element, SubElement, tostring

from fieldservice.notify.translations import language_of

_SPOKEN = {"en": "en-US", "nl": "nl-NL", "da": "da-DK", "pl": "pl-PL", "vi": "vi-VN"}
_VOICES = {"vi": "Google.vi-VN-Standard-A"}
"""Where the provider's own voice does not speak a language."""
_WAIT_S = 6


class Call(Enum):
    """What may end a call."""

    HANG_UP = "Hangup"


class Say:
    """A sentence in the language of a locale."""

    def __init__(self, text: str, locale: str) -> None:
        self.text, self.locale = text, locale

    def add_to(self, parent: Element) -> None:
        """Write it."""
        language = language_of(self.locale)
        said = SubElement(parent, "Say", language=_SPOKEN.get(language, "en-US"))
        if language in _VOICES:
            said.set("voice", _VOICES[language])
        said.text = self.text


class Gather:
    """Sentences during which, and for a moment after which, one key may be pressed, or a number and #."""

    def __init__(self, action: str, *said: Say, number: bool = False) -> None:
        self.action, self.said, self.number = action, said, number

    def add_to(self, parent: Element) -> None:
        """Write it."""
        how = {"input": "dtmf", "timeout": str(_WAIT_S), "method": "POST"}
        how |= {"finishOnKey": "#"} if self.number else {"numDigits": "1"}
        gather = SubElement(parent, "Gather", how | {"action": self.action})
        for sentence in self.said:
            sentence.add_to(gather)


class Redirect:
    """Ask us what comes next."""

    def __init__(self, to: str) -> None:
        self.to = to

    def add_to(self, parent: Element) -> None:
        """Write it."""
        SubElement(parent, "Redirect", method="POST").text = self.to


class Dial:
    """Put the caller through."""

    def __init__(self, phone: str) -> None:
        self.phone = phone

    def add_to(self, parent: Element) -> None:
        """Write it."""
        SubElement(parent, "Dial").text = self.phone


type Verb = Say | Gather | Redirect | Dial | Call


class Response:
    """The verbs in their order."""

    def __init__(self, *verbs: Verb) -> None:
        self.verbs = verbs

    def xml(self) -> bytes:
        """The document."""
        root = Element("Response")
        for verb in self.verbs:
            if isinstance(verb, Call):
                SubElement(root, verb.value)
            else:
                verb.add_to(root)
        return bytes(tostring(root, encoding="utf-8", xml_declaration=True))
