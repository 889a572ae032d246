"""Files that come with a form: kept, or refused in a sentence. Neither stops what the form is about."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from flask import request
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from fieldservice import web
from fieldservice.attachments import service, words
from fieldservice.attachments.requests import is_too_large
from fieldservice.attachments.service import Label, Owner, Stored
from fieldservice.files import Fault, NotStored, Unfit, fit

FIELD = "files"
LONGEST_NAME = 120

type FindOwner = Callable[[Session], Owner]
type Labels = Mapping[str, Label]
"""What the files of a field are, by the field's name; without a name of their own yet."""


def receive(find_owner: FindOwner, labels: Labels, *, actor: str, now: datetime) -> list[str]:
    """Keep the files of the request's form under their owner; returns why some were not kept.

    Each file has a transaction of its own: a file that is refused costs no other. The same file again is kept
    once, so a form may be sent twice. `find_owner` is called in the transaction, locks, and may raise.
    """
    sent = [(file, label) for field, label in labels.items() for file in _files(field)]
    refused = [words.too_many(_name(file)) for file, _ in sent[service.MOST_FILES :]]
    for file, label in sent[: service.MOST_FILES]:
        named = replace(label, name=_name(file))
        if (why := _receive(find_owner, file, named, actor=actor, now=now)) is not None:
            refused.append(why)
    return refused


def _files(field: str) -> Sequence[FileStorage]:
    """What was chosen in a field; a field in which nothing was chosen comes as one file without a name."""
    return [file for file in request.files.getlist(field) if file.filename]


def _receive(
    find_owner: FindOwner, file: FileStorage, label: Label, *, actor: str, now: datetime
) -> str | None:
    """Keep one file; why not, when it is not kept."""
    try:
        stored = _store(file)
    except Unfit as error:
        return words.refused(error.fault, label.name)
    except NotStored:
        return words.not_stored(label.name)
    try:
        added = web.services().db.run(
            lambda session: _add(session, find_owner, stored, label, actor=actor, now=now)
        )
    except service.TooManyFiles:
        _forget(stored)
        return words.too_many(label.name)
    except NotStored:
        _forget(stored)
        return words.not_stored(label.name)
    except Exception:
        _forget(stored)
        raise
    if not added:
        _forget(stored)
    return None


def _store(file: FileStorage) -> Stored:
    if is_too_large(file):
        raise Unfit(Fault.TOO_LARGE)
    content = file.read()
    return service.store_file(web.services().files, fit(content), content)


def _add(
    session: Session, find_owner: FindOwner, stored: Stored, label: Label, *, actor: str, now: datetime
) -> bool:
    owner = find_owner(session)
    if isinstance(owner, str) and service.is_full(session, more=len(stored.kept.content)):
        raise NotStored("unfinished bookings take too much room")
    scanned = bool(web.services().settings.virus_scanner)
    return service.add(session, owner, stored, label, actor=actor, scanned=scanned, now=now) is not None


def _forget(stored: Stored) -> None:
    for key in stored.keys:
        web.services().files.remove(key)


def _name(file: FileStorage) -> str:
    """The name of a file as text: without folders, and without what cannot be read."""
    last = re.split(r"[/\\]", file.filename or "")[-1]
    readable = "".join(char for char in last if char.isprintable()).strip()
    return readable[-LONGEST_NAME:] or words.nameless()
