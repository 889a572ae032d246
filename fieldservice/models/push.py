"""Browsers that asked for notifications: of a technician who is signed in there, or of a customer."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, String, Text, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, object_session, relationship

from fieldservice.db import Base, UtcDateTime, exists_one, lock_rows
from fieldservice.models.message import OutboxMessage, new_message
from fieldservice.notify.push import Device

if TYPE_CHECKING:
    from fieldservice.models.visit import Visit

PUSH = "push"
DEVICE = "device"
TO_BROWSERS = frozenset(
    {
        *("answer", "arrived", "ask", "cancelled", "changed", "choose", "late", "offer", "on_my_way"),
        *("reminder_24h", "reminder_2h", "technician"),
    }
)
"""Messages to customers that are notifications as well: what changes or happens now, and never a code."""
MOST_DEVICES = 8
"""Of one person; who asks on another one loses the oldest."""


class PushDevice(Base):
    """A browser that takes notifications for one user, or for one visit's customer.

    `login` is the hash of the sign-in's token: the end of that login ends the notifications as well. Messages
    name it by its number, which is never given again.
    """

    __tablename__ = "push_device"
    __table_args__ = (
        CheckConstraint("(user_id IS NULL) <> (visit_id IS NULL)", name="owner"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    login: Mapped[str] = mapped_column(String(64), default="", index=True)
    endpoint: Mapped[str] = mapped_column(Text)
    endpoint_hash: Mapped[str] = mapped_column(String(64), index=True)
    p256dh: Mapped[str] = mapped_column(String(120))
    auth: Mapped[str] = mapped_column(String(40))
    locale: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    visit: Mapped[Visit | None] = relationship(back_populates="devices")

    @classmethod
    def of(cls, device: Device, **values: Any) -> PushDevice:
        """A row for a browser."""
        keys = {"endpoint": device.endpoint, "p256dh": device.p256dh, "auth": device.auth}
        return cls(endpoint_hash=hashed(device.endpoint), **keys, **values)

    def tell(self, kind: str, *, occasion: str, now: datetime) -> bool:
        """Write a notification that is about no visit, unless it was written before."""
        session = object_session(self)
        if session is None or self.is_told(session, kind, occasion):
            return False
        message = self._message(kind, occasion)
        message.promise_version, message.due_at, message.next_at = 0, now, now
        session.add(message)
        return True

    def is_told(self, session: Session, kind: str, occasion: str) -> bool:
        """Whether the notification of an occasion was written."""
        key = self._message(kind, occasion).dedupe_key
        return exists_one(session, select(OutboxMessage.id).where(OutboxMessage.dedupe_key == key))

    def _message(self, kind: str, occasion: str) -> OutboxMessage:
        payload = {"locale": self.locale, "owner": self.owner}
        return new_message(occasion, kind, PUSH, str(self.id), role=DEVICE, payload=payload)

    @property
    def owner(self) -> str:
        """Who has asked for notifications here."""
        return f"visit {self.visit_id}" if self.user_id is None else f"user {self.user_id}"

    def is_of(self, message: OutboxMessage) -> bool:
        """Whether a message was written for this browser's owner, and not only for its number."""
        if message.visit_id is not None:
            return self.visit_id == message.visit_id
        return bool(self.owner == message.payload.get("owner"))

    @property
    def device(self) -> Device:
        """Where and how notifications are sent to it."""
        return Device(endpoint=self.endpoint, p256dh=self.p256dh, auth=self.auth)


def subscribe(session: Session, device: Device, *, now: datetime, **owner: Any) -> PushDevice:
    """Send to this browser from now on. `owner` is a user with their login, or a visit; and the language.

    The browser of staff belongs to whoever asked last. A customer's gets the reminders as well that were
    written before.
    """
    visit_id = owner.get("visit_id")
    lock_rows(session, "visit", [visit_id] if visit_id else [])
    same = PushDevice.endpoint_hash == hashed(device.endpoint)
    known = session.scalars(
        select(PushDevice).where(same, PushDevice.visit_id.is_not_distinct_from(visit_id))
    ).first()
    if known is not None and known.user_id == owner.get("user_id"):
        known.login, known.p256dh, known.auth = owner.get("login", ""), device.p256dh, device.auth
        return known
    unsubscribe(session, device.endpoint, visit_id=visit_id)
    theirs = PushDevice.visit_id == visit_id if visit_id else PushDevice.user_id == owner["user_id"]
    old = session.scalars(select(PushDevice).where(theirs).order_by(PushDevice.id.desc())).all()
    for each in old[MOST_DEVICES - 1 :]:
        session.delete(each)
    row = PushDevice.of(device, created_at=now, **owner)
    session.add(row)
    session.flush()
    if row.visit is not None:
        row.visit.remind_on(row, now=now)
    return row


def unsubscribe(session: Session, endpoint: str, *, visit_id: int | None) -> None:
    """Send nothing more to a browser: of a visit's customer, or without one of staff."""
    session.execute(
        delete(PushDevice).where(
            PushDevice.endpoint_hash == hashed(endpoint), PushDevice.visit_id.is_not_distinct_from(visit_id)
        )
    )


def is_notified(session: Session, login: str) -> bool:
    """Whether the browser of this login takes notifications."""
    return exists_one(session, select(PushDevice.id).where(PushDevice.login == login))


def hashed(endpoint: str) -> str:
    """By what an endpoint is found."""
    return hashlib.sha256(endpoint.encode()).hexdigest()


def is_untold(session: Session, user_id: int, kind: str, *, occasion: str) -> bool:
    """Whether a browser of a user lacks the notification of an occasion."""
    occasion = f"user{user_id}:{occasion}"
    devices = session.scalars(select(PushDevice).where(PushDevice.user_id == user_id))
    return any(not device.is_told(session, kind, occasion) for device in devices.all())


def tell_devices(
    session: Session,
    user_id: int,
    kind: str,
    *,
    occasion: str,
    now: datetime,
) -> int:
    """Write a notification to each browser of a user, once for an occasion; returns how many were written."""
    devices = session.scalars(select(PushDevice).where(PushDevice.user_id == user_id)).all()
    return sum(device.tell(kind, occasion=f"user{user_id}:{occasion}", now=now) for device in devices)
