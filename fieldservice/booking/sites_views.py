"""Several sites at once: a customer who has proved who they are picks some of their own for one service."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from wtforms import SelectMultipleField

from fieldservice import clock, web
from fieldservice.auth import limits, links
from fieldservice.booking import again, data_views, guard
from fieldservice.booking.forms import cards
from fieldservice.models import Site

bp = Blueprint("sites", __name__)
LEAST, MOST = 2, 10


class SitesForm(FlaskForm):  # type: ignore[misc]
    """Which sites."""

    sites = SelectMultipleField(_("Which sites?"), validate_choice=False)

    def picked(self, known: Sequence[Site]) -> list[Site]:
        """The picked ones of the customer's sites, in their order; the form says what is wrong with none."""
        wanted = [site for site in known if str(site.id) in (self.sites.data or ())]
        if not LEAST <= len(wanted) <= MOST:
            text = _("Choose from %(least)d to %(most)d sites", least=LEAST, most=MOST)
            self.sites.errors = [text]
        return wanted


@bp.get("/visit/<token>/sites")
@limits.LOOKUP
def show(token: str) -> ResponseReturnValue:
    """The customer's own sites; whoever has not entered the code is sent to do so."""
    now = clock.now()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        data_views.require_proof(visit, now)
        return _page(SitesForm(formdata=None), token, again.sites_of(session, visit))


@bp.post("/visit/<token>/sites")
@limits.FORM
def begin(token: str) -> ResponseReturnValue:
    """A new booking for all of them."""
    now, form = clock.now(), SitesForm()
    with web.services().db.reading() as session:
        visit = links.find_visit(session, token, now=now)
        data_views.require_proof(visit, now)
        known = again.sites_of(session, visit)
        valid = form.validate()
        ids = [site.id for site in form.picked(known)]
        if not valid or form.errors:
            return _page(form, token, known), 422

    def work(session: Session) -> ResponseReturnValue:
        visit = links.find_visit(session, token, now=now)
        sites = [session.get_one(Site, site_id) for site_id in ids]
        draft = again.begin(session, visit, now=now, sites=sites, network=guard.network())
        return redirect(url_for("booking.change_problem", token=draft.token), 303)

    return web.once(work, now=now, scope=token)


def _page(form: SitesForm, token: str, known: Sequence[Site]) -> str:
    form.sites.choices = cards((str(site.id), site.one_line) for site in known)
    return render_template("booking/several_sites.html", form=form, token=token, known=known, least=LEAST)


bp.register_error_handler(data_views.NotProven, data_views.not_proven)
