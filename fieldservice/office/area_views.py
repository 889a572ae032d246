"""Areas and their branches in the browser."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.geo.types import Coordinates
from fieldservice.models import Territory
from fieldservice.office import areas
from fieldservice.office.edit_forms import BranchForm, TerritoryForm
from fieldservice.office.edit_views import admin, change_by, found_row, once, overtaken, page, saved
from fieldservice.office.records import Change, Overtaken
from fieldservice.office.setup import NameTaken

bp = Blueprint("areas", __name__)
_USUAL = {"radius_km": 25, "working_days": list("01234")}


@bp.route("/areas/new", methods=["GET", "POST"])
@admin
def new_area() -> ResponseReturnValue:
    """Another area, with a time zone of its own; it stays the area's."""
    form = TerritoryForm(data=_USUAL if request.method != "POST" else None)
    del form.active
    return _area(form, None)


@bp.route("/areas/<int:number>", methods=["GET", "POST"])
@admin
def area(number: int) -> ResponseReturnValue:
    """Where an area is, when somebody works there, and where customers can come to."""
    with web.services().db.reading() as session:
        row = found_row(session, Territory, number)
        form, centre = _form_of(row), Coordinates(row.centre_lat, row.centre_lon)
    return _area(form, number, centre)


def _form_of(row: Territory, *, shown: bool = False) -> TerritoryForm:
    """The form as it was sent, or (`shown`) as it is before anybody types."""
    known = {**TerritoryForm.known(row), "version": areas.version_of(row)}
    fresh = shown or request.method != "POST"
    more: dict[str, Any] = {"formdata": None} if fresh else {}
    form = TerritoryForm(radius_km=known["radius_km"], data=known if fresh else None, **more)
    del form.time_zone
    return form


def _area(form: TerritoryForm, number: int | None, middle: Coordinates | None = None) -> ResponseReturnValue:
    centre = form.place(web.services().geocoding, middle) if form.validate_on_submit() else None

    def work(session: Session) -> ResponseReturnValue:
        row = Territory() if number is None else found_row(session, Territory, number)
        assert centre is not None  # noqa: S101 - called with one only
        areas.save(session, row, form.values(centre), change_by(form))
        return saved(url(".area", number=row.id))

    if centre is not None:
        try:
            return once(work)
        except NameTaken:
            form.territory.errors = [_("There is an area with this name already")]
        except areas.VisitsAhead:
            form.active.errors = [_("Visits in this area are not over yet")]
        except Overtaken:
            overtaken(form)
    return _page(form, BranchForm(formdata=None), number)


@bp.post("/areas/<int:number>/branches")
@admin
def add_branch(number: int) -> ResponseReturnValue:
    """A place to which customers come with what is to be repaired."""
    form = BranchForm()
    at = form.place(web.services().geocoding) if form.validate() else None
    with web.services().db.reading() as session:
        shown = _form_of(found_row(session, Territory, number), shown=True)
    if at is None:
        return _page(shown, form, number)

    def work(session: Session) -> ResponseReturnValue:
        row, by = found_row(session, Territory, number), Change(clock.now(), auth.actor().label)
        areas.add_branch(session, row, by, name=form.branch.data, address=form.address.data or "", at=at)
        return saved(url(".area", number=number))

    return once(work)


def _page(form: TerritoryForm, branch: BranchForm, number: int | None) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        row = None if number is None else found_row(session, Territory, number)
        shown, status = page(session, "office/area.html", "areas", form, row, branch=branch)
        return shown, 422 if branch.errors else status
