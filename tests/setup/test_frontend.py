"""The front-end build replaces what is in use only when the new one is whole."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NODES = ("node", ROOT / "build" / "tools" / "node" / "bin" / "node")


@pytest.fixture
def frontend(tmp_path):
    """A copy of the sources beside an earlier build; the packages are linked."""
    folder = tmp_path / "frontend"
    shutil.copytree(ROOT / "frontend", folder, ignore=shutil.ignore_patterns("node_modules"))
    (folder / "node_modules").symlink_to(ROOT / "frontend" / "node_modules")
    vendor = tmp_path / "fieldservice" / "static" / "vendor"
    vendor.mkdir(parents=True)
    (vendor / "manifest.json").write_text("the build in use")
    return folder


def build(folder):
    """Run the build; its exit code."""
    node = next(found for name in NODES if (found := shutil.which(name)))
    return subprocess.run([node, "build.mjs"], cwd=folder, capture_output=True, text=True).returncode


def test_a_build_that_fails_leaves_the_one_in_use(frontend):
    """A missing icon is found after the bundles were made; nothing of the old build is gone."""
    vendor = frontend.parent / "fieldservice" / "static" / "vendor"
    (frontend / "icons.json").write_text('["no-such-icon"]')
    assert build(frontend) != 0
    assert [path.name for path in vendor.iterdir()] == ["manifest.json"]
    assert (vendor / "manifest.json").read_text() == "the build in use"


def test_a_build_that_is_stopped_while_it_writes_leaves_the_one_in_use(frontend):
    """The licences are written when the bundles are: without them the new build is not put in place."""
    vendor = frontend.parent / "fieldservice" / "static" / "vendor"
    script = (frontend / "build.mjs").read_text()
    stopped = script.replace('path.join(fresh, "LICENCES.txt")', 'path.join(fresh, "no-such-folder", "x")')
    assert stopped != script
    (frontend / "build.mjs").write_text(stopped)
    assert build(frontend) != 0
    assert (vendor / "manifest.json").read_text() == "the build in use"


def test_a_whole_build_takes_its_place(frontend):
    """Afterwards there is the new build alone, and each file that its list names."""
    vendor = frontend.parent / "fieldservice" / "static" / "vendor"
    assert build(frontend) == 0
    files = json.loads((vendor / "manifest.json").read_text())["files"]
    assert {"app.css", "app.js", "icons.svg"} <= files.keys()
    assert all((vendor / name).is_file() for name in files.values())
    assert [path.name for path in vendor.parent.iterdir()] == ["vendor"]
