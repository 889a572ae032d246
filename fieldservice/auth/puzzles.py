"""Puzzles that cost a computer a moment: find the number whose hash was given (the protocol of ALTCHA).

A puzzle is signed, so the server keeps none of them; it counts for one purpose, for some minutes, and once.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlencode

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from fieldservice.models import SpentPuzzle

ALGORITHM = "SHA-256"
MAX_NUMBER = 200_000
"""A phone tries this many in a second or two; half of them on average."""
LIFETIME = timedelta(minutes=10)
LONGEST = 2000


class PuzzleWrong(Exception):
    """The solution is none, is for something else, has run out, or was used before."""


@dataclass(frozen=True)
class Puzzle:
    """What the browser is given: a number up to `max_number` after the salt hashes to the challenge."""

    challenge: str
    salt: str
    signature: str
    max_number: int = MAX_NUMBER


def make(purpose: str, *, secret_key: str, now: datetime) -> Puzzle:
    """A new puzzle for a purpose, such as one draft."""
    ends = int((now + LIFETIME).timestamp())
    about = urlencode({"expires": ends, "for": _sign(f"for {purpose}", secret_key)[:32]})
    salt = f"{secrets.token_hex(12)}?{about}&"
    challenge = _hash(salt, secrets.randbelow(MAX_NUMBER))
    return Puzzle(challenge, salt, _sign(challenge, secret_key))


def require_solved(session: Session, solution: str, purpose: str, *, secret_key: str, now: datetime) -> None:
    """Accept a solution once. Raises PuzzleWrong.

    `solution` is the Base64 of a JSON object with algorithm, challenge, number, salt and signature.
    """
    said = _read(solution)
    challenge, salt, number = said["challenge"], said["salt"], said["number"]
    about = parse_qs(salt.rstrip("&").partition("?")[2])
    genuine = _same(said["signature"], _sign(challenge, secret_key)) and _same(challenge, _hash(salt, number))
    meant = _same(about.get("for", [""])[0], _sign(f"for {purpose}", secret_key)[:32])
    ends = about.get("expires", ["0"])[0]
    if not (genuine and meant and ends.isdecimal()):
        raise PuzzleWrong
    ends_at = datetime.fromtimestamp(int(ends), UTC)
    if ends_at <= now:
        raise PuzzleWrong
    _spend(session, challenge, ends_at)


def drop_old(session: Session, *, now: datetime) -> None:
    """Forget the solutions of puzzles that have run out."""
    session.execute(delete(SpentPuzzle).where(SpentPuzzle.expires_at <= now))


def _spend(session: Session, challenge: str, ends_at: datetime) -> None:
    try:
        with session.begin_nested():
            session.add(SpentPuzzle(challenge=challenge, expires_at=ends_at))
    except IntegrityError as error:
        raise PuzzleWrong from error


def _read(solution: str) -> dict[str, str]:
    """The parts of a solution as text; the number is one from 0 on."""
    try:
        said = json.loads(base64.b64decode(solution[:LONGEST], validate=True))
        parts = {name: str(said[name]) for name in ("algorithm", "challenge", "number", "salt", "signature")}
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise PuzzleWrong from error
    number = parts["number"]
    if parts["algorithm"] != ALGORITHM or not (number.isascii() and number.isdecimal() and len(number) < 12):
        raise PuzzleWrong
    return parts


def _hash(salt: str, number: object) -> str:
    return hashlib.sha256(f"{salt}{number}".encode(errors="surrogatepass")).hexdigest()


def _sign(text: str, secret_key: str) -> str:
    key = f"puzzle:{secret_key}".encode()
    return hmac.new(key, text.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(errors="surrogatepass"), other.encode())
