"""The first run in the browser: administrator, company and area, services, technicians, a test booking."""

from __future__ import annotations

from datetime import time
from typing import Any

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import auth, clock, company, web
from fieldservice.auth import first
from fieldservice.geo.manifest import Manifest, MapDamaged, MapMissing, load_manifest
from fieldservice.geo.types import Coordinates
from fieldservice.models import Service, Skill, Technician, Territory, UserRole
from fieldservice.office import setup
from fieldservice.office.forms import CompanyForm, FirstForm, ServicesForm, TechnicianForm
from fieldservice.office.setup import Area, Step

bp = Blueprint("office", __name__)

admin = auth.require(UserRole.ADMIN)
_ORDINARY_WEEK = "01234"
_USUAL_RADIUS_KM = 25
_PAGES = {
    Step.COMPANY: ".company_step",
    Step.SERVICES: ".services",
    Step.TECHNICIANS: ".technicians",
    Step.READY: ".ready",
}


@bp.route("/setup/<token>", methods=["GET", "POST"])
@auth.limits.LOGIN_ADDRESS
def begin(token: str) -> ResponseReturnValue:
    """Make the first administrator and sign them in; later the link only leads to the sign-in."""
    if not first.is_setup_token(token, web.services().settings.secret_key):
        abort(404)
    form = FirstForm()
    if form.validate_on_submit():
        try:
            user_id = web.services().db.run(lambda session: _first(session, form))
            auth.sign_in(user_id)
            return redirect(url(".steps"), 303)
        except first.AlreadySetUp:
            return redirect(url("security.login"), 303)
        except auth.UserRefused as error:
            form.refuse(error)
    with web.services().db.reading() as session:
        if not first.awaits_administrator(session):
            return redirect(url("security.login"), 303)
    return render_template("office/first.html", form=form), 422 if form.errors else 200


def _first(session: Session, form: FirstForm) -> int:
    return first.add_first_administrator(
        session,
        email=form.email.data,
        name=form.name.data,
        password=form.password.data,
        now=clock.now(),
    ).id


@bp.get("/office/setup")
@admin
def steps() -> ResponseReturnValue:
    """Lead to what is still to be done."""
    with web.services().db.reading() as session:
        return redirect(url(_PAGES[setup.next_step(session)]))


# ---------- Company and area ----------


@bp.route("/office/setup/company", methods=["GET", "POST"])
@admin
def company_step() -> ResponseReturnValue:
    """The company's name and number, and where it works."""
    with web.services().db.reading() as session:
        if request.method != "POST" and setup.next_step(session) != Step.COMPANY:
            return redirect(url(".steps"))
    settings = web.services().settings
    form = CompanyForm(country=settings.country, data=_known() if request.method != "POST" else None)
    if form.validate_on_submit() and (centre := form.place(web.services().geocoding)):
        try:
            answer = _once(lambda session: _found(session, form, centre))
            company.look_now(current_app._get_current_object())  # type: ignore[attr-defined]
            return answer
        except setup.NameTaken:
            form.territory.errors = [_("There is an area with this name already")]
    return _page("company", form)


def _found(session: Session, form: CompanyForm, centre: Coordinates) -> ResponseReturnValue:
    area = Area(
        name=form.territory.data,
        time_zone=form.time_zone.data,
        centre=centre,
        radius_m=form.radius_km.data * 1000,
        working_days="".join(sorted(set(form.working_days.data))),
        holidays=form.holidays.data,
    )
    actor, now = auth.actor().label, clock.now()
    setup.found_company(session, area, name=form.company.data, phone=form.phone.data, now=now, actor=actor)
    return redirect(url(".steps"), 303)


def _known() -> dict[str, Any]:
    """What the imported map knows already."""
    known: dict[str, Any] = {
        "time_zone": "",
        "radius_km": _USUAL_RADIUS_KM,
        "working_days": list(_ORDINARY_WEEK),
        "holidays": web.services().settings.country,
    }
    manifest = _manifest()
    if manifest is None:
        return known
    at = manifest.centre
    known |= {"territory": manifest.name, "latitude": round(at.lat, 5), "longitude": round(at.lon, 5)}
    return known | {"time_zone": manifest.time_zone or ""}


def _manifest() -> Manifest | None:
    try:
        return load_manifest(web.services().settings.map_path)
    except (MapMissing, MapDamaged):
        return None


# ---------- Services ----------


@bp.route("/office/setup/services", methods=["GET", "POST"])
@admin
def services() -> ResponseReturnValue:
    """What can be booked, from templates."""
    form = ServicesForm()
    if form.validate_on_submit():
        return _once(lambda session: _add_services(session, form))
    return _page("services", form)


def _add_services(session: Session, form: ServicesForm) -> ResponseReturnValue:
    setup.add_services(session, form.trades.data, now=clock.now(), actor=auth.actor().label)
    return redirect(url(".steps"), 303)


# ---------- Technicians ----------


@bp.route("/office/setup/technicians", methods=["GET", "POST"])
@admin
def technicians() -> ResponseReturnValue:
    """Who makes the visits, one after the other."""
    with web.services().db.reading() as session:
        territory = session.scalar(select(Territory).where(Territory.active).order_by(Territory.id).limit(1))
        if territory is None:
            return redirect(url(".steps"), 303)
        form = _technician_form(session)
    centre = Coordinates(territory.centre_lat, territory.centre_lon)
    if form.validate_on_submit() and (home := form.place(web.services().geocoding, centre)):
        try:
            return _once(lambda session: _add_technician(session, form, territory.id, home))
        except auth.UserRefused as error:
            form.refuse(error)
    return _page("technicians", form)


def _technician_form(session: Session) -> TechnicianForm:
    skills = session.scalars(select(Skill).order_by(Skill.name, Skill.id)).all()
    usual = {"weekdays": list(_ORDINARY_WEEK), "starts": time(8), "ends": time(17), "lunch": True}
    data = usual | {"skills": [skill.code for skill in skills]}
    country = web.services().settings.country
    return TechnicianForm(country=country, skills=skills, data=data if request.method != "POST" else None)


def _add_technician(
    session: Session, form: TechnicianForm, territory_id: int, home: Coordinates
) -> ResponseReturnValue:
    now, territory = clock.now(), session.get_one(Territory, territory_id)
    user_id = None
    if form.email.data:
        role = UserRole.TECHNICIAN
        user_id = auth.add_user(
            session,
            email=form.email.data,
            name=form.name.data,
            role=role,
            password=form.password.data,
            now=now,
        ).id
    technician = Technician(
        territory_id=territory.id,
        user_id=user_id,
        name=form.name.data,
        phone=form.phone.data or "",
        home_address=form.address.data,
        home_lat=home.lat,
        home_lon=home.lon,
    )
    skills = session.scalars(select(Skill).where(Skill.code.in_(form.skills.data or []))).all()
    setup.add_technician(
        session,
        technician,
        skills,
        form.hours,
        today=territory.local_day(now),
        now=now,
        actor=auth.actor().label,
    )
    return redirect(url(".technicians"), 303)


# ---------- Ready ----------


@bp.get("/office/setup/ready")
@admin
def ready() -> ResponseReturnValue:
    """What there is, and the way to a test booking and to the board."""
    with web.services().db.reading() as session:
        if setup.next_step(session) != Step.READY:
            return redirect(url(".steps"))
    return _page("ready", None)


def _page(name: str, form: Any) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        page = render_template(
            f"office/{name}.html",
            form=form,
            territories=session.scalars(
                select(Territory).where(Territory.active).order_by(Territory.id)
            ).all(),
            offered=session.scalars(select(Service).where(Service.active).order_by(Service.position)).all(),
            people=session.scalars(select(Technician).where(Technician.active).order_by(Technician.id)).all(),
        )
    return page, 422 if form is not None and form.errors else 200


def _once(work: Any) -> Response:
    return web.once(work, now=clock.now(), scope=f"user:{auth.actor().id}")
