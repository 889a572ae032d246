"""What the pages of conversations share: prepared answers, and who looks after them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort
from sqlalchemy.orm import Session

from fieldservice import auth, web
from fieldservice.dispatch import canned, inbox
from fieldservice.dispatch.inbox_forms import AnswerForm, OwnerForm
from fieldservice.language import name_of
from fieldservice.models import CannedAnswer, Conversation, Visit
from fieldservice.models.owners import office


def parts(session: Session, conversation: Conversation | None, visit: Visit | None) -> dict[str, Any]:
    """What is shown beside the messages."""
    language = canned.language_with(conversation, visit, web.services().settings.locale)
    found = canned.prepared(session, language)
    return {
        "prepared": {name_of(each): answers for each, answers in found.items()},
        "colleagues": office(session),
        "owner_id": conversation.owner_id if conversation is not None else None,
        "me": auth.actor().id,
    }


def pick(session: Session, form: AnswerForm, visit: Visit | None, *, now: datetime) -> None:
    """Write the chosen answer below what was typed; nothing is sent."""
    answer = session.get(CannedAnswer, form.canned.data or 0)
    if answer is not None:
        words = canned.words_for(answer.body, visit, web.services().settings, now=now)
        form.body.data = "\n\n".join(filter(None, [form.body.data, words]))


def wanted_owner() -> int | None:
    """Who shall look after a conversation, as the form says; 422 for a form that is none."""
    form = OwnerForm()
    if not form.validate():
        abort(422)
    return form.owner.data  # type: ignore[no-any-return]


def assign(session: Session, conversation: Conversation, owner_id: int | None) -> None:
    """From now on somebody else, or nobody, looks after it; 422 for who is not of the office."""
    try:
        inbox.assign(session, conversation, owner_id)
    except inbox.NotOfTheOffice:
        abort(422)
