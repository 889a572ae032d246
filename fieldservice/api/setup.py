"""Joins the API to an application, and its OpenAPI document."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify
from flask_smorest import Api
from werkzeug.routing import BaseConverter

# the views put themselves into the blueprint
from fieldservice.api import (  # noqa: F401
    booking_views,
    catalogue_views,
    problems,
    run_views,
    visit_views,
    workforce_views,
)
from fieldservice.api.edge import bp
from fieldservice.api.schemas import Problem
from fieldservice.web import CONVERTERS, DayConverter

DOCUMENT = "/api/v1/openapi.json"


class _Api(Api):  # type: ignore[misc]
    """Documents refusals as they are; handles none, for the application has pages, too."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        """Leave the pages their own error pages; the blueprint has its handlers."""

    def _register_responses(self) -> None:
        content = {problems.CONTENT_TYPE: {"schema": Problem}}
        refusal = {"description": "Refused: the code and a sentence say why.", "content": content}
        self.spec.components.response("DEFAULT_ERROR", refusal, lazy=True)
        self.spec.components.response("UNPROCESSABLE_ENTITY", refusal, lazy=True)
        self.spec.components.response("UNPROCESSABLE_CONTENT", refusal, lazy=True)


def install(app: Flask) -> None:
    """Serve the API and its document below /api/v1; who calls has no session, a token proves who it is."""
    content = _join(app).spec.to_dict()

    @app.get(DOCUMENT)
    def api_document() -> Response:
        """The OpenAPI document; it tells nothing about the company."""
        return jsonify(content)

    problems.install(app)
    app.extensions["csrf"].exempt(bp)


def document() -> dict[str, Any]:
    """The OpenAPI document, without a database."""
    app = Flask("fieldservice")
    app.url_map.converters.update(CONVERTERS)
    return dict(_join(app).spec.to_dict())


def _join(app: Flask) -> _Api:
    app.config.update(API_TITLE="Field service", API_VERSION="1", OPENAPI_VERSION="3.1.0")
    api = _Api(app)
    api.register_converter(DayConverter, _day_schema)
    api.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    api.register_blueprint(bp)
    return api


def _day_schema(_converter: BaseConverter) -> dict[str, str]:
    return {"type": "string", "format": "date"}
