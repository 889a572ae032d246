"""What the company says in its messages in place of the product's words."""

from __future__ import annotations

from sqlalchemy import JSON, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fieldservice.db import Base
from fieldservice.notify.texts import Own

TEST = "test"
"""The kind of a message that shows somebody of the office what a text looks like."""


class MessageText(Base):
    """One text in one language for one channel, part by part; without words the product's own one is sent.

    The row stays when the company goes back to the product's text: its history hangs on it.
    """

    __tablename__ = "message_text"
    __table_args__ = (UniqueConstraint("name", "channel", "language"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    channel: Mapped[str] = mapped_column(String(10))
    language: Mapped[str] = mapped_column(String(16))
    words: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}


def own_texts(session: Session) -> Own:
    """All that the company wrote itself."""
    rows = session.scalars(select(MessageText))
    return {(row.name, row.channel, row.language): row.words for row in rows if row.words}
