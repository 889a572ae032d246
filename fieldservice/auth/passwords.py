"""Passwords: which ones are refused, and how the others are kept."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from argon2 import PasswordHasher

from fieldservice.auth.refusals import PasswordTooCommon, PasswordTooLong, PasswordTooShort

SHORTEST = 8
LONGEST = 128
_FEWEST_CHARACTERS = 4
_DECORATION = "0123456789!?.,#@$%&*+-_= "

# The words behind the most used passwords, without the digits and marks that people put around them:
# `Password123!` is `password` there.
_COMMON = frozenset(Path(__file__).with_name("common_passwords.txt").read_text(encoding="ascii").split())

_hasher = PasswordHasher()


def require_good(password: str, *, own_words: Iterable[str] = ()) -> None:
    """Raise PasswordTooShort, PasswordTooLong or PasswordTooCommon for a password that must not be used.

    Nothing else is asked of it: rules about digits and marks make passwords worse.
    """
    if len(password) < SHORTEST:
        raise PasswordTooShort(f"a password has at least {SHORTEST} characters")
    if len(password) > LONGEST:
        raise PasswordTooLong(f"a password has at most {LONGEST} characters")
    folded = password.casefold()
    refused = _COMMON | {word.casefold() for word in own_words}
    core = folded.strip(_DECORATION)
    if not core or folded in refused or core in refused or len(set(folded)) < _FEWEST_CHARACTERS:
        raise PasswordTooCommon("this password is one of the first that anybody would try")


def hash_password(password: str) -> str:
    """What is kept of a password: Argon2id of the same normal form that Flask-Security verifies."""
    return _hasher.hash(unicodedata.normalize("NFKD", password))
