"""Two technicians exchange their visits: what each exchange would break is shown, then one is made."""

from __future__ import annotations

from datetime import date
from functools import partial

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import edge
from fieldservice.dispatch.action_views import UNDO
from fieldservice.dispatch.edge import Tables, staff
from fieldservice.dispatch.pages import frame
from fieldservice.dispatch.running_forms import SwapForm
from fieldservice.planning import judge
from fieldservice.planning import swap as planning
from fieldservice.planning.rows import plan_of

bp = Blueprint("swap", __name__)


@bp.route("/<day:on>/technicians/<int:technician_id>/swap", methods=["GET", "POST"])
@staff
def show(on: date, technician_id: int) -> ResponseReturnValue:
    """With whom a technician could exchange what they have not begun."""
    if request.method != "POST":
        return _page(on, technician_id)
    with web.services().db.reading() as session:
        territory_id = edge.technician_of(session, technician_id).territory_id
    form = SwapForm()
    if not form.validate():
        abort(422)
    try:
        return edge.with_tables(territory_id, [on], partial(_swap, form, on, technician_id))
    except judge.RuleBroken:
        return _page(on, technician_id, _("That is no longer possible. These are the ways now.")), 422


def _swap(
    form: SwapForm, on: date, technician_id: int, session: Session, tables: Tables
) -> ResponseReturnValue:
    one = edge.technician_of(session, technician_id)
    other = edge.technician_of(session, form.other.data)
    plan = plan_of(session, one.territory, on)
    if plan is None or other.territory_id != one.territory_id:
        raise planning.NothingToSwap
    change = planning.swap_routes(
        session,
        plan,
        one.id,
        other.id,
        plan_version=form.plan_version.data,
        tables=tables,
        now=clock.now(),
        actor=auth.actor().label,
    )
    flash(_("%(one)s and %(other)s have exchanged their visits.", one=one.name, other=other.name), UNDO)
    if told := change.summary["told"]:
        flash(ngettext("%(num)d customer is told.", "%(num)d customers are told.", told))
    return redirect(url("dispatch.day", on=on), code=303)


def _page(on: date, technician_id: int, note: str = "") -> str:
    with web.services().db.reading() as session:
        technician = edge.technician_of(session, technician_id)
        day = edge.day_of(session, technician.territory, on)
        found = planning.swaps(day, technician.id)
        return render_template("board/swap.html", technician=technician, swaps=found, note=note, **frame(day))


@bp.errorhandler(planning.NothingToSwap)
def _nothing(_error: Exception) -> ResponseReturnValue:
    return render_template("board/stale.html"), 409
