"""README, guides and decisions name only what there is: links, pictures, commands, files, packages."""

import re
import struct
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fieldservice.cli import fieldservice

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
FACES = ("booking", "board", "phone", "messages")
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
PNG = b"\x89PNG\r\n\x1a\n"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), re.MULTILINE))


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _text(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    """What a document links to in the repository is there, down to the heading."""
    for link in LINK.findall(_text(document)):
        if "://" in link:
            continue
        path, _, heading = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.is_file(), link
        assert not heading or heading in _anchors(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_named_target_exists(document):
    """`make X` is a target of the Makefile wherever a document says it."""
    named = set(re.findall(r"\bmake ([a-z-]+)(?=[ `\n])", "\n".join(_commands(document))))
    assert named - _targets() == set()


def _commands(document: Path) -> list[str]:
    text = _text(document)
    return [f"{code} " for code in CODE.findall(text)] + re.findall(r"^    (.+\n)", text, re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_named_command_exists(document):
    """`fieldservice X` is a command of the product wherever a document says it."""
    named = set(re.findall(r"\bfieldservice ([a-z]+)\b", "\n".join(_commands(document))))
    assert named - set(fieldservice.commands) == set()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_named_file_exists(document):
    """A path of the repository in a document leads to a file or folder of this name."""
    tops = "|".join(
        sorted({re.escape(path.name) for path in ROOT.iterdir() if not path.name.startswith(".")})
    )
    for code in CODE.findall(_text(document)):
        if re.fullmatch(rf"(?:{tops})(?:/[\w./-]*)?", code) and "/" in code:
            assert (ROOT / code).exists(), code


def test_the_readme_begins_with_the_two_commands():
    """The demo and the tests are the first commands that a reader sees."""
    commands = re.findall(r"^    make ([a-z-]+)", _text(README), re.MULTILINE)
    assert commands[:2] == ["demo", "test"]


def test_the_readme_links_every_document():
    """A guide that nobody finds is none."""
    linked = {(ROOT / link).resolve() for link in LINK.findall(_text(README)) if "://" not in link}
    assert set(DOCUMENTS) - {README} - linked == set()


@pytest.mark.parametrize("face", FACES)
def test_the_readme_shows_every_face(face):
    """One picture of each face: a PNG, large enough to be read and small enough to be loaded."""
    name = f"docs/screenshots/{face}.png"
    assert re.search(rf"!\[[^\]]+\]\({re.escape(name)}\)", _text(README))
    content = (ROOT / name).read_bytes()
    width, height = struct.unpack(">II", content[16:24])
    assert content.startswith(PNG)
    assert 350 <= width <= 3000
    assert 500 <= height <= 3000
    assert 20_000 < len(content) < 1_500_000


def test_every_picture_is_shown():
    """No picture lies about that no document shows."""
    shown = {
        (document.parent / link).resolve()
        for document in DOCUMENTS
        for link in LINK.findall(_text(document))
        if link.endswith(".png")
    }
    assert {path.resolve() for path in (ROOT / "docs").glob("**/*.png")} == shown


def test_the_changelog_has_the_unreleased_changes_on_top():
    """The first section is what no release has yet."""
    sections = re.findall(r"^## (.+)$", _text(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert sections[0] == "Unreleased"


def test_every_decision_has_its_date():
    """Each decision is a heading with a date and at least a sentence below it."""
    parts = re.split(r"^### ", _text(ROOT / "docs" / "decisions.md"), flags=re.MULTILINE)[1:]
    assert parts
    for part in parts:
        heading, _, text = part.partition("\n")
        assert re.fullmatch(r"\d{4}-\d\d-\d\d: \S.*", heading)
        assert len(text.strip()) > 80, heading


def test_every_dependency_has_its_reason():
    """The table of dependencies names exactly the packages that the product asks for."""
    decisions = _text(ROOT / "docs" / "decisions.md")
    rows = re.findall(r"^\| ([a-z0-9, -]+) \| .+ \|$", decisions, re.MULTILINE)
    documented = {name for row in rows for name in row.split(", ")}
    project = tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]
    assert documented == {re.split(r"[\[<>=~]", wanted)[0] for wanted in project["dependencies"]}


def _scheduler(*arguments: object) -> str:
    command = [sys.executable, "-m", "scheduler", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout


def test_the_example_of_the_scheduler_guide_works(tmp_path):
    """The problem in the guide is solved, and the plan passes the check."""
    guide = _text(ROOT / "docs" / "scheduler.md").partition("## Commands")[0]
    problem, plan = tmp_path / "problem.json", tmp_path / "plan.json"
    problem.write_text("".join(re.findall(r"^    (.*\n)", guide, re.MULTILINE)), encoding="utf-8")
    _scheduler("solve", problem, "--iterations", 1, "--out", plan)
    _scheduler("check", problem, plan)


def test_every_command_of_the_scheduler_is_in_its_guide():
    """What `python -m scheduler --help` lists is in the guide, and nothing else."""
    helped = re.search(r"\{([a-z,]+)\}", _scheduler("--help"))
    assert helped
    guide = _text(ROOT / "docs" / "scheduler.md")
    assert set(re.findall(r"`python -m scheduler ([a-z]+) ", guide)) == set(helped[1].split(","))


def test_every_format_of_the_scheduler_is_in_its_guide():
    """The guide lists what `convert` reads."""
    helped = re.search(r"\{([a-z,]+)\}", _scheduler("convert", "--help"))
    assert helped
    row = re.search(
        r"^\| `python -m scheduler convert .*$", _text(ROOT / "docs" / "scheduler.md"), re.MULTILINE
    )
    assert row
    assert set(re.findall(r"`([a-z]+)`", row[0])) == set(helped[1].split(","))
