"""The `fieldservice` command: quick help, and every failure one sentence with exit code 2."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from fieldservice import cli
from fieldservice.config import Settings
from fieldservice.doctor import Level, examine
from tests.running import environment

ROOT = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path):
    """A new machine: an empty data folder and nothing else."""
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def command(settings, monkeypatch, capsys):
    """Runs `fieldservice …` with other variables on top; gives the exit code, stdout and stderr."""

    def run(*arguments, **variables):
        for name, value in (environment(settings) | variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["fieldservice", *arguments])
        code = cli.main()
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_help_imports_nothing_heavy():
    """`fieldservice --help` loads neither Flask nor SQLAlchemy nor Celery."""
    code = (
        "import sys\nfrom fieldservice import cli\nsys.argv = ['fieldservice', '--help']\ncli.main()\n"
        "print([name for name in ('flask', 'sqlalchemy', 'celery', 'rich') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert printed.splitlines()[-1] == "[]"
    assert "doctor" in printed


@pytest.mark.parametrize("package", ["flask", "sqlalchemy", "celery"])
def test_packages_were_compiled_at_set_up(package):
    """Else each process compiles them anew where nothing may write: 1.5 s of each start."""
    found = importlib.util.find_spec(package)
    assert Path(importlib.util.cache_from_source(found.origin)).is_file()


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (["nonsense"], {}, "No such command"),
        (["web"], {"FIELDSERVICE_PORT": "many"}, "FIELDSERVICE_PORT: 'many' is not a whole number"),
        (["web"], {"FIELDSERVICE_SECRET_KEY_FILE": "/nowhere/key"}, "cannot read /nowhere/key"),
        (["db", "check"], {}, "run `fieldservice db upgrade`"),
        (
            ["db", "upgrade"],
            {"FIELDSERVICE_DATABASE_URL": "postgresql://127.0.0.1:1/x"},
            "the database refused",
        ),
        (["db", "upgrade"], {"FIELDSERVICE_DATABASE_URL": "no address"}, "FIELDSERVICE_DATABASE_URL"),
        (["map", "import", "/nowhere/map.osm.pbf"], {}, "is not a file"),
        (["plan", "someday"], {}, "is not a date"),
        (
            ["user", "add", "a@example.com", "--name", "A", "--role", "king", "--password", "x"],
            {},
            "is not a role",
        ),
        (["run"], {"FIELDSERVICE_DATA_DIR": "/proc/nowhere"}, "/proc/nowhere"),
    ],
)
def test_a_failure_is_one_sentence(command, arguments, variables, said):
    """Whatever is wrong, a person reads one line on stderr, never a trace; the exit code is 2."""
    code, _, error = command(*arguments, **variables)
    assert code == 2
    assert error.startswith("fieldservice: ")
    assert len(error.splitlines()) == 1
    assert said in error


def test_what_should_never_happen_leaves_its_trace_in_a_file(monkeypatch, tmp_path):
    """A fault of the program is a sentence as well, which names the file with the details."""
    monkeypatch.setenv("FIELDSERVICE_DATA_DIR", str(tmp_path))
    said = cli._sentence(KeyError("a fault of ours"))
    assert str(tmp_path / "logs" / "command.log") in said
    assert "KeyError" in (tmp_path / "logs" / "command.log").read_text(encoding="utf-8")


def test_a_database_is_upgraded_and_checked(command):
    """On a new machine `db upgrade` makes what `db check` then finds right; both again change nothing."""
    assert command("db", "check")[0] == 2
    for arguments in (["db", "upgrade"], ["db", "check"], ["db", "upgrade"], ["db", "check"]):
        code, _, error = command(*arguments)
        assert (code, error) == (0, "")


def test_an_account_is_made_once(command):
    """`user add` makes an account; the same address or a poor password is refused."""
    command("db", "upgrade")
    account = ["user", "add", "ann@example.com", "--name", "Ann", "--role", "dispatcher", "--password"]
    assert command(*account, "short")[0] == 2
    assert command(*account, "correct horse battery")[0] == 0
    code, _, error = command(*account, "correct horse battery")
    assert (code, "already" in error) == (2, True)


def test_an_account_gets_another_password_and_is_closed(command):
    """`user password` and `user deactivate` find the account however its address is written."""
    command("db", "upgrade")
    command(
        *["user", "add", "ann@example.com", "--name", "Ann", "--role", "admin"], "--password", "kettle parade"
    )
    assert command("user", "password", "Ann@Example.com", "--password", "zebra parade")[0] == 0
    assert command("user", "password", "ann@example.com", "--password", "short")[0] == 2
    assert command("user", "deactivate", "ann@example.com")[0] == 0
    code, _, error = command("user", "deactivate", "bob@example.com")
    assert (code, "no account for bob@example.com" in error) == (2, True)


def test_the_doctor_names_what_is_missing_and_what_it_costs(settings):
    """On a new machine the database is broken and the map missing; each such finding has its cost."""
    settings.data_dir.mkdir()
    findings = list(examine(settings))
    assert [f.what for f in findings if f.level is Level.BROKEN and f.what.startswith("database")]
    assert [f.what for f in findings if f.level is Level.MISSING and f.what.startswith("map")]
    assert all(finding.cost for finding in findings if finding.level is not Level.OK)
    assert list(settings.data_dir.iterdir()) == []


def test_the_doctor_names_the_port_that_is_configured(tmp_path):
    """Without a public address of its own the site is where it listens; a given one stays."""
    listening = {"FIELDSERVICE_DATA_DIR": str(tmp_path), "FIELDSERVICE_PORT": "8123"}
    said = [finding.what for finding in examine(Settings.from_environment(listening))]
    assert "public address: http://localhost:8123" in said
    public = listening | {"FIELDSERVICE_PUBLIC_URL": "https://visits.example.com"}
    assert Settings.from_environment(public).public_url == "https://visits.example.com"


def test_the_doctor_survives_every_server_being_down(tmp_path):
    """Addresses where nobody answers are findings, not errors."""
    nobody = Settings(
        data_dir=tmp_path,
        database_url="postgresql://127.0.0.1:1/x",
        broker_url="redis://127.0.0.1:1/0",
        smtp_url="smtp://127.0.0.1:1",
        public_url="http://book.example.com",
    )
    broken = {f.what.split(":")[0] for f in examine(nobody) if f.level is Level.BROKEN}
    assert broken >= {"database", "broker", "e-mail", "public address"}


def test_a_broken_uv_on_the_path_is_not_trusted(tmp_path):
    """A stub that only fails is passed over; without Python 3.12 it says what it needs."""
    stub = tmp_path / "uv"
    stub.write_text("#!/bin/sh\nexit 127\n")
    stub.chmod(0o755)
    for name in ("dirname", "pwd"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    failed = subprocess.run(
        ["/bin/sh", "-c", ". ./scripts/lib.sh; tools=/nowhere; find_uv", "scripts/setup"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert failed.returncode == 1
    assert failed.stderr.startswith("setup: needs uv")
    assert len(failed.stderr.splitlines()) == 1
