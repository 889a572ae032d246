"""Why something was not delivered: each reason asks for a different next step."""

from __future__ import annotations

from datetime import timedelta


class NotDelivered(Exception):
    """The channel could not deliver; the text says why and never holds a password."""


class Temporary(NotDelivered):
    """This message was put off and not delivered; try again, not before `retry_after` if that is given."""

    def __init__(self, text: str, retry_after: timedelta | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Permanent(NotDelivered):
    """This message will never be accepted as it is."""


class Gone(Permanent):
    """Nothing will ever be accepted for this recipient again."""


class Unavailable(NotDelivered):
    """The channel itself does not work: no message is to blame, none was delivered."""


class Unknown(NotDelivered):
    """The connection broke while the message was handed over; it may have been delivered."""


class SwitchedOff(NotDelivered):
    """The company does not use this channel."""
