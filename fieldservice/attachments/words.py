"""What people are told about files."""

from __future__ import annotations

from collections.abc import Iterable

import flask_babel
from flask_babel import format_decimal, ngettext

from fieldservice.attachments.service import MOST_FILES as MOST_FILES
from fieldservice.files import Fault
from fieldservice.files.content import MOST_BYTES, MOST_PDF_BYTES, MOST_PIXELS, MOST_PIXELS_OF_OTHERS
from fieldservice.models import Attachment, ScanState


def _(message: str, **values: object) -> str:
    return str(flask_babel.gettext(message, **values))


def refused(fault: Fault, name: str) -> str:
    """Why a file was not kept."""
    return {
        Fault.EMPTY: lambda: _("“%(name)s” was not added: it is empty.", name=name),
        Fault.TOO_LARGE: lambda: _(
            "“%(name)s” was not added: it is too large. A photo may have up to %(size)s.",
            name=name,
            size=size(MOST_BYTES),
        ),
        Fault.PDF_TOO_LARGE: lambda: _(
            "“%(name)s” was not added: it is too large. A PDF may have up to %(size)s.",
            name=name,
            size=size(MOST_PDF_BYTES),
        ),
        Fault.TOO_MANY_PIXELS: lambda: _(
            "“%(name)s” was not added: the picture is too large. "
            "A JPEG may have up to %(jpeg)d megapixels, others up to %(others)d.",
            name=name,
            jpeg=MOST_PIXELS // 1_000_000,
            others=MOST_PIXELS_OF_OTHERS // 1_000_000,
        ),
        Fault.UNKNOWN: lambda: _(
            "“%(name)s” was not added: it is neither a photo (JPEG, HEIC, PNG, WebP) nor a PDF.", name=name
        ),
        Fault.DAMAGED: lambda: _("“%(name)s” was not added: the file is damaged.", name=name),
        Fault.BUSY: lambda: not_stored(name),
    }[fault]()


def too_many(name: str) -> str:
    """Why a file more was not kept."""
    return _("“%(name)s” was not added: you can send up to %(number)d files.", name=name, number=MOST_FILES)


def not_stored(name: str) -> str:
    """Why a file could not be kept although nothing is wrong with it."""
    return _("“%(name)s” was not added: we could not store it. Please try again later.", name=name)


def nameless() -> str:
    """What a file is called that has no name."""
    return _("File")


def size(octets: int) -> str:
    """How large a file is."""
    if octets < 1_000_000:
        return _("%(number)s\u00a0kB", number=format_decimal(max(1, round(octets / 1000))))
    return _("%(number)s\u00a0MB", number=format_decimal(round(octets / 1_000_000, 1)))


def hint() -> str:
    """What may be sent, said before it is chosen."""
    return _(
        "JPEG, HEIC, PNG or WebP up to %(photo)s, PDF up to %(pdf)s. We remove where a photo was taken.",
        photo=size(MOST_BYTES),
        pdf=size(MOST_PDF_BYTES),
    )


def count(number: int) -> str:
    """How many files there are."""
    return str(ngettext("%(num)d file", "%(num)d files", number))


def scan_notes(attachments: Iterable[Attachment]) -> list[str]:
    """What those who work with a visit are told of files that they may not open."""
    states = [attachment.scan_state for attachment in attachments]
    waiting, failed, infected = (
        states.count(state) for state in (ScanState.WAITING, ScanState.FAILED, ScanState.INFECTED)
    )
    notes = []
    if waiting:
        notes.append(
            ngettext(
                "%(num)d file is being checked for viruses.",
                "%(num)d files are being checked for viruses.",
                waiting,
            )
        )
    if failed:
        notes.append(
            ngettext(
                "%(num)d file could not be checked for viruses and is kept aside.",
                "%(num)d files could not be checked for viruses and are kept aside.",
                failed,
            )
        )
    if infected:
        notes.append(
            ngettext(
                "%(num)d file has a virus. Nobody can open it.",
                "%(num)d files have viruses. Nobody can open them.",
                infected,
            )
        )
    return [str(note) for note in notes]


def own_note(attachment: Attachment) -> str:
    """What the sender is told about one file; empty when there is nothing to say."""
    return {
        ScanState.WAITING: lambda: _("Being checked for viruses. We see it afterwards."),
        ScanState.FAILED: lambda: _(
            "Could not be checked for viruses yet, so we do not see it. We try again."
        ),
        ScanState.INFECTED: lambda: _("Has a virus, so nobody can open it. Please remove it."),
    }.get(ScanState(attachment.scan_state), lambda: "")()
