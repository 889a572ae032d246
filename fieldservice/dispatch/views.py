"""The board's pages."""

from flask import Blueprint, render_template

bp = Blueprint("dispatch", __name__)


@bp.get("/")
def today() -> str:
    """The board of today."""
    return render_template("board/day.html")
