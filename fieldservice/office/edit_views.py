"""Services and accounts of the office in the browser: a form for each, with its history."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.auth import sessions
from fieldservice.models import AuditEntry, Branch, Service, Skill, User, UserRole
from fieldservice.office import accounts, offered
from fieldservice.office.edit_forms import AccountForm, RowForm, ServiceForm
from fieldservice.office.records import Change, Overtaken
from fieldservice.office.words import change_words

bp = Blueprint("edit", __name__)

admin = auth.require(UserRole.ADMIN)
_SHOWN = 20


def change_by(form: RowForm) -> Change:
    """The signed-in person's change of what the form showed them."""
    return Change(clock.now(), auth.actor().label, form.seen, sure=bool(form.sure.data))


def found_row(session: Session, entity: Any, number: int) -> Any:
    """A row by its number; answers 404 when there is none."""
    return session.get(entity, number) or abort(404)


def history(session: Session, row: Any) -> list[AuditEntry]:
    """Who changed a row, the newest first."""
    query = select(AuditEntry).where(AuditEntry.subject_kind == row.__tablename__)
    query = query.where(AuditEntry.subject_id == row.id).order_by(AuditEntry.id.desc()).limit(_SHOWN)
    return list(session.scalars(query))


def page(session: Session, template: str, part: str, form: RowForm, row: Any, **more: Any) -> tuple[str, int]:
    """The page of a row, or of one that is to be: 422 when the form is at fault."""
    entries = history(session, row) if row is not None else []
    shown = render_template(
        template, part=part, form=form, row=row, entries=entries, change_words=change_words, **more
    )
    return shown, 422 if form.errors else 200


def overtaken(form: RowForm) -> None:
    """Say that somebody was quicker; what was typed stays on the page."""
    form.form_errors.append(
        _("Somebody else changed this meanwhile. Open the page again and repeat your change.")
    )


def saved(address: str) -> ResponseReturnValue:
    """Back to the page, which says that it was saved."""
    flash(_("Saved."))
    return redirect(address, 303)


# ---------- Services ----------


@bp.route("/services/new", methods=["GET", "POST"])
@admin
def new_service() -> ResponseReturnValue:
    """Offer something that was not offered before."""
    with web.services().db.reading() as session:
        form = _service_form(session, _usual_service())
        del form.position
        if request.method != "POST" or not form.validate():
            return page(session, "office/service.html", "services", form, None)

    def work(writing: Session) -> ResponseReturnValue:
        values = {**form.values, "code": form.code.data}
        service = offered.add(writing, values, form.levels, change_by(form))
        return saved(url(".service", number=service.id))

    try:
        return once(work)
    except offered.CodeTaken:
        form.code.errors = [_("Another service has this code")]
        with web.services().db.reading() as session:
            return page(session, "office/service.html", "services", form, None)


@bp.route("/services/<int:number>", methods=["GET", "POST"])
@admin
def service(number: int) -> ResponseReturnValue:
    """The figures of a service, for what is booked from now on."""
    with web.services().db.reading() as session:
        row = found_row(session, Service, number)
        form = _service_form(session, ServiceForm.known(row))
        del form.code
        if request.method != "POST" or not form.validate():
            return page(session, "office/service.html", "services", form, row)

    def work(writing: Session) -> ResponseReturnValue:
        kept = found_row(writing, Service, number)
        offered.change(writing, kept, form.values, form.levels, change_by(form))
        return saved(url(".service", number=number))

    touched = 0
    try:
        return once(work)
    except Overtaken:
        overtaken(form)
    except offered.InUse as error:
        touched = 0 if error.refused else error.visits
        if error.refused:
            form.place.errors = [
                _("Visits that are booked take place where the service does. Offer another one")
            ]
        else:
            form.form_errors.append(_("Nothing is changed yet"))
    with web.services().db.reading() as session:
        row = found_row(session, Service, number)
        return page(session, "office/service.html", "services", form, row, touched=touched)


def _service_form(session: Session, known: dict[str, Any]) -> ServiceForm:
    skills = session.scalars(select(Skill).order_by(Skill.name, Skill.id))
    branches = [(str(each.id), each.name) for each in session.scalars(select(Branch).order_by(Branch.name))]
    data = known if request.method != "POST" else None
    return ServiceForm.with_skills(skills)(branches=branches, data=data)


def _usual_service() -> dict[str, Any]:
    usual = Service.__table__.columns
    figures = {name: usual[name].default.arg for name in ("horizon_days", "priority")}
    hours = {"lead_time": 2, "reschedule_cutoff": 12, "cancel_cutoff": 12}
    minutes = {"crew": 1, "duration": 60, "setup": 5, "cleanup": 5, "window_length": 120}
    return {**figures, **hours, **minutes, "working_days": list("0123456"), "active": True}


# ---------- Accounts ----------


@bp.route("/accounts/new", methods=["GET", "POST"])
@admin
def new_account() -> ResponseReturnValue:
    """Let somebody else sign in."""
    form = AccountForm(data={"role": UserRole.DISPATCHER} if request.method != "POST" else None)
    del form.active

    def work(writing: Session) -> ResponseReturnValue:
        made = accounts.add(
            writing,
            change_by(form),
            email=form.email.data or "",
            name=form.name.data,
            role=form.chosen,
            password=form.password.data or "",
        )
        return saved(url(".account", number=made.id))

    if form.validate_on_submit():
        try:
            return once(work)
        except auth.UserRefused as error:
            form.refuse(error)
    with web.services().db.reading() as session:
        return page(session, "office/account.html", "accounts", form, None)


@bp.route("/accounts/<int:number>", methods=["GET", "POST"])
@admin
def account(number: int) -> ResponseReturnValue:
    """Another role, another password, or no account any more."""
    with web.services().db.reading() as session:
        row = found_row(session, User, number)
        known = {name: getattr(row, name) for name in ("name", "role", "active", "version")}
        form = AccountForm(data=known if request.method != "POST" else None)
        del form.email

    def work(writing: Session) -> ResponseReturnValue:
        accounts.change(
            writing,
            found_row(writing, User, number),
            change_by(form),
            name=form.name.data,
            role=form.chosen,
            active=form.active.data,
            password=form.password.data or "",
        )
        return saved(url(".account", number=number))

    if form.validate_on_submit():
        try:
            return once(work)
        except auth.UserRefused as error:
            form.refuse(error)
        except Overtaken:
            overtaken(form)
        except accounts.LastAdministrator:
            form.role.errors = [_("Nobody could administer the company any more")]
    with web.services().db.reading() as session:
        logins = sessions.lasting(session, number, now=clock.now())
        row = found_row(session, User, number)
        return page(session, "office/account.html", "accounts", form, row, logins=logins)


@bp.post("/accounts/<int:number>/logins/<int:login>/end")
@admin
def end_login(number: int, login: int) -> ResponseReturnValue:
    """Sign somebody out of a browser that was lost."""

    def work(writing: Session) -> ResponseReturnValue:
        by = Change(clock.now(), auth.actor().label)
        accounts.end_login(writing, found_row(writing, User, number), login, by)
        return saved(url(".account", number=number))

    return once(work)


def once(work: Any) -> ResponseReturnValue:
    """Do the work of a form once, however often it is sent."""
    return web.once(work, now=clock.now(), scope=f"user:{auth.actor().id}")
