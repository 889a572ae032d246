"""docker-compose.yml is accepted by docker-compose, and says what production needs."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.services import compose_command

ROOT = Path(__file__).parents[2]
OURS = ("web", "worker", "planner", "beat")


@pytest.fixture(scope="module")
def services():
    """The services as docker-compose reads them, with anchors and variables filled in."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FIELDSERVICE_")}
    read = subprocess.run(
        [compose_command(), "--profile", "mail", "config"],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return yaml.safe_load(read.stdout)["services"]


def test_docker_compose_accepts_the_file(services):
    """Each part of production is there."""
    assert set(services) == {*OURS, "migrate", "postgres", "redis", "mail"}


def test_every_lasting_service_has_a_health_check(services):
    """What runs for long says whether it is well; only the migration, which ends, does not."""
    assert {name for name, service in services.items() if "healthcheck" not in service} == {"migrate"}


def test_nothing_starts_on_an_old_schema(services):
    """Web and workers wait for the migration, and the migration for the database."""
    for name in OURS:
        assert services[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
        assert services[name]["depends_on"]["redis"]["condition"] == "service_healthy"
    assert services["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert services["migrate"]["restart"] in ("no", False)


def test_secrets_come_from_files(services):
    """No password is in the file or in the environment."""
    for name in (*OURS, "migrate", "postgres"):
        environment = services[name]["environment"]
        secret = {key for key in environment if "SECRET" in key or "PASSWORD" in key or "DATABASE_URL" in key}
        assert secret
        assert all(key.endswith("_FILE") for key in secret)
        assert all(str(environment[key]).startswith("/run/secrets/") for key in secret)


def test_redis_neither_forgets_nor_evicts(services):
    """A full or restarted Redis must not drop what it was given."""
    command = services["redis"]["command"]
    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_only_the_web_server_is_published_and_on_this_machine(services):
    """Database and broker are reached from inside; the proxy with TLS stands before the web server."""
    published = {name for name, service in services.items() if service.get("ports")}
    assert published == {"web", "mail"}
    assert all("127.0.0.1" in str(port) for name in published for port in services[name]["ports"])


def test_the_image_runs_as_an_ordinary_user():
    """The last USER of the Dockerfile is not root, and the last stage has neither node nor uv."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("USER ")] == ["USER fieldservice"]
    last = max(number for number, line in enumerate(lines) if line.startswith("FROM "))
    assert not any("npm" in line or "uv " in line for line in lines[last:])


def test_what_the_image_copies_is_in_the_build_context():
    """Every COPY of the Dockerfile names something that exists and that .dockerignore lets through."""
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")
    }
    for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert source in allowed or source.split("/")[0] in allowed, source
