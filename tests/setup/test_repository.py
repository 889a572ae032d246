"""What must not enter the repository, and what its files must agree on."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PINNED = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE | re.IGNORECASE)
LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-bench.lock",
    "scripts/requirements-uv.lock",
)


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", *patterns],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]


def _texts(paths: list[Path]) -> dict[str, str]:
    texts = {}
    for path in paths:
        try:
            texts[str(path.relative_to(ROOT))] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def test_no_file_names_a_machine():
    """No tracked text holds a home folder, this checkout's own path, or the host of a package registry."""
    registries = (
        ("files.pythonhosted", "org"),
        ("pypi", "org"),
        ("registry.npmjs", "org"),
        ("registry.yarnpkg", "com"),
    )
    registry = "|".join(re.escape(f"{name}.{domain}") for name, domain in registries)
    forbidden = re.compile(rf"/home/\w+|/Users/\w+|/root\b|{re.escape(str(ROOT))}\b|{registry}")
    own = str(Path(__file__).relative_to(ROOT))
    found = {
        name: match.group()
        for name, text in _texts(_tracked()).items()
        if name != own and (match := forbidden.search(text))
    }
    assert found == {}


def test_locks_have_hashes_and_no_addresses():
    """Every locked package has a hash, and no lock says where it was downloaded."""
    for name in LOCKS:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "://" not in text
        packages = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
        assert [package for package in packages if "==" in package and "--hash=sha256:" not in package] == []


@pytest.mark.parametrize("lock", LOCKS[1:3])
def test_the_other_locks_have_the_same_versions(lock):
    """What is tested and measured is what runs."""
    run, other = (
        dict(PINNED.findall((ROOT / name).read_text(encoding="utf-8"))) for name in (LOCKS[0], lock)
    )
    assert {name: other.get(name) for name in run} == run


def test_the_product_needs_no_other_solver():
    """What is only measured against is in the lock of the benchmarks alone."""
    for name in ("pyvroom", "pyvrp"):
        found = [lock for lock in LOCKS if re.search(rf"^{name}==", (ROOT / lock).read_text("utf-8"), re.M)]
        assert found == ["requirements-bench.lock"]


def test_the_front_ends_lock_names_no_address():
    """npm takes the packages from where this machine takes them."""
    assert '"resolved"' not in (ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8")


def test_no_task_waits_in_the_broker():
    """Nobody passes eta= or countdown= to anything: on Redis such a task runs several times."""
    found = []
    for path in _tracked("fieldservice/*.py", "scheduler/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                names = {keyword.arg for keyword in node.keywords} & {"eta", "countdown"}
                found += [f"{path.relative_to(ROOT)}:{node.lineno} {name}" for name in names]
    assert found == []


def test_nobody_publishes_to_the_broker():
    """No code sends a task: it writes a row that a periodic task finds, so Redis may be down meanwhile."""
    sending = re.compile(r"\.(delay|apply_async|send_task)\(")
    texts = _texts(_tracked("fieldservice/*.py"))
    assert [name for name, text in texts.items() if sending.search(text)] == []
