"""`fieldservice catalogue`: the office edits what services ask as a file; a mistake changes nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fieldservice import cli
from fieldservice.db import Database
from tests.factories import ask, make_service, make_skill

WRITTEN = {
    "questions": [
        {"code": "old", "kind": "yesno", "label": "Is it old?", "effects": [{"answer": "yes", "priority": 9}]}
    ],
    "first_checks": [],
    "faq": [{"question": "Why?", "answer": "Because."}],
}

type Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    db: Database,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Runs `fieldservice catalogue …` on a database with two services."""
    with db.transaction() as session:
        make_skill(session, "gas")
        ask(
            session,
            make_service(session, code="heating", position=1),
            WRITTEN["questions"],
            faq=WRITTEN["faq"],
        )
        make_service(session, code="advice", position=2)
    monkeypatch.setenv("FIELDSERVICE_DATABASE_URL", database_url)
    monkeypatch.setenv("FIELDSERVICE_DATA_DIR", str(tmp_path))

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["fieldservice", "catalogue", *arguments])
        code = cli.main()
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def file_of(tmp_path: Path, data: object) -> str:
    """A file with this content."""
    path = tmp_path / "catalogue.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
    return str(path)


def test_what_is_shown_can_be_written_to_another_service(command: Command, tmp_path: Path) -> None:
    """Both ways, on both databases; the other service stays as it is."""
    code, out, _ = command("show", "heating")
    assert (code, json.loads(out)) == (0, {"heating": WRITTEN})
    assert command("write", file_of(tmp_path, {"advice": WRITTEN}))[0] == 0
    assert json.loads(command("show")[1]) == {"heating": WRITTEN, "advice": WRITTEN}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"advice": WRITTEN, "heating": {"faq": [{"question": "Why?"}]}}, "heating.faq[0].answer: a text is"),
        ({"advice": WRITTEN, "cooling": {}}, "no service has the code cooling; there are heating, advice"),
        ({"heating": {"questions": [{"code": "x"}]}}, "heating.questions[0].kind: a text is missing"),
        ({"heating": 7}, "heating.the catalogue: not an object"),
        ([], "does not name services"),
        ("{", "is no JSON"),
    ],
)
def test_a_mistake_is_one_sentence_and_changes_nothing(
    command: Command, tmp_path: Path, data: object, words: str
) -> None:
    """Not even the services of the file that are right."""
    before = command("show")[1]
    code, _, err = command("write", file_of(tmp_path, data))
    assert code == cli.FAILED
    assert words in err
    assert len(err.splitlines()) == 1
    assert command("show")[1] == before


def test_a_file_that_is_not_there(command: Command, tmp_path: Path) -> None:
    """Is named."""
    code, _, err = command("write", str(tmp_path / "none.json"))
    assert code == cli.FAILED
    assert "none.json" in err


def test_missing_translations_are_printed_to_be_filled_in(command: Command, tmp_path: Path) -> None:
    """`--translate` shows them empty; filled in they are written; an unknown language is refused."""
    shown = json.loads(command("show", "heating", "--translate", "nl")[1])
    assert shown["heating"]["translations"]["nl"]["Why?"] == ""
    shown["heating"]["translations"]["nl"]["Why?"] = "Waarom?"
    assert command("write", file_of(tmp_path, shown))[0] == 0
    assert json.loads(command("show", "heating")[1])["heating"]["translations"] == {"nl": {"Why?": "Waarom?"}}
    code, _, err = command("show", "--translate", "xx")
    assert code != 0
    assert "xx is none of en" in err
