"""Hands an attachment to a browser. Whether the person may have it was decided before."""

from __future__ import annotations

from flask import Response, abort, send_file

from fieldservice import web
from fieldservice.files import FileMissing
from fieldservice.models import Attachment

KEPT_S = 3600
SMALL = "small"


def send(attachment: Attachment, *, small: bool = False) -> Response:
    """The file, or the small picture of a photo. A document is downloaded: it is never shown on our site."""
    key = attachment.small_key if small and attachment.small_key else attachment.key
    try:
        path = web.services().files.path(key)
    except FileMissing:
        abort(404)
    response = send_file(
        path,
        mimetype=attachment.media_type,
        as_attachment=not attachment.is_photo,
        download_name=download_name(attachment),
        etag=key,
        max_age=KEPT_S,
    )
    response.cache_control.public, response.cache_control.private = False, True
    return response


def download_name(attachment: Attachment) -> str:
    """What the file is called where it is saved: what it was called, with the ending of what it is."""
    stem = attachment.name.rpartition(".")[0] or attachment.name
    return f"{stem}.{'jpg' if attachment.is_photo else 'pdf'}"
