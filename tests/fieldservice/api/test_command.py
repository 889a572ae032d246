"""`fieldservice token` makes, lists and ends what the API lets in."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from fieldservice.api_command import token
from fieldservice.models import AuditEntry
from fieldservice.web import Services


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_token_is_made_listed_and_ended(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The printed token opens its scope until it is revoked; a wrong scope is refused in a sentence."""
    monkeypatch.setenv("FIELDSERVICE_DATABASE_URL", services.settings.database_url or "")
    run = CliRunner()
    refused = run.invoke(token, ["add", "shop", "--scope", "everything"])
    assert refused.exit_code == 1
    assert "not everything" in refused.output
    made = run.invoke(token, ["add", "shop", "--scope", "services:read"])
    assert made.exit_code == 0, made.output
    headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
    assert client.get("/api/v1/services", headers=headers).status_code == 200
    assert client.get("/api/v1/visits", headers=headers).status_code == 403
    assert "works" in run.invoke(token, ["list"]).output
    assert run.invoke(token, ["revoke", "1"]).exit_code == 0
    assert "revoked" in run.invoke(token, ["list"]).output
    assert client.get("/api/v1/services", headers=headers).status_code == 401
    with services.db.reading() as session:
        kept = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_kind == "api_token"))
        assert list(kept) == ["made", "revoked"]
