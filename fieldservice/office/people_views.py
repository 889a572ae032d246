"""Technicians of the office in the browser: details, skills, usual hours and single days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.geo.types import Coordinates
from fieldservice.models import Skill, Technician, Territory, User, UserRole, Visit
from fieldservice.office import people
from fieldservice.office.edit_forms import ExceptionForm, PersonForm, RowForm
from fieldservice.office.edit_views import admin, change_by, found_row, history, once, overtaken, saved
from fieldservice.office.people import Misfit, Touches
from fieldservice.office.records import Overtaken
from fieldservice.office.words import change_words
from fieldservice.plan_words import weekday_name
from fieldservice.planning.rows import visit_options

bp = Blueprint("people", __name__)
_NAMED = 20
"""Planned visits that are named; the others are counted."""


@bp.route("/technicians/<int:number>", methods=["GET", "POST"])
@admin
def technician(number: int) -> ResponseReturnValue:
    """Who somebody is, what they can do, and when they usually work."""
    with web.services().db.reading() as session:
        row = found_row(session, Technician, number)
        form, single = _person_form(session, row), _exception_form(row, None)
        known = Coordinates(row.home_lat, row.home_lon)
        if request.method != "POST" or not form.validate():
            return _page(session, row, form, single)
        stays = form.address.data == row.home_address and form.latitude.data is form.longitude.data is None
    home = known if stays else form.place(web.services().geocoding, known)
    if home is None:
        with web.services().db.reading() as session:
            return _page(session, found_row(session, Technician, number), form, single)
    place = {"home_address": form.address.data or "", "home_lat": home.lat, "home_lon": home.lon}

    def work(writing: Session) -> None:
        people.change(writing, found_row(writing, Technician, number), form.likeness(place), change_by(form))

    return _save(work, number, form, lambda session, row: (form, _exception_form(row, None)))


@bp.post("/technicians/<int:number>/days")
@admin
def day(number: int) -> ResponseReturnValue:
    """Other hours on one day, a day off, or the usual hours again."""
    with web.services().db.reading() as session:
        row = found_row(session, Technician, number)
        single = _exception_form(row, request.form)
        if not single.validate():
            return _page(session, row, _person_form(session, row, shown=True), single)

    def work(writing: Session) -> None:
        kept, by = found_row(writing, Technician, number), change_by(single)
        if single.do.data == "usual":
            people.as_usual_on(writing, kept, single.on.data, by)
        else:
            people.except_on(writing, kept, single.on.data, single.shift, single.reason.data or "", by)

    return _save(work, number, single, lambda session, row: (_person_form(session, row, shown=True), single))


type Forms = Callable[[Session, Technician], tuple[PersonForm, ExceptionForm]]


def _save(work: Callable[[Session], None], number: int, form: RowForm, forms: Forms) -> ResponseReturnValue:
    def attempt(session: Session) -> ResponseReturnValue:
        work(session)
        return saved(url(".technician", number=number))

    misfits: list[Misfit] = []
    try:
        return once(attempt)
    except Touches as error:
        misfits = list(error.misfits)
    except people.AtWork:
        form.form_errors.append(
            _("Somebody is on a visit, or a customer is booking a window with them. Try again later.")
        )
    except people.LaterHours as error:
        later = web.day_words(error.on, year=True)
        form["from_on"].errors = [
            _("Other hours are planned from %(day)s. Choose that day or a later one", day=later)
        ]
    except Overtaken:
        overtaken(form)
    with web.services().db.reading() as session:
        row = found_row(session, Technician, number)
        return _page(session, row, *forms(session, row), asked=form, misfits=misfits)


def _page(
    session: Session,
    row: Technician,
    form: PersonForm,
    single: ExceptionForm,
    *,
    asked: RowForm | None = None,
    misfits: list[Misfit] | None = None,
) -> ResponseReturnValue:
    today = row.territory.local_day(clock.now())
    shown = render_template(
        "office/technician.html",
        part="technicians",
        row=row,
        form=form,
        single=single,
        asked=asked,
        misfits=misfits or [],
        named=_visits(session, (misfits or [])[:_NAMED]),
        days=[(number, weekday_name(number)) for number in range(7)],
        skills=session.scalars(select(Skill).order_by(Skill.name, Skill.id)).all(),
        exceptions=sorted(
            (each for each in row.shift_overrides if each.on >= today), key=lambda each: each.on
        ),
        later=people.later_weeks(row, today),
        entries=history(session, row),
        change_words=change_words,
        zone=row.territory.zone,
    )
    return shown, 422 if form.errors or single.errors or misfits else 200


def _visits(session: Session, misfits: list[Misfit]) -> list[tuple[date, Visit]]:
    """The visits of misfits with the day of each, in the order in which they are planned."""
    days = {each.visit_id: each.on for each in misfits}
    found = session.scalars(select(Visit).where(Visit.id.in_(days)).options(*visit_options()))
    visits = {visit.id: visit for visit in found}
    return [(on, visits[number]) for number, on in days.items() if number in visits]


def _person_form(session: Session, row: Technician, *, shown: bool = False) -> PersonForm:
    """The form as it was sent, or (`shown`) as it is before anybody types."""
    today = row.territory.local_day(clock.now())
    fresh = shown or request.method != "POST"
    known = {**PersonForm.known(row, people.week_of(row, today)), "from_on": today}
    taken = select(Technician.user_id).where(Technician.user_id.is_not(None), Technician.id != row.id)
    free = select(User).where(
        or_(User.role == UserRole.TECHNICIAN, User.id == row.user_id), User.id.not_in(taken), User.active
    )
    more: dict[str, Any] = {"formdata": None} if fresh else {}
    return PersonForm.of(session.scalars(select(Skill).order_by(Skill.name, Skill.id)))(
        country=web.services().settings.country,
        territories=[
            (str(each.id), each.name) for each in session.scalars(select(Territory).order_by(Territory.name))
        ],
        accounts=[(str(each.id), f"{each.name} · {each.email}") for each in session.scalars(free)],
        today=today,
        data=known if fresh else None,
        **more,
    )


def _exception_form(row: Technician, sent: Any) -> ExceptionForm:
    today: date = row.territory.local_day(clock.now())
    data = {"version": row.version} if sent is None else None
    return ExceptionForm(today=today, formdata=sent, data=data)
