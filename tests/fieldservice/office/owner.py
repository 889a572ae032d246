"""An administrator with a browser that runs no script."""

from __future__ import annotations

from flask import Flask

from fieldservice.db import Database
from fieldservice.models import UserRole
from tests.fieldservice.booking.walker import Page
from tests.signing_in import csrf_token, make_user, signed_in


class Owner:
    """An administrator with a browser."""

    def __init__(self, app: Flask, db: Database) -> None:
        self.user = db.run(lambda session: make_user(session, UserRole.ADMIN, name="Olive Owner"))
        self.client = signed_in(app, db, self.user)

    def open(self, path: str) -> Page:
        """A page that there is."""
        answer = self.client.get(path)
        assert answer.status_code == 200
        return Page(answer.text)

    def send(self, path: str, status: int, **fields: object) -> Page:
        """The form of the page with other fields."""
        form = {**self.open(path).fields.to_dict(), **fields, "csrf_token": csrf_token(self.client)}
        answer = self.client.post(path, data=form)
        assert answer.status_code == status, Page(answer.text).text
        return Page(answer.text)
