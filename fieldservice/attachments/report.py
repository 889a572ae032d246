"""The report of a visit as a PDF: what was done, checked and used, the photos, and who signed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any

from flask import Response, abort, send_file
from flask_babel import gettext as _
from flask_babel import ngettext
from fpdf import FPDF
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice import language, web
from fieldservice.files import FileMissing
from fieldservice.models import Attachment, CheckKind, Technician, Visit, VisitReport
from fieldservice.paths import STATIC

_FONT, _LINE_MM, _PHOTO_MM = "DejaVu", 6, 85
_SECTIONS = ("before", "after", "check")


@dataclass(frozen=True)
class _Paper:
    """What the document is made from."""

    visit: Visit
    report: VisitReport
    technician: Technician
    files: Sequence[Attachment]

    def of(self, *about: str) -> list[Attachment]:
        """The technician's files of these sorts."""
        return [file for file in self.files if file.about in about and file.shown_to_others]


def has_report(session: Session, visit: Visit) -> bool:
    """Whether there is something to show of a visit that is done."""
    return visit.state == "done" and session.get(VisitReport, visit.id) is not None


def send(session: Session, visit: Visit) -> Response:
    """The report of a visit, in the language of the page; 404 when nothing was written down."""
    report = session.get(VisitReport, visit.id)
    if report is None:
        abort(404)
    query = select(Attachment).where(Attachment.visit_id == visit.id, Attachment.about != "")
    files = session.scalars(query.order_by(Attachment.id)).all()
    paper = _Paper(visit, report, session.get_one(Technician, report.technician_id), files)
    name = f"{visit.reference}.pdf"
    response = send_file(BytesIO(_pdf(paper)), "application/pdf", as_attachment=True, download_name=name)
    response.cache_control.no_store = True
    return response


def check_lines(report: VisitReport, visit: Visit) -> list[tuple[str, str]]:
    """Each answered item of the checklist with its answer, in the language of the page."""
    services = visit.work_order.services
    return [
        (language.written(said["label"], *services), _answer(said, services))
        for said in report.checks.values()
    ]


def _answer(said: Mapping[str, Any], services: Iterable[Any]) -> str:
    if said["kind"] == CheckKind.TICK:
        return str(_("yes"))
    answer = str(said["answer"])
    if said["kind"] == CheckKind.TEXT:  # the technician's words
        return answer
    unit = language.written(said["unit"], *services) if said["unit"] else ""
    return f"{language.written(answer, *services)} {unit}".strip()


def _pdf(paper: _Paper) -> bytes:
    sheet, settings = FPDF(format="A4"), web.services().settings
    files = web.assets().manifest.files
    sheet.add_font(_FONT, "", STATIC / "vendor" / files["DejaVuSans.ttf"])
    sheet.add_font(_FONT, "B", STATIC / "vendor" / files["DejaVuSans-Bold.ttf"])
    sheet.set_title(_("Report of the visit %(reference)s", reference=paper.visit.reference))
    sheet.set_author(settings.company_name)
    sheet.set_lang(language.tag())
    sheet.add_page()
    _line(sheet, settings.company_name, bold=True, size=16)
    _line(sheet, _("Report of the visit %(reference)s", reference=paper.visit.reference), size=12)
    sheet.ln(4)
    for name, value in _facts(paper):
        _pair(sheet, name, value)
    _checks(sheet, paper)
    _photos(sheet, paper)
    _signature(sheet, paper)
    return bytes(sheet.output())


def _facts(paper: _Paper) -> Iterable[tuple[str, str]]:
    visit, zone, moments = paper.visit, paper.visit.territory.zone, paper.visit.moments
    yield _("Work"), visit.work_order.title_in(language.current())
    yield _("Where"), visit.site.one_line
    yield _("Technician"), paper.technician.name
    if began := moments.get("working") or moments.get("arrived"):
        yield _("Begun"), _moment(began, zone)
    if done := moments.get("done"):
        yield _("Done"), _moment(done, zone)


def _moment(at: datetime, zone: Any) -> str:
    return f"{web.day_words(at.astimezone(zone).date(), year=True)}, {web.clock_time(at, zone)}"


def _checks(sheet: FPDF, paper: _Paper) -> None:
    if lines := check_lines(paper.report, paper.visit):
        _heading(sheet, _("Checked"))
        for name, value in lines:
            _pair(sheet, name, value)
    if paper.report.parts:
        _heading(sheet, _("Parts"))
        for name, count in paper.report.parts.items():
            _pair(sheet, name, ngettext("%(num)d piece", "%(num)d pieces", count))
    if paper.report.notes:
        _heading(sheet, _("Notes"))
        _line(sheet, paper.report.notes)


def _photos(sheet: FPDF, paper: _Paper) -> None:
    titles = {
        "before": _("Photos before"),
        "after": _("Photos after"),
        "check": _("Photos of what was checked"),
    }
    for about in _SECTIONS:
        photos = [file for file in paper.of(about) if file.is_photo]
        if photos:
            _heading(sheet, titles[about])
        for photo in photos:
            _picture(sheet, photo, _PHOTO_MM)


def _signature(sheet: FPDF, paper: _Paper) -> None:
    if paper.report.signed_at is None:
        return
    _heading(sheet, _("Signature"))
    # One from before belongs to another signing: it came in before this name was tapped.
    drawings = [file for file in paper.of("signature") if file.created_at >= paper.report.signed_at]
    for drawn in drawings[-1:]:
        _picture(sheet, drawn, 60)
    at = _moment(paper.report.signed_at, paper.visit.territory.zone)
    _line(sheet, _("Signed by %(name)s, %(at)s", name=paper.report.signed_by, at=at))


def _picture(sheet: FPDF, file: Attachment, width: int) -> None:
    """A picture from the store; one that is missing there leaves no report without the rest."""
    try:
        content = web.services().files.read(file.key)
    except FileMissing:
        return
    sheet.image(BytesIO(content), w=width, alt_text=file.name)
    sheet.ln(3)


def _heading(sheet: FPDF, text: str) -> None:
    sheet.ln(4)
    _line(sheet, text, bold=True, size=12)


def _pair(sheet: FPDF, name: str, value: str) -> None:
    _line(sheet, f"{name}: {value}")


def _line(sheet: FPDF, text: str, *, bold: bool = False, size: int = 10) -> None:
    sheet.set_font(_FONT, "B" if bold else "", size)
    sheet.multi_cell(0, _LINE_MM * size / 10, text, new_x="LMARGIN", new_y="NEXT")
