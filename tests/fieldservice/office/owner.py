"""An administrator with a browser that runs no script."""

from __future__ import annotations

from flask import Flask
from werkzeug.datastructures import MultiDict

from fieldservice.db import Database
from fieldservice.models import UserRole
from fieldservice.web import new_key
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
        """The form of the page with other fields; None leaves one out."""
        return self.post(path, status, **{**self.form(path).to_dict(flat=False), **fields})

    def form(self, path: str) -> MultiDict[str, str]:
        """The fields of the form of a page that is sent to the page itself."""
        for form in self.open(path).html.split("<form")[1:]:
            tag = form.partition(">")[0]
            if 'method="post"' in tag and ("action=" not in tag or f'action="{path}"' in tag):
                return Page(f"<form{form.partition('</form>')[0]}").fields
        raise AssertionError(f"no form on {path}")

    def post(self, path: str, status: int, **fields: object) -> Page:
        """A form with these fields, whatever the page has."""
        form = {name: value for name, value in fields.items() if value is not None}
        form |= {
            "csrf_token": csrf_token(self.client),
            "idempotency_key": form.get("idempotency_key") or new_key(),
        }
        answer = self.client.post(path, data=form)
        assert answer.status_code == status, Page(answer.text).text
        return Page(answer.text)
