"""What the phone keeps until it has a signal comes as plain forms; this is how their answers differ.

The phone's outbox (frontend/src/phone/send.js) names each item in the header `X-Outbox`. It drops the item
only when an answer of ours repeats that name and is a success: a page of a network in between does not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from flask import Response, flash, jsonify, redirect, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

HEADER = "X-Outbox"
_ITEM = re.compile(r"[0-9a-f-]{36}")
_FLASHES = "_flashes"  # where Flask keeps what `flash` was told


def item() -> str:
    """The id of the item that this request is; empty for a form that a person sent."""
    name = request.headers.get(HEADER, "") if request.method == "POST" else ""
    return name if _ITEM.fullmatch(name) else ""


def refuse(text: str, back: str) -> ResponseReturnValue:
    """Say why nothing was recorded: to a person where they go back to, to the outbox as a refusal."""
    if item():
        return {"error": text}, 409
    flash(text)
    return redirect(back, code=303)


def unfit(errors: Mapping[str, Iterable[object]], page: str) -> ResponseReturnValue:
    """Why nothing was kept: to a person as a page with what they typed, to the outbox in words."""
    if item():
        return {"error": " ".join(str(text) for texts in errors.values() for text in texts)}, 422
    return page, 422


def answer(response: Response) -> Response:
    """After a request: an item gets JSON and its own name; where a person would be led is a value of it."""
    name = item()
    if not name:
        return response
    if 300 <= response.status_code < 400:
        said = [text for _category, text in cookie.pop(_FLASHES, [])]
        response = jsonify(location=response.location, said=said)
    elif response.status_code >= 400 and not response.is_json:
        code, response = response.status_code, jsonify(error=_words(response.status_code))
        response.status_code = code
    response.headers[HEADER] = name
    return response


def _words(code: int) -> str:
    if code == 404:
        gone = _("The visit may have been cancelled, or moved to another day or technician. Ask the office.")
        return str(gone)
    return str(_("The server did not accept this."))
