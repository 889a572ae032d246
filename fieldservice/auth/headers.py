"""What every response tells the browser to refuse."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Flask, Response

from fieldservice.config import Settings

_YEARS_2 = 63_072_000
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
    if settings.public_url.startswith("https://"):
        headers["Strict-Transport-Security"] = f"max-age={_YEARS_2}; includeSubDomains"

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(headers)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


def content_security_policy(settings: Settings) -> str:
    """Nothing inline, nothing from elsewhere but the pictures of a raster map when one is set."""
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
            "frame-ancestors 'none'",
        )
    )


def _origin(pattern: str) -> str:
    """`https://{s}.tile.example/{z}/{x}/{y}.png` -> `https://*.tile.example`."""
    parts = urlsplit(re.sub(r"\{\w+\}\.", "*.", pattern))
    return f"{parts.scheme}://{parts.netloc}"
