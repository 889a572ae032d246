"""The board's pages: the day, one visit, moves, proposals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    flash,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
)
from flask import url_for as url
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import auth, clock, web
from fieldservice.dispatch import service
from fieldservice.dispatch.day import Board, board_of
from fieldservice.dispatch.forms import BoardForm, LocateForm, MoveForm, PinForm, PlanForm
from fieldservice.dispatch.wording import Wording, names_of
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Job, Plan, PlanChange, Proposal, Territory, UserRole, Visit
from fieldservice.planning import changes, improve, jobs, judge
from fieldservice.planning.lines import collection
from fieldservice.planning.problem import build, visit_id
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import days_of_visit, table_of, with_travel
from fieldservice.planning.why import why

bp = Blueprint("dispatch", __name__)
staff = auth.require(UserRole.DISPATCHER, UserRole.ADMIN)


@bp.get("/")
@staff
def today() -> ResponseReturnValue:
    """The board of today, or of the day that a date field asks for."""
    with web.services().db.reading() as session:
        asked = request.args.get("day", type=web.day_of)
        on = asked or _territory(session).local_day(clock.now())
    return redirect(url(".day", on=on, territory=request.args.get("territory")))


@bp.get("/<day:on>")
@staff
def day(on: date) -> ResponseReturnValue:
    """The whole board; `visit` selects a bar, `proposal` shows what the optimiser found."""
    with web.services().db.reading() as session:
        return _render(session, "board/day.html", on)


@bp.get("/<day:on>/live")
@staff
def live(on: date) -> ResponseReturnValue:
    """The parts that change, for the poll; 304 before anything else is read when nothing did."""
    now = clock.now()
    with web.services().db.reading() as session:
        territory = _territory(session)
        response = make_response()
        response.set_etag(_etag(session, territory, on, now))
        response.cache_control.private, response.cache_control.no_cache = True, True
        if response.make_conditional(request).status_code == 304:
            return response
        response.set_data(_render(session, "board/_live.html", on))
        return response


@bp.get("/<day:on>/routes.geojson")
@staff
def routes(on: date) -> ResponseReturnValue:
    """The routes of the day for the map."""
    now, joined = clock.now(), web.services()
    with joined.db.reading() as session:
        territory = _territory(session)
        response = make_response()
        response.set_etag(f"r-{territory.id}-{service.version_of(session, territory.id, on)}")
        response.cache_control.private, response.cache_control.no_cache = True, True
        if response.make_conditional(request).status_code == 304:
            return response
        rows = load_day(session, territory, on, now=now)
        found = service.route_features(build(rows, table_of(joined.tables, rows)), joined.travel)
        etag = response.get_etag()[0]
    answer = jsonify(collection(found))
    answer.set_etag(etag or "")
    return answer


@bp.get("/visits/<int:visit_id>")
@staff
def inspector(visit_id: int) -> ResponseReturnValue:
    """The inspector of one visit, as a fragment of the board."""
    with web.services().db.reading() as session:
        shown = _visit(session, visit_id)
        on = _shown_on(session, shown)
        return _render(session, "board/_inspector.html", on, selected=shown)


@bp.get("/visits/<int:visit_id>/move")
@staff
def move_page(visit_id: int) -> ResponseReturnValue:
    """Where a visit could go: a page, and with `fragment` what the dialog shows."""
    with web.services().db.reading() as session:
        return _move_page(session, visit_id, MoveForm(formdata=None))


@bp.post("/<day:on>/move")
@staff
def move(on: date) -> ResponseReturnValue:
    """Place or move a visit, from the dialog or from a drop."""
    form = MoveForm()
    if not form.validate():
        return _bad_move(form)

    def work(session: Session, tables: Mapping[date, TravelTable]) -> ResponseReturnValue:
        visit = _visit(session, form.visit.data)
        service.place_visit(
            session,
            visit,
            form.move(visit.territory, on),
            plan_version=form.plan_version.data,
            confirmed=form.confirmed.data == "yes",
            tables=tables,
            now=clock.now(),
            actor=auth.actor().label,
        )
        flash(_("%(reference)s is moved.", reference=visit.reference), "undo")
        return redirect(url(".day", on=on, visit=visit.id), code=303)

    try:
        return _change(form.visit.data, [on], work)
    except judge.RuleBroken as error:
        return _refused(form, error.violations)
    except changes.NeedsConfirmation as error:
        return _refused(form, error.judgement.soft, judgement=error.judgement)


@bp.post("/visits/<int:visit_id>/unassign")
@staff
def unassign(visit_id: int) -> ResponseReturnValue:
    """Take a visit off its route."""
    form = PlanForm()
    if not form.validate():
        abort(422)

    def work(session: Session, tables: Mapping[date, TravelTable]) -> ResponseReturnValue:
        visit = _visit(session, visit_id)
        change = changes.unassign_visit(
            session,
            visit,
            plan_version=form.plan_version.data,
            tables=tables,
            now=clock.now(),
            actor=auth.actor().label,
        )
        flash(_("%(reference)s is unassigned.", reference=visit.reference), "undo")
        return redirect(url(".day", on=session.get_one(Plan, change.plan_id).on, visit=visit.id), code=303)

    return _change(visit_id, [], work)


@bp.post("/visits/<int:visit_id>/pin")
@staff
def pin(visit_id: int) -> ResponseReturnValue:
    """Pin a visit where it is, or free it."""
    form = PinForm()
    if not form.validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        visit = _visit(session, visit_id)
        pinned = form.pinned.data == "yes"
        changes.pin_visit(session, visit, pinned=pinned, now=clock.now(), actor=auth.actor().label)
        return redirect(url(".day", on=_shown_on(session, visit), visit=visit.id), code=303)

    return _once(work)


@bp.post("/<day:on>/optimise")
@staff
def optimise(on: date) -> ResponseReturnValue:
    """Ask for a better plan; the board shows it when it is there."""
    if not BoardForm().validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        plan = session.scalar(select(Plan).where(Plan.territory_id == _territory(session).id, Plan.on == on))
        if plan is None:
            flash(_("There is nothing to optimise on this day yet."))
        else:
            improve.request_proposal(session, plan, now=clock.now(), actor=auth.actor().label)
            plan.version += 1
        return redirect(url(".day", on=on), code=303)

    return _once(work)


@bp.post("/jobs/<int:job_id>/cancel")
@staff
def cancel(job_id: int) -> ResponseReturnValue:
    """Stop a search; nothing changes."""
    if not BoardForm().validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        job = session.get(Job, job_id) or abort(404)
        plan = session.get_one(Plan, job.payload["plan_id"])
        jobs.cancel_job(session, job, now=clock.now())
        plan.version += 1
        return redirect(url(".day", on=plan.on), code=303)

    return _once(work)


@bp.post("/proposals/<int:proposal_id>/accept")
@staff
def accept(proposal_id: int) -> ResponseReturnValue:
    """Adopt what still holds of a proposal."""
    if not BoardForm().validate():
        abort(422)
    joined, now = web.services(), clock.now()
    with joined.db.reading() as session:
        plan = (session.get(Proposal, proposal_id) or abort(404)).plan
        territory_id, on = plan.territory_id, plan.on

    def work(session: Session, tables: Mapping[date, TravelTable]) -> ResponseReturnValue:
        adoption = improve.accept_proposal(
            session,
            session.get_one(Proposal, proposal_id),
            tables=tables,
            now=now,
            actor=auth.actor().label,
            user_id=auth.actor().id,
        )
        _tell(adoption.adopted, adoption.left_out)
        return redirect(url(".day", on=on), code=303)

    return _with_tables(territory_id, [on], work)


@bp.post("/proposals/<int:proposal_id>/discard")
@staff
def discard(proposal_id: int) -> ResponseReturnValue:
    """Close a proposal without doing anything of it."""
    if not BoardForm().validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        proposal = session.get(Proposal, proposal_id) or abort(404)
        improve.discard_proposal(session, proposal, now=clock.now(), user_id=auth.actor().id)
        return redirect(url(".day", on=proposal.plan.on), code=303)

    return _once(work)


@bp.post("/changes/<int:change_id>/undo")
@staff
def undo(change_id: int) -> ResponseReturnValue:
    """Bring back what was before a change, as a new change."""
    if not BoardForm().validate():
        abort(422)
    joined, now = web.services(), clock.now()
    with joined.db.reading() as session:
        change = session.get(PlanChange, change_id) or abort(404)
        plan = session.get_one(Plan, change.plan_id)
        territory_id, on = plan.territory_id, plan.on
        days = [date.fromisoformat(entry["on"]) for entry in change.before["routes"]]

    def work(session: Session, tables: Mapping[date, TravelTable]) -> ResponseReturnValue:
        found = session.get_one(PlanChange, change_id)
        changes.undo_change(session, found, tables=tables, now=now, actor=auth.actor().label)
        flash(_("Undone."))
        return redirect(url(".day", on=on), code=303)

    return _with_tables(territory_id, [on, *days], work)


@bp.post("/<day:on>/dispatch")
@staff
def dispatch(on: date) -> ResponseReturnValue:
    """Send the day to its technicians."""
    if not BoardForm().validate():
        abort(422)

    def work(session: Session) -> ResponseReturnValue:
        sent = service.dispatch_day(
            session, _territory(session), on, now=clock.now(), actor=auth.actor().label
        )
        flash(ngettext("%(num)d visit sent.", "%(num)d visits sent.", sent))
        return redirect(url(".day", on=on), code=303)

    return _once(work)


@bp.route("/visits/<int:visit_id>/locate", methods=["GET", "POST"])
@staff
def locate(visit_id: int) -> ResponseReturnValue:
    """Set the pin of an address that nobody found."""
    form = LocateForm()
    if request.method == "POST" and form.validate():
        try:
            return _once(lambda session: _locate(session, visit_id, form))
        except service.OutsideArea:
            form.latitude.errors = [_("This place is outside every territory.")]
    with web.services().db.reading() as session:
        page = render_template("board/locate.html", form=form, visit=_visit(session, visit_id))
    return page, 422 if form.errors else 200


def _locate(session: Session, visit_id: int, form: LocateForm) -> ResponseReturnValue:
    visit, now = _visit(session, visit_id), clock.now()
    on = visit.territory.local_day(now)
    service.locate_site(
        session,
        visit,
        Coordinates(form.latitude.data, form.longitude.data),
        on=on,
        now=now,
        user_id=auth.actor().id,
        actor=auth.actor().label,
    )
    flash(_("The address is on the map. The visit can be placed now."))
    return redirect(url(".day", on=visit.wanted_on or on, visit=visit.id), code=303)


def _render(session: Session, template: str, on: date, *, selected: Visit | None = None) -> str:
    now, joined = clock.now(), web.services()
    territory = selected.territory if selected else _territory(session)
    board = board_of(session, territory, on, tables=joined.tables, now=now)
    asked = request.args.get("visit", type=web.row_of)
    selected = selected or (session.get(Visit, asked) if asked else None)
    return render_template(
        template,
        board=board,
        zone=territory.zone,
        etag=_etag(session, territory, on, now),
        wording=_wording(session, board.territory, on),
        selected=selected,
        why=_why(session, board, selected, now) if selected else None,
        yesterday=on - timedelta(days=1),
        tomorrow=on + timedelta(days=1),
        form=BoardForm(formdata=None),
    )


def _why(session: Session, board: Board, visit: Visit, now: datetime) -> Any:
    rows = load_day(session, board.territory, board.on, now=now)
    return why(build(rows, table_of(web.services().tables, rows)), visit)


def _wording(session: Session, territory: Territory, on: date) -> Wording:
    epoch = territory.midnight(on).astimezone(UTC)
    return Wording(territory, epoch, names_of(service.technicians(session, territory)))


def _etag(session: Session, territory: Territory, on: date, now: datetime) -> str:
    """Changes with the plan, and once a minute because a late visit shows itself by time alone."""
    return f"b-{territory.id}-{service.version_of(session, territory.id, on)}-{int(now.timestamp() // 60)}"


def _move_page(
    session: Session,
    visit_id_: int,
    form: MoveForm,
    *,
    broken: Any = (),
    judgement: judge.Judgement | None = None,
) -> str:
    now, joined = clock.now(), web.services()
    visit = _visit(session, visit_id_)
    on = _move_day(session, visit)
    rows = load_day(session, visit.territory, on, now=now)
    day = build(rows, table_of(joined.tables, rows), without=[visit_id(visit)])
    located = visit_id(visit) not in day.problem.visit_by_id and service.can_be_placed(visit)
    return render_template(
        "board/_move.html" if "fragment" in request.args else "board/move.html",
        visit=visit,
        on=on,
        zone=visit.territory.zone,
        form=form,
        candidates=judge.candidates(day, visit) if located else [],
        wording=_wording(session, visit.territory, on),
        plan_version=service.version_of(session, visit.territory_id, on),
        broken=broken,
        judgement=judgement,
    )


def _bad_move(form: MoveForm) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        if form.visit.errors:
            abort(422)
        return _move_page(session, form.visit.data, form), 422


def _refused(form: MoveForm, broken: Any, *, judgement: judge.Judgement | None = None) -> ResponseReturnValue:
    with web.services().db.reading() as session:
        page = _move_page(session, form.visit.data, form, broken=broken, judgement=judgement)
    return page, 422


def _tell(adopted: frozenset[int], left_out: frozenset[int]) -> None:
    flash(ngettext("%(num)d visit changed.", "%(num)d visits changed.", len(adopted)), "undo")
    if left_out:
        flash(
            ngettext(
                "%(num)d change was left out: its route has changed meanwhile.",
                "%(num)d changes were left out: their routes have changed meanwhile.",
                len(left_out),
            )
        )


def _once(work: Callable[[Session], ResponseReturnValue]) -> Response:
    return web.once(work, now=clock.now(), scope=f"user:{auth.actor().id}")


def _with_tables(
    territory_id: int,
    days: list[date],
    work: Callable[[Session, Mapping[date, TravelTable]], ResponseReturnValue],
) -> ResponseReturnValue:
    joined = web.services()
    return with_travel(
        joined.db,
        joined.tables,
        territory_id,
        days,
        [],
        now=clock.now(),
        work=lambda tables: _once(lambda session: work(session, tables)),
    )


def _change(
    visit: int, days: list[date], work: Callable[[Session, Mapping[date, TravelTable]], ResponseReturnValue]
) -> ResponseReturnValue:
    """Do work that takes a visit from its present day to others."""
    with web.services().db.reading() as session:
        found = _visit(session, visit)
        territory_id, days = found.territory_id, [*days, *days_of_visit(found)]
    if not days:
        raise changes.NotPlannable
    return _with_tables(territory_id, days, work)


def _territory(session: Session) -> Territory:
    """The territory that the board shows: the one asked for, or the first."""
    asked = request.args.get("territory", type=web.row_of)
    query = select(Territory).where(Territory.active).order_by(Territory.id)
    return session.scalar(query.where(Territory.id == asked) if asked else query.limit(1)) or abort(404)


def _visit(session: Session, visit_id_: int) -> Visit:
    return session.get(Visit, visit_id_) or abort(404)


def _shown_on(session: Session, visit: Visit) -> date:
    """The day on whose board a visit is found."""
    days = days_of_visit(visit)
    return days[0] if days else service.wanted_day(visit, now=clock.now())


def _move_day(session: Session, visit: Visit) -> date:
    asked = request.args.get("on", type=web.day_of) or (request.view_args or {}).get("on")
    return asked or _shown_on(session, visit)


@bp.app_errorhandler(changes.StalePlan)
def _stale(_error: changes.StalePlan) -> ResponseReturnValue:
    return render_template("board/stale.html"), 409


@bp.app_errorhandler(improve.ProposalClosed)
@bp.app_errorhandler(changes.NothingToUndo)
@bp.app_errorhandler(changes.NotPlannable)
def _overtaken(_error: Exception) -> ResponseReturnValue:
    return render_template("board/stale.html"), 409


@bp.app_errorhandler(judge.RuleBroken)
def _rule_broken(error: judge.RuleBroken) -> ResponseReturnValue:
    reasons = [violation.text for violation in error.violations]
    return render_template("board/refused.html", reasons=reasons), 422
