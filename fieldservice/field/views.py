"""The technician's pages."""

from flask import Blueprint, render_template

bp = Blueprint("field", __name__)


@bp.get("/")
def route() -> str:
    """The route of today."""
    return render_template("field/route.html")
