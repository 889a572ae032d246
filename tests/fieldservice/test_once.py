"""A POST with a key counts once, whoever sends it again, for a day."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask, redirect
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice import web
from fieldservice.db import Database
from fieldservice.models import Skill
from tests.factories import NOW, number

KEY = "a-key-of-a-form"


class Refused(Exception):
    """The work did not happen."""


def post(app: Flask, *, key: str = KEY, now: datetime = NOW, scope: str = "", refuse: bool = False) -> str:
    """A POST that stores a skill and leads to a page of its own."""

    def work(session: Session) -> object:
        session.add(Skill(code=f"s{number()}", name=name))
        if refuse:
            raise Refused
        return redirect(f"/page/{number()}", 303)

    name = "Gas"
    with app.test_request_context("/try", method="POST", data={"name": name, web.KEY_FIELD: key}):
        return web.once(work, now=now, scope=scope).headers["Location"]


def stored(db: Database) -> int:
    """How many skills there are."""
    with db.reading() as session:
        return session.scalar(select(func.count()).select_from(Skill)) or 0


def test_the_same_form_again_changes_nothing(app: Flask, db: Database) -> None:
    """The second answer is the first one, and there is one row."""
    assert post(app) == post(app)
    assert stored(db) == 1


def test_another_person_has_keys_of_their_own(app: Flask, db: Database) -> None:
    """Positive control: the same key of somebody else counts."""
    assert post(app, scope="a") != post(app, scope="b")
    assert stored(db) == 2


def test_a_key_with_other_content_is_refused(app: Flask, db: Database) -> None:
    """A key that was used for one form is not the answer to another."""
    post(app)
    with (
        app.test_request_context("/try", method="POST", data={"name": "Water", web.KEY_FIELD: KEY}),
        pytest.raises(web.KeyReused),
    ):
        web.once(lambda _session: redirect("/"), now=NOW)
    assert stored(db) == 1


@pytest.mark.parametrize("key", ["", "short", "x" * 256, "a-key-with-a-\x00"])
def test_a_post_without_a_usable_key_is_refused(app: Flask, db: Database, key: str) -> None:
    """What cannot be told apart from a second sending is not done at all."""
    with pytest.raises(web.BadKey):
        post(app, key=key)
    assert stored(db) == 0


def test_a_refusal_is_not_remembered(app: Flask, db: Database) -> None:
    """The form that was refused may be sent again, and counts then."""
    with pytest.raises(Refused):
        post(app, refuse=True)
    post(app)
    assert stored(db) == 1


def test_keys_are_forgotten_after_a_week(app: Flask, db: Database) -> None:
    """Answers lead to private pages: none is kept for longer than a form may be sent again."""
    first = post(app)
    week = timedelta(days=7)
    db.run(lambda session: web.drop_old_keys(session, now=NOW + week - timedelta(seconds=1)))
    assert post(app) == first
    db.run(lambda session: web.drop_old_keys(session, now=NOW + week))
    assert post(app) != first
