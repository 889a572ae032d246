"""The office's lists in the browser, each as a page and as a CSV file."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request

from fieldservice import auth, clock, web
from fieldservice.models import UserRole
from fieldservice.office import lists
from fieldservice.office.lists import Asked
from fieldservice.office.tables import TABLES
from fieldservice.sheets import csv_file

bp = Blueprint("lists", __name__)

admin = auth.require(UserRole.ADMIN)


@bp.get("/<name>")
@admin
def show(name: str) -> str:
    """One page of a list, as the address asks for it."""
    table = TABLES.get(name) or abort(404)
    asked = Asked.of(table, request.args)
    with web.services().db.reading() as session:
        found = lists.look(session, table, asked)
        return render_template("office/list.html", table=table, asked=asked, found=found)


@bp.get("/<name>.csv")
@admin
def download(name: str) -> Response:
    """All rows that the address asks for, not only those of one page."""
    table = TABLES.get(name) or abort(404)
    with web.services().db.reading() as session:
        rows = lists.everything(session, table, Asked.of(table, request.args))
        on = clock.now().date().isoformat()
        return csv_file(f"{name}-{on}", [column.title for column in table.columns], rows)
