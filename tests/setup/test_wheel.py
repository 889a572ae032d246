"""The wheel that this tree makes is the whole product."""

import re
import subprocess
import sys
import urllib.request
import zipfile
from contextlib import suppress
from importlib import metadata
from pathlib import Path

import pytest

from fieldservice.config import Settings
from fieldservice.notify.translations import languages
from fieldservice.paths import STATIC
from fieldservice.supervisor import is_healthy
from tests.running import environment
from tests.services import free_port, wait_until

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built with the locked tool, without network."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The Python of an environment that has the wheel and what requirements.lock names, and nothing else."""
    home = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # Linked from this environment, so that nothing is downloaded; it was installed with the same hashes.
    for name in PINNED.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")):
        with suppress(metadata.PackageNotFoundError):  # of another system
            package = metadata.distribution(name)
            for top in {file.parts[0] for file in package.files or () if file.parts[0] != ".."}:
                if not (site / top).exists():
                    (site / top).symlink_to(str(package.locate_file(top)))
    return home / "bin" / "python"


def test_the_wheel_has_templates_migrations_texts_and_the_front_end(wheel):
    """What is not Python is in the wheel as well, and tests are not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"fieldservice/templates/base.html", "fieldservice/migrations/env.py"} <= names
    texts = {f"fieldservice/translations/{code}/LC_MESSAGES/messages.po" for code in languages()[1:]}
    assert texts | {"fieldservice/demo/translations.json"} <= names
    built = {f"fieldservice/static/vendor/{path.name}" for path in (STATIC / "vendor").iterdir()}
    assert built <= names
    assert [name for name in names if name.startswith(("tests/", "bench/", "frontend/"))] == []


def test_the_wheel_runs_the_product_from_an_empty_folder(installed, tmp_path):
    """Far from the checkout, `db upgrade` and `web` of the installed product serve the booking page."""
    settings = Settings(data_dir=tmp_path / "data", port=free_port(), web_workers=1, map_tiles="none")
    empty = tmp_path / "empty"
    empty.mkdir()
    where = subprocess.run(
        [installed, "-c", "import fieldservice, scheduler; print(fieldservice.__file__, scheduler.__file__)"],
        cwd=empty,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert str(ROOT) not in where
    command = [installed, "-m", "fieldservice.cli"]
    subprocess.run([*command, "db", "upgrade"], cwd=empty, env=environment(settings), check=True)
    with (tmp_path / "web.log").open("wb") as log:
        web = subprocess.Popen(
            [*command, "web"], cwd=empty, env=environment(settings), stdout=log, stderr=log
        )
    try:
        wait_until(lambda: is_healthy(settings), f"a healthy web server ({tmp_path / 'web.log'})", TIMEOUT_S)
        with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/book", timeout=30) as page:
            assert b"/static/vendor/" in page.read()
    finally:
        web.terminate()
        web.wait()
    assert list(empty.iterdir()) == []
