"""The OpenAPI document is valid, complete, and what the application does."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from fieldservice.cli import fieldservice


def _document() -> dict[str, Any]:
    result = CliRunner().invoke(fieldservice, ["openapi"])
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.output))


def test_the_document_is_openapi_3_1() -> None:
    """A validator of the specification finds no fault in what the command prints."""
    document = _document()
    assert document["openapi"].startswith("3.1")
    validate(document)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_route_is_in_the_document(app: Flask) -> None:
    """Each method of each rule is described with its scope and its refusals, and nothing else is."""
    described = {
        (method.upper(), path): operation
        for path, item in _document()["paths"].items()
        for method, operation in item.items()
        if method in ("get", "post", "put", "patch", "delete")
    }
    routed = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("api.")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routed == set(described)
    for operation in described.values():
        assert operation["security"][0]["token"]
        assert operation["responses"]["default"]
        assert operation["summary"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_command_and_the_address_say_the_same(client: FlaskClient) -> None:
    """What is printed is what is served."""
    assert client.get("/api/v1/openapi.json").json == _document()
