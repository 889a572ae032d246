"""Where the phone's outbox leaves what the server refused."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from fieldservice import auth, clock, web
from fieldservice.attachments.requests import is_too_large, takes_files
from fieldservice.field import kept, service
from fieldservice.field.forms import KeptForm
from fieldservice.field.kept import Item
from fieldservice.files import Unfit, fit
from fieldservice.models import UserRole

bp = Blueprint("kept", __name__)


@bp.post("/kept")
@auth.require(UserRole.TECHNICIAN)
@takes_files
def keep() -> ResponseReturnValue:
    """Keep an item of the outbox for the office; says the checksum of the file that came along."""
    now, form = clock.now(), KeptForm()
    if not form.validate():
        return _refused(form.errors)
    file = request.files.get("file")
    content = file.read() if file else b""
    if (file and is_too_large(file)) or (form.sha256.data or "") != (_sha256(content) if file else ""):
        return _refused({"file": ["not the file that was announced"]})
    item = _item(form, file, content)

    def work(session: Session) -> ResponseReturnValue:
        technician = service.technician_of(session, auth.actor().technician_id)
        return jsonify(sha256=kept.keep(session, technician, item, now=now).sha256)

    return web.once(work, now=now, scope=f"user:{auth.actor().id}")


@bp.errorhandler(kept.NotAboutAVisit)
def _not_about_a_visit(_error: kept.NotAboutAVisit) -> ResponseReturnValue:
    return _refused({"action": ["not about a visit"]}, 404)


def _refused(errors: Mapping[str, Any], status: int = 422) -> ResponseReturnValue:
    """What a script is told; it keeps the item, and says so in the technician's language."""
    return {"refused": "the item was not kept, see the errors of its fields", "errors": dict(errors)}, status


def _item(form: KeptForm, file: FileStorage | None, content: bytes) -> Item:
    now = clock.now()
    return Item(
        item_id=form.idempotency_key.data,
        kind=form.kind.data,
        label=form.label.data or "",
        action=form.action.data,
        fields=form.pairs,
        status=form.status.data or 0,
        reason=form.reason.data or "",
        tapped_at=form.moment(now),
        phone_at=form.phone_at.instant or now,
        file_key=_stored(content) if file else None,
        file_name=(file.filename or "")[-120:] if file else "",
        sha256=form.sha256.data or "",
    )


def _stored(content: bytes) -> str:
    """Where the file is kept, drawn anew when it is a picture; without its row a sweep removes it again."""
    with suppress(Unfit):  # the office downloads it as what it is
        content = fit(content).content
    return web.services().files.put(content)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
