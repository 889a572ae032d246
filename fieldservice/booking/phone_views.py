"""A booking by phone: one screen on which the office finds the customer, asks, offers windows and books."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.booking import again, bookable, edge, intake, pages, phone, places, service
from fieldservice.booking.drafts import SiteAnswers
from fieldservice.booking.edge import Tables
from fieldservice.booking.forms import cards, start_in, tidy
from fieldservice.booking.phone_forms import PhoneForm
from fieldservice.models import Needs, Service, Site, Territory, UserRole, Visit, Window
from fieldservice.notify.translations import locale_in
from fieldservice.planning import service as planning
from fieldservice.planning.improve import improve_later
from fieldservice.planning.windows import window_from

bp = Blueprint("phone", __name__)
staff = auth.require(UserRole.DISPATCHER, UserRole.ADMIN)


@dataclass(frozen=True)
class Call:
    """What the page knows: the services, the caller's site when they were served before, what was typed."""

    services: Sequence[Service]
    site: Site | None
    form: PhoneForm

    @property
    def service(self) -> Service | None:
        """The chosen service."""
        return next((each for each in self.services if each.code == self.form.code), None)

    def needs(self, chosen: Service) -> Needs:
        """What the visit takes after the answers."""
        return intake.evaluate(chosen.intake_questions, self.form.answers_of(chosen.code)).needs(chosen)


@bp.get("")
@staff
def show() -> ResponseReturnValue:
    """Who calls? `q` looks for them, `site` is the one that was found, `new` is for somebody unknown."""
    with web.services().db.reading() as session:
        call = _call(session, bound=False)
    return _page(call)


@bp.get("/found")
@staff
def found() -> ResponseReturnValue:
    """The customers whom the search means, for the list under it."""
    with web.services().db.reading() as session:
        return render_template("board/_phone_found.html", sites=_found(session))


@bp.post("/times")
@staff
def times() -> ResponseReturnValue:
    """The same page with the windows that can be promised now; nothing is stored."""
    with web.services().db.reading() as session:
        call = _call(session)
    return _page(call)


@bp.post("")
@staff
def book() -> ResponseReturnValue:
    """Promise the window, or leave the visit to the board when no time was agreed."""
    with web.services().db.reading() as session:
        call = _call(session)
    form, agreed = call.form, request.form.get("do", "book") == "book"
    valid = form.validate()
    if agreed and not form.window.data and not form.window.errors:
        form.window.errors = [_("Choose an arrival window")]
    site = _located(form.site)
    territory = _territory(site)
    if territory is None:
        form.street.errors = [*form.street.errors, _("We do not come to this address.")]
    if not valid or form.errors or territory is None or call.service is None:
        return _page(call), 422
    window = _window(call.service, territory) if agreed else None
    if agreed and window is None:
        return _page(call), 422
    try:
        return _store(call, site, territory, window)
    except planning.SlotTaken:
        return _page(call, taken=True), 409


def _window(chosen: Service, territory: Territory) -> Window | None:
    starts_at = start_in(request.form.get("window", ""))
    return None if starts_at is None else window_from(starts_at, chosen.window_length, territory.zone)


def _store(call: Call, site: SiteAnswers, territory: Territory, window: Window | None) -> ResponseReturnValue:
    now, scope = clock.now(), f"user:{auth.actor().id}"
    work = partial(_book, call, site, territory.id, window)
    where = _where(call, site, territory, window) if window is not None else None
    if where is None:
        return web.once(lambda session: work(session, {}), now=now, scope=scope)
    return edge.once_with_travel(work, where, now=now, scope=scope)


def _where(call: Call, site: SiteAnswers, territory: Territory, window: Window) -> edge.Where | None:
    """The routes that the booking changes; None while nobody knows where the address is."""
    with web.services().db.reading() as session:
        own = session.get_one(Territory, territory.id)
        chosen = session.get_one(Service, call.service.id) if call.service is not None else None
        ask = planning.ask_for(chosen, own, site.coordinates) if chosen is not None else None
    return None if ask is None else edge.Where(own.id, [own.local_day(window.starts_at)], [ask.place])


def _book(
    call: Call,
    site: SiteAnswers,
    territory_id: int,
    window: Window | None,
    session: Session,
    tables: Tables,
) -> ResponseReturnValue:
    now, form, actor = clock.now(), call.form, auth.actor().label
    answers = service.Answers(
        service=next(each for each in bookable.active_services(session) if each.code == form.code),
        territory=session.get_one(Territory, territory_id),
        site=site,
        window=window,
        requester=form.requester,
        problem=form.problem.data or "",
        questions=form.answers_of(form.code),
        source="phone",
        locale=_locale(session, form),
    )
    if window is None or answers.place is None:
        visit = service.request(session, answers, company=edge.company(), now=now, actor=actor)
        flash(_("Stored without a time. The customer is told one when you place it."))
    else:
        visit = service.book(session, answers, company=edge.company(), tables=tables, now=now, actor=actor)
        improve_later(session, visit, now=now)
        _tell_booked(visit, window)
    if request.form.get("do") == "emergency":
        return redirect(url_for("dispatch.urgent.who", visit_id=visit.id), 303)
    on = answers.territory.local_day(window.starts_at if window else now)
    return redirect(url_for("dispatch.day", on=on, visit=visit.id, territory=territory_id), 303)


def _locale(session: Session, form: PhoneForm) -> str:
    """What the caller chose; else what they spoke before, else the company's."""
    own = web.services().settings.locale
    if form.language.data:
        return locale_in(form.language.data, own)
    return service.spoken_by(session, form.requester) or own


def _tell_booked(visit: Visit, window: Window) -> None:
    zone = visit.territory.zone
    day = web.day_words(window.starts_at.astimezone(zone).date(), short=True)
    words = {"day": day, "window": web.window_words(window, zone), "reference": visit.reference}
    flash(_("Booked: %(day)s, %(window)s, %(reference)s. The confirmation is on its way.", **words))


def _call(session: Session, *, bound: bool = True) -> Call:
    """The page's form, filled in from a known customer or with what was typed."""
    services = bookable.active_services(session)
    asked = request.args.get("site", type=web.row_of)
    site = (session.get(Site, asked) or abort(404)) if asked else None
    kind = PhoneForm.for_services(services)
    options = {
        "country": web.services().settings.country,
        "called_for": frozenset(each.code for each in services if each.calls_back),
        "known": again.site_answers(site) if site is not None else None,
        "data": _data(site),
    }
    return Call(services, site, kind(**options) if bound else kind(formdata=None, **options))


def _data(site: Site | None) -> dict[str, str]:
    if site is None:
        return {}
    return {"name": site.customer.name, "phone": site.customer.phone, "email": site.customer.email}


def _found(session: Session) -> Sequence[Site]:
    asked = "".join(char for char in tidy(request.args.get("q"))[:200] if char.isprintable())
    return phone.find_sites(session, asked)


def _located(site: SiteAnswers) -> SiteAnswers:
    """The site at the place of its address, where that is certain; asked for before any transaction."""
    if site.coordinates is not None or not site.address:
        return site
    address = web.services().geocoding.locate(site.one_line)
    return places.at(site, address) if address is not None and address.certain else site


def _territory(site: SiteAnswers) -> Territory | None:
    with web.services().db.reading() as session:
        return places.territory_of(session, site)


def _page(call: Call, *, taken: bool = False) -> str:
    form = call.form
    offered = _times(call)
    form.window.choices = cards(
        [(pages.slot_value(slot), _slot_words(slot, offered.zone)) for slot in offered.slots]
    )
    with web.services().db.reading() as session:
        sites = _found(session)
    return render_template(
        "board/phone.html",
        form=form,
        site=call.site,
        sites=sites,
        asked=request.args.get("q", ""),
        new=request.args.get("new") == "1",
        services=call.services,
        offered=offered,
        warning=_warning(call),
        terms=_terms(call),
        taken=taken,
    )


def _slot_words(slot: planning.Slot, zone: ZoneInfo) -> str:
    day = web.day_words(slot.window.starts_at.astimezone(zone).date(), short=True)
    return f"{day} · {web.window_words(slot.window, zone)}"


def _times(call: Call) -> phone.Times:
    """What can be promised for the chosen service at the caller's place."""
    chosen, nothing = call.service, phone.Times((), ZoneInfo("UTC"))
    site = _located(call.form.site) if chosen is not None else None
    if chosen is None or site is None or not site.address:
        return nothing
    with web.services().db.reading() as session:
        territory = places.territory_of(session, site)
        if territory is None:
            return nothing
        chosen = session.get_one(Service, chosen.id)
        ask = planning.ask_for(chosen, territory, site.coordinates, changed=call.needs(chosen))
        if ask is None:
            return nothing
        not_before: date | None = call.form.not_before.data
        services = web.services()
        return phone.times(session, ask, not_before, now=clock.now(), tables=services.tables)


def _terms(call: Call) -> str:
    """What a customer is told about cancelling before they choose a window; empty when it costs nothing."""
    chosen = call.service
    if chosen is None or not chosen.late_fee:
        return ""
    before = web.minutes_words(chosen.cancel_cutoff)
    return pages.gettext(
        "Cancelling later than %(before)s ahead costs: %(fee)s.", before=before, fee=chosen.late_fee
    )


def _warning(call: Call) -> str:
    """What customers are told to do instead of booking online, for the office to say it."""
    chosen = call.service
    if chosen is None:
        return ""
    return intake.evaluate(chosen.intake_questions, call.form.answers_of(chosen.code)).call_us or ""
