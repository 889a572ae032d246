"""Who said no after a backup was taken: STOP to texts, addresses that do not work, revoked tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, select
from sqlalchemy.orm import Session

from fieldservice.backup.rows import tables_of
from fieldservice.models import ApiToken, InboundMessage, TextStop, Unreachable

type Row = Mapping[str, Any]


@dataclass(frozen=True)
class Refusals:
    """Rows of the database that is replaced."""

    stops: Sequence[Row] = ()
    unreachable: Sequence[Row] = ()
    revoked: Sequence[Row] = ()

    def write(self, session: Session) -> None:
        """Add those that the restored database does not know; what it knows stays."""
        for stop in self.stops:
            if session.get(TextStop, stop["phone"]) is None:
                proof = _proof(session, stop)
                session.add(
                    TextStop(phone=stop["phone"], stopped_at=stop["stopped_at"], inbound_message_id=proof.id)
                )
        for row in self.unreachable:
            if session.get(Unreachable, (row["channel"], row["address"])) is None:
                session.add(Unreachable(**row))
        revoked = {row["token_hash"]: row["revoked_at"] for row in self.revoked}
        for token in session.scalars(select(ApiToken).where(ApiToken.token_hash.in_(revoked))):
            token.revoked_at = token.revoked_at or revoked[token.token_hash]
        session.flush()


def _proof(session: Session, stop: Row) -> InboundMessage:
    known = session.scalar(
        select(InboundMessage).where(
            InboundMessage.channel == stop["channel"], InboundMessage.provider_key == stop["provider_key"]
        )
    )
    names = ("channel", "provider_key", "sender", "body", "received_at", "outcome")
    proof = known or InboundMessage(**{name: stop[name] for name in names})
    session.add(proof)
    session.flush()
    return proof


def refusals_of(connection: Connection) -> Refusals:
    """What a database says of them, whatever its version."""
    tables = {table.name: table for table in tables_of(connection)}
    stop, inbound = tables.get("text_stop"), tables.get("inbound_message")
    unreachable, token = tables.get("unreachable"), tables.get("api_token")
    found: dict[str, list[Row]] = {}
    if stop is not None and inbound is not None:
        joined = select(inbound, stop).join(stop, stop.c.inbound_message_id == inbound.c.id)
        found["stops"] = _rows(connection, joined)
    if unreachable is not None:
        found["unreachable"] = _rows(connection, select(unreachable))
    if token is not None:
        found["revoked"] = _rows(connection, select(token).where(token.c.revoked_at.is_not(None)))
    return Refusals(**found)


def _rows(connection: Connection, query: Select[Any]) -> list[Row]:
    return [
        {name: _aware(value) for name, value in row.items()} for row in connection.execute(query).mappings()
    ]


def _aware(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
