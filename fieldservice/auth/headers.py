"""What every response tells the browser to refuse."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Flask, Response, request

from fieldservice.auth import framing
from fieldservice.config import Settings

_YEARS_2 = 63_072_000
_OWN = ("Cross-Origin-Resource-Policy", "Permissions-Policy")
"""What a response may loosen itself: a script that other sites load, a page that asks where the phone is."""
_PLAIN = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # private links are addresses
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


def install(app: Flask, settings: Settings) -> None:
    """Put the headers on every response, errors included; pages are not stored unless they say otherwise."""
    headers = _PLAIN | {"Content-Security-Policy": content_security_policy(settings)}
    framed = {"Content-Security-Policy": content_security_policy(settings, settings.framing_origins)}
    if settings.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={_YEARS_2}; includeSubDomains"

    @app.after_request
    def protect(response: Response) -> Response:
        own = {name: response.headers[name] for name in _OWN if name in response.headers}
        response.headers.update(headers | own)
        if framing.is_framed() and request.url_rule is not None:
            response.headers.update(framed)
            del response.headers["X-Frame-Options"]  # it can name no other site
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def content_security_policy(settings: Settings, framed_by: Sequence[str] = ()) -> str:
    """Nothing inline, nothing from elsewhere but the pictures of a raster map when one is set.

    `framed_by` are the sites that may show the page in a frame.
    """
    images = ["'self'", "data:", "blob:"]
    if settings.map_tiles == "raster" and settings.raster_tiles_url:
        images.append(_origin(settings.raster_tiles_url))
    return "; ".join(
        (
            "default-src 'self'",
            f"img-src {' '.join(images)}",
            "style-src 'self'",
            "script-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            f"frame-ancestors {' '.join(framed_by) or "'none'"}",
        )
    )


def _origin(pattern: str) -> str:
    """`https://{s}.tile.example/{z}/{x}/{y}.png` -> `https://*.tile.example`."""
    parts = urlsplit(re.sub(r"\{\w+\}\.", "*.", pattern))
    return f"{parts.scheme}://{parts.netloc}"
