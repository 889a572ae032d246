"""The operations guide and the program say the same."""

import re
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from fieldservice.cli import fieldservice
from fieldservice.config import Settings, variable

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
SETTING_ROW = re.compile(r"^\| `(FIELDSERVICE_\w+)` \| (?:`([^`]*)`)? \| (.+) \|$", re.MULTILINE)


def _as_documented(default: object) -> str:
    if isinstance(default, bool):
        return "yes" if default else "no"
    return "" if default is None else str(default)


def test_every_setting_is_documented_with_its_default_and_meaning():
    """The guide's table has exactly one row per setting, in the program's own words, and no other."""
    documented = {name: (default, meaning) for name, default, meaning in SETTING_ROW.findall(GUIDE)}
    real = {
        variable(setting.name): (_as_documented(setting.default), setting.metadata["help"])
        for setting in fields(Settings)
    }
    assert documented == real


def test_no_document_names_a_setting_that_does_not_exist():
    """Every FIELDSERVICE_ word in documents and container files is a setting or its file form."""
    real = {variable(setting.name) for setting in fields(Settings)}
    # Read by docker-compose alone: where it publishes the web server.
    allowed = real | {f"{name}_FILE" for name in real} | {"FIELDSERVICE_PUBLISH"}
    documents = [
        *ROOT.glob("docs/*.md"),
        ROOT / "README.md",
        ROOT / "Dockerfile",
        ROOT / "docker-compose.yml",
    ]
    named = {
        word
        for document in documents
        for word in re.findall(r"\bFIELDSERVICE_[A-Z_]*[A-Z]\b", document.read_text(encoding="utf-8"))
    }
    assert named - allowed == set()


@pytest.mark.parametrize("command", sorted(fieldservice.commands))
def test_every_command_is_documented(command):
    """Each command of `fieldservice` has its place in the guide."""
    assert re.search(rf"`(fieldservice )?{command}\b", GUIDE)


def test_every_target_of_the_makefile_is_listed():
    """`make help` lists every target that a person calls."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    helped = subprocess.run(["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert set(re.findall(r"^  make ([a-z-]+)", helped, re.MULTILINE)) == set(phony.group(1).split())
