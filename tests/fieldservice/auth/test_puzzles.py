"""A puzzle is solved once, for its purpose, in time."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from fieldservice.auth import puzzles
from fieldservice.auth.puzzles import Puzzle, PuzzleWrong
from tests.factories import NOW

KEY = "only-for-tests"


def solve(puzzle: Puzzle, **changed: Any) -> str:
    """What a browser sends, with some parts replaced."""
    number = next(
        number
        for number in range(puzzle.max_number + 1)
        if hashlib.sha256(f"{puzzle.salt}{number}".encode()).hexdigest() == puzzle.challenge
    )
    said = {
        "algorithm": puzzles.ALGORITHM,
        "challenge": puzzle.challenge,
        "number": number,
        "salt": puzzle.salt,
        "signature": puzzle.signature,
    }
    return base64.b64encode(json.dumps(said | changed).encode()).decode()


def take(session: Session, solution: str, purpose: str = "a", after: timedelta = timedelta()) -> None:
    """Have the solution accepted."""
    puzzles.require_solved(session, solution, purpose, secret_key=KEY, now=NOW + after)


@pytest.fixture
def puzzle() -> Puzzle:
    """A puzzle for `a`."""
    return puzzles.make("a", secret_key=KEY, now=NOW)


def test_a_solution_counts_once(session: Session, puzzle: Puzzle) -> None:
    """The first time it is accepted, the second time it was used; once forgotten, it has run out as well."""
    solution = solve(puzzle)
    take(session, solution)
    with pytest.raises(PuzzleWrong):
        take(session, solution)
    late = puzzles.LIFETIME
    puzzles.drop_old(session, now=NOW + late)
    with pytest.raises(PuzzleWrong):
        take(session, solution, after=late)


def test_without_the_memory_it_would_count_again(session: Session, puzzle: Puzzle) -> None:
    """Positive control: it is the memory of used solutions that refuses the second one."""
    solution = solve(puzzle)
    take(session, solution)
    puzzles.drop_old(session, now=NOW + puzzles.LIFETIME)
    take(session, solution)


def test_a_solution_is_for_one_purpose(session: Session, puzzle: Puzzle) -> None:
    """One that was worked for cannot be given to another draft."""
    with pytest.raises(PuzzleWrong):
        take(session, solve(puzzle), "b")
    take(session, solve(puzzle))


@pytest.mark.parametrize(
    "changed",
    [
        {"signature": "0" * 64},
        {"signature": "é"},
        {"number": 1.5},
        {"number": -1},
        {"number": "9" * 50},
        {"algorithm": "MD5"},
        {"salt": "x"},
        {"challenge": hashlib.sha256(b"x1").hexdigest(), "salt": "x", "number": 1},
        {"challenge": None},
    ],
    ids=str,
)
def test_what_is_made_up_is_refused(session: Session, puzzle: Puzzle, changed: dict[str, Any]) -> None:
    """Every part is compared; a puzzle of one's own lacks the signature."""
    with pytest.raises(PuzzleWrong):
        take(session, solve(puzzle, **changed))
    take(session, solve(puzzle))


@pytest.mark.parametrize(
    "solution", ["", "é", "e30=", "W10=", "bnVsbA==", "[" * 3000, base64.b64encode(b"[" * 1200).decode()]
)
def test_what_is_no_solution_is_refused(session: Session, solution: str) -> None:
    """Anything at all may be sent."""
    with pytest.raises(PuzzleWrong):
        take(session, solution)
