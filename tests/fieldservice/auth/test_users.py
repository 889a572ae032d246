"""Accounts: what is taken and what is refused."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from fieldservice import auth
from fieldservice.auth.passwords import require_good
from fieldservice.auth.refusals import (
    EmailInvalid,
    EmailTaken,
    NameInvalid,
    PasswordTooCommon,
    PasswordTooLong,
    PasswordTooShort,
    UserRefused,
)
from fieldservice.auth.users import normal_email
from fieldservice.models import User, UserRole
from tests.factories import NOW
from tests.signing_in import PASSWORD


def _add(session: Session, **overrides: str) -> User:
    values = {"email": "dana@example.com", "name": "Dana Brooks", "password": PASSWORD} | overrides
    return auth.add_user(session, role=UserRole.DISPATCHER, now=NOW, **values)


def test_an_account_is_kept_in_normal_form(session: Session) -> None:
    """Spaces and capitals of an address do not make a second account; the password itself is not kept."""
    user = _add(session, email=" Dana@Example.COM ", name=" Dana Brooks ")
    assert (user.email, user.name, user.role, user.active) == (
        "dana@example.com",
        "Dana Brooks",
        "dispatcher",
        True,
    )
    assert PASSWORD not in user.password
    with pytest.raises(EmailTaken, match="dana@example.com"):
        _add(session, email="DANA@example.com")


@pytest.mark.parametrize(
    "email", ["", "dana", "dana@", "@example.com", "a b@example.com", "a@b@c.de", "d\x00@example.com"]
)
def test_what_is_no_address_is_refused(email: str) -> None:
    """Nobody could sign in with it."""
    with pytest.raises(EmailInvalid, match="not an e-mail address"):
        normal_email(email)


@pytest.mark.parametrize("name", ["", "   ", "D" * 121, "Dana\nBrooks", "Dana\x00"])
def test_a_name_is_one_printable_line(session: Session, name: str) -> None:
    """Names appear in histories and logs."""
    with pytest.raises(NameInvalid):
        _add(session, name=name)


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "Password123!",
        "12345678",
        "2026-11-22",
        "aaaaaaaa",
        "abababab",
        "iloveyou!!",
        "1qaz2wsx",
        "dana@example.com",
        "Brooks2026",
        "Dana Brooks",
    ],
)
def test_passwords_that_are_tried_first_are_refused(password: str) -> None:
    """Widely used ones with any decoration, runs of one letter, and the person's own name and address."""
    with pytest.raises(PasswordTooCommon):
        require_good(password, own_words=["dana@example.com", "Dana Brooks", "Dana", "Brooks"])


def test_the_own_name_is_no_password(session: Session) -> None:
    """An account's address and each word of its name are among the refused words."""
    for password in ("dana@example.com", "Brooks2026", "Dana Brooks", "example!!!"):
        with pytest.raises(PasswordTooCommon):
            _add(session, password=password)


@pytest.mark.parametrize("password", ["kettlepa", "ab cd ef" * 16, "пароль из шести слов"])
def test_length_is_the_only_other_rule(password: str) -> None:
    """Eight characters do and 128 do; digits or marks are not asked for."""
    require_good(password)


@pytest.mark.parametrize(
    ("password", "refusal"), [("kettle7", PasswordTooShort), ("ab cd ef" * 16 + "g", PasswordTooLong)]
)
def test_seven_characters_and_129_are_refused(password: str, refusal: type[UserRefused]) -> None:
    """The one could be guessed, the other is longer than what the sign-in takes."""
    with pytest.raises(refusal):
        require_good(password)


def test_a_changed_password_meets_the_same_rules(session: Session) -> None:
    """A refused new password leaves the old one."""
    user = _add(session)
    before = user.password
    with pytest.raises(UserRefused):
        auth.set_password(session, user, "password1", now=NOW)
    assert user.password == before
