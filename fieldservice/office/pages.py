"""Everything of the office under one roof: its pages, and the sections that stand above each of them."""

from __future__ import annotations

from flask import Flask

from fieldservice.office import (
    answer_views,
    area_views,
    edit_views,
    list_views,
    people_views,
    text_views,
    views,
)
from fieldservice.office.tables import TABLES


def install(app: Flask) -> None:
    """Answer the addresses of the office."""
    app.jinja_env.globals["office_lists"] = TABLES.values
    app.register_blueprint(views.bp)
    app.register_blueprint(edit_views.bp, url_prefix="/office")
    app.register_blueprint(area_views.bp, url_prefix="/office")
    app.register_blueprint(people_views.bp, url_prefix="/office")
    app.register_blueprint(list_views.bp, url_prefix="/office")
    app.register_blueprint(text_views.bp, url_prefix="/office/messages")
    app.register_blueprint(answer_views.bp, url_prefix="/office/answers")
