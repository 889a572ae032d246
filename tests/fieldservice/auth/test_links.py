"""Customers' private links."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth.links import LinkExpired, LinkUnknown, find_visit, make_link, token_of
from fieldservice.models import PrivateLink, Visit
from tests.factories import NOW, make_visit

KEY = "not-a-secret-only-for-tests"
LATER = NOW + timedelta(days=30)


def _linked(session: Session) -> tuple[Visit, str]:
    visit = make_visit(session)
    link = make_link(visit, secret_key=KEY, now=NOW, expires_at=LATER)
    session.flush()
    return visit, token_of(link, KEY)


def test_a_link_opens_its_visit_and_no_other(session: Session) -> None:
    """Two customers' links lead to two visits, as often as they are followed."""
    (first, one), (second, two) = _linked(session), _linked(session)
    assert one != two
    for _ in range(3):
        assert find_visit(session, one, now=NOW) is first
        assert find_visit(session, two, now=NOW) is second
    assert not session.dirty


def test_the_table_does_not_hold_the_token(session: Session) -> None:
    """Neither a row nor the key alone leads to the token, which has 256 bits."""
    _, token = _linked(session)
    link = session.scalars(select(PrivateLink)).one()
    assert token not in (link.nonce, link.token_hash)
    assert token_of(link, "another key") != token
    assert len(token) == 43


def test_a_visit_may_have_several_links(session: Session) -> None:
    """A second message does not break the link in the first."""
    visit, first = _linked(session)
    second = token_of(make_link(visit, secret_key=KEY, now=NOW, expires_at=LATER), KEY)
    session.flush()
    assert find_visit(session, first, now=NOW) is find_visit(session, second, now=NOW) is visit


def test_a_link_runs_out(session: Session) -> None:
    """It opens until just before its end, then it is known and closed."""
    visit, token = _linked(session)
    assert find_visit(session, token, now=LATER - timedelta(seconds=1)) is visit
    with pytest.raises(LinkExpired):
        find_visit(session, token, now=LATER)


@pytest.mark.parametrize(
    "token", ["", "x", "A" * 43, "A" * 44, "A" * 100_000, "\x00" * 43, "é" * 43, "%" * 43, "' OR 1=1 --"]
)
def test_anything_else_opens_nothing(session: Session, token: str) -> None:
    """Guesses and hostile texts are unknown links, on both databases, without an error."""
    _linked(session)
    with pytest.raises(LinkUnknown):
        find_visit(session, token, now=NOW)


def test_a_token_is_compared_as_a_whole(session: Session) -> None:
    """A token with another letter, a missing one or one too many is unknown."""
    _, token = _linked(session)
    wrong = "A" if token[0] != "A" else "B"
    for altered in (wrong + token[1:], token[:-1], token + "A", token + "\n", token.swapcase()):
        with pytest.raises(LinkUnknown):
            find_visit(session, altered, now=NOW)
