"""The second screen: where to come. Addresses are looked up before any transaction begins."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.auth import limits
from fieldservice.booking import drafts, pages, places
from fieldservice.booking.drafts import Draft, SiteAnswers
from fieldservice.booking.forms import AddressForm, PlaceForm, tidy
from fieldservice.booking.waiting_forms import WishForm
from fieldservice.geo.address import Address
from fieldservice.models import Place
from fieldservice.planning import service as planning

bp = Blueprint("address", __name__)


@bp.get("/book/address-suggestions")
@limits.LOOKUP
def suggestions() -> str:
    """Addresses that begin like what was typed so far."""
    typed = "".join(char for char in tidy(request.args.get("q"))[:200] if char.isprintable())
    country = web.services().settings.country
    matches = web.services().geocoding.suggest(typed, limit=6)
    found = [places.with_typed_number(address, typed, country) for address in matches]
    with web.services().db.reading() as session:
        inside = [planning.territory_at(session, address.coordinates) is not None for address in found]
    return render_template("booking/_suggestions.html", found=list(zip(found, inside, strict=True)))


@bp.get("/book/<token>/address")
def show(token: str) -> ResponseReturnValue:
    """Where should we come? `?by=` asks for the known address, or for another by `search` or by `hand`."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now())
        branch = places.branch_of(session, draft.service)
    if branch is not None:
        return render_template("booking/branch.html", draft=draft, branch=branch, **_step())
    known = draft.answers.site
    by = request.args.get("by", "")
    if draft.answers.saved_sites and not by:
        return redirect(url_for("booking.returning.sites", token=token))
    if by not in ("search", "hand"):
        by = "known" if known is not None and draft.territory is not None else "search"
    return _page(draft, _filled_form(known, by))


@bp.post("/book/<token>/address")
@limits.FORM
def keep(token: str) -> ResponseReturnValue:
    """Store the address, if it is clear which one is meant; `find` only looks it up."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now())
    finding = "find" in request.form
    form = AddressForm(with_access=not finding and draft.service.place == Place.ON_SITE)
    if not form.validate():
        return _page(draft, form), 422
    site = form.to_site(draft.answers.site, web.services().settings.country)
    if form.pin is not None and site.coordinates is not None:
        try:
            site = places.pin(site, form.pin)
        except places.PinTooFar:
            form.form_errors.append(gettext("The pin is too far from the address. Put it on your house"))
            return _page(draft, form), 422
    if not form.written:
        return _store(token, site, ".show" if finding else "")
    address = web.services().geocoding.locate(form.written)
    if address is None or not address.certain:
        return _store(token, site, ".check", settled=False)
    return _store(token, places.at(site, address), ".show" if finding else "")


@bp.get("/book/<token>/address/check")
@limits.LOOKUP
def check(token: str) -> ResponseReturnValue:
    """Which of the places that were found is meant?"""
    draft, found = _written(token)
    return _check_page(draft, found, _place_form(found))


@bp.post("/book/<token>/address/check")
@limits.FORM
def settle(token: str) -> ResponseReturnValue:
    """Store the chosen place, or leave the address as it was written to the office."""
    draft, found = _written(token)
    form = _place_form(found)
    if not form.validate():
        return _check_page(draft, found, form), 422
    site = _site(draft)
    meant = next((address for address in found if address.label == form.place.data), None)
    return _store(token, places.chosen(site, meant) if meant else site, ".show" if meant else "")


@bp.post("/book/<token>/branch")
@limits.FORM
def keep_branch(token: str) -> ResponseReturnValue:
    """The customer comes to us."""
    with web.services().db.reading() as session:
        branch = places.branch_of(session, drafts.find(session, token, now=clock.now()).service)
    if branch is None:
        return redirect(url_for(".show", token=token), 303)
    return _store(token, places.at_branch(branch, web.services().settings.country), "")


@bp.get("/book/<token>/outside")
def outside(token: str) -> ResponseReturnValue:
    """The company does not come there; not an error."""
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now())
    noted = request.args.get("noted") == "1"
    return render_template(
        "booking/outside.html", site=_site(draft), draft=draft, form=WishForm(), noted=noted, **_step()
    )


def _store(token: str, site: SiteAnswers, endpoint: str, *, settled: bool = True) -> ResponseReturnValue:
    """Keep the site. Without an `endpoint` the flow goes on to what is not answered yet."""
    now = clock.now()

    def work(session: Session) -> ResponseReturnValue:
        draft = drafts.find(session, token, now=now, lock=True)
        territory = places.territory_of(session, site) if settled else None
        drafts.keep(draft, site=site, territory_id=territory.id if territory else None)
        target = ".outside" if settled and territory is None else endpoint or "booking.confirm"
        return redirect(url_for(target, token=token), 303)

    return web.once(work, now=now, scope=token)


def _written(token: str) -> tuple[Draft, list[Address]]:
    with web.services().db.reading() as session:
        draft = drafts.find(session, token, now=clock.now())
    return draft, places.candidates(web.services().geocoding, _site(draft).one_line)


def _site(draft: Draft) -> SiteAnswers:
    if draft.answers.site is None:
        raise drafts.DraftIncomplete(draft.token, "address")
    return draft.answers.site


def _filled_form(site: SiteAnswers | None, by: str) -> AddressForm:
    if site is None:
        return AddressForm(data={"by": by})
    return AddressForm(
        data={
            "by": by,
            "q": site.one_line,
            "street": site.address,
            "city": site.city,
            "postcode": site.postcode,
            "unit": site.unit,
            "access_kind": site.access_kind,
            "access_notes": site.access_notes,
        }
    )


def _page(draft: Draft, form: AddressForm) -> str:
    site = draft.answers.site
    return render_template(
        "booking/address.html",
        form=form,
        draft=draft,
        site=site if form.by.data == "known" else None,
        asks_access=draft.service.place == Place.ON_SITE,
        **_step(),
    )


def _place_form(found: list[Address]) -> PlaceForm:
    return PlaceForm.for_places([(address.label, pages.match_words(address)) for address in found])()


def _check_page(draft: Draft, found: list[Address], form: PlaceForm) -> str:
    return render_template(
        "booking/check.html", form=form, draft=draft, found=found, site=_site(draft), **_step()
    )


def _step() -> dict[str, object]:
    return {"step": 2, "steps": pages.step_names()}
