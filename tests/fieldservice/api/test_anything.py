"""Whatever a program sends to an operation: an answer of the document, never an error of ours.

`API_EXAMPLES=200` tries more.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis import GenerationMode

from fieldservice.auth import limits
from tests.factories import Company
from tests.fieldservice.api.conftest import Program

EXAMPLES = int(os.environ.get("API_EXAMPLES", "4"))


def _checks() -> list[object]:
    checks = schemathesis.checks
    return [
        checks.not_a_server_error,
        checks.CHECKS.get_one("content_type_conformance"),
        checks.CHECKS.get_one("response_schema_conformance"),
        checks.CHECKS.get_one("status_code_conformance"),
    ]


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)  # it refuses more
def test_any_request_is_answered_as_documented(
    app: Flask, program: Callable[..., Program], company: Company
) -> None:
    """Valid and invalid requests to every operation: no 5xx, no answer that the document does not know."""
    app.config.update(dict.fromkeys(limits.DEFAULTS, "1000000/minute"))
    caller = program()
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    seen = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        seen.add(operation.label)
        for mode in GenerationMode:

            @hypothesis_settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: schemathesis.Case) -> None:
                case.call_and_validate(headers=caller.headers(), checks=_checks())

            one()
    assert len(seen) > 15
