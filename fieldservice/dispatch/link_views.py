"""Visits that follow each other: which one comes first, how long after it, and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge
from fieldservice.dispatch.action_views import UNDO
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.link_forms import LinkForm, UnlinkForm
from fieldservice.dispatch.pages import frame
from fieldservice.dispatch.wording import Wording, title
from fieldservice.models import Visit
from fieldservice.planning import judge, linking
from fieldservice.planning.problem import Day

bp = Blueprint("link", __name__)


@bp.route("/<day:on>/visits/<int:visit_id>/links", methods=["GET", "POST"])
@staff
def show(on: date, visit_id: int) -> ResponseReturnValue:
    """Let a visit follow another one: its customer's, or any of the day."""
    form = LinkForm()
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        day = edge.day_of(session, visit.territory, on)
        choices = linking.linkable(session, visit, day.visits)
        form.first.choices = [(str(each.id), _choice(each, day)) for each in choices]
    if not form.is_submitted():
        return _page(form, on, visit_id)
    if not form.validate():
        return _page(form, on, visit_id), 422
    try:
        return edge.change_visit(visit_id, [on], partial(_link, form, on, visit_id))
    except linking.GoesInCircles:
        form.first.errors = [_("That one follows this visit already.")]
    except judge.RuleBroken as error:
        return _page(form, on, visit_id, error), 422
    return _page(form, on, visit_id), 422


def _link(form: LinkForm, on: date, visit_id: int, session: Session, tables: Tables) -> ResponseReturnValue:
    visit, first = (edge.visit_of(session, number) for number in (visit_id, int(form.first.data)))
    linking.link_visits(
        session, visit, first, form.tie, on=on, tables=tables, now=clock.now(), actor=auth.actor().label
    )
    flash(_("Linked: it follows %(title)s.", title=title(first)), UNDO)
    return redirect(url("dispatch.day", on=on, visit=visit.id), code=303)


@bp.post("/<day:on>/visits/<int:visit_id>/unlink")
@staff
def unlink(on: date, visit_id: int) -> ResponseReturnValue:
    """A visit no longer follows another one."""
    form = UnlinkForm()
    if not form.validate():
        abort(422)
    try:
        return edge.change_visit(visit_id, [on], partial(_unlink, form, on, visit_id))
    except linking.NotLinked:
        flash(_("They were not linked any more."))
        return redirect(url("dispatch.day", on=on, visit=visit_id), code=303)


def _unlink(
    form: UnlinkForm, on: date, visit_id: int, session: Session, tables: Tables
) -> ResponseReturnValue:
    visit, first = (edge.visit_of(session, number) for number in (visit_id, form.first.data))
    linking.link_visits(
        session, visit, first, None, on=on, tables=tables, now=clock.now(), actor=auth.actor().label
    )
    flash(_("No longer linked to %(title)s.", title=title(first)), UNDO)
    return redirect(url("dispatch.day", on=on, visit=visit.id), code=303)


def _page(form: LinkForm, on: date, visit_id: int, refused: judge.RuleBroken | None = None) -> str:
    with web.services().db.reading() as session:
        visit = edge.visit_of(session, visit_id)
        day = edge.day_of(session, visit.territory, on)
        why = _why(day, visit, refused.violations) if refused else []
        return render_template("board/link.html", visit=visit, form=form, why=why, **frame(day))


def _why(day: Day, visit: Visit, broken: Sequence[object]) -> list[str]:
    wording = Wording(day)
    return [wording.broken(each, visit) for each in broken]  # type: ignore[arg-type]


def _choice(visit: Visit, day: Day) -> str:
    """A visit as a dispatcher tells it from others: whose, what, when."""
    zone = day.rows.territory.zone
    when = visit.stop.starts_at if visit.stop else visit.window.starts_at if visit.window else None
    parts = [visit.work_order.customer.name, title(visit)]
    if when is not None:
        local = day.rows.territory.local_day(when)
        parts.append("" if local == day.rows.on else web.day_words(local, short=True))
        parts.append(web.clock_time(when, zone))
    return " · ".join(filter(None, parts))
