"""Who may do what: staff who sign in, customers' private links, rate limits, protective headers."""

from fieldservice.auth import limits
from fieldservice.auth.refusals import UserRefused
from fieldservice.auth.setup import install
from fieldservice.auth.staff import Actor, actor, login_mark, require, sign_in
from fieldservice.auth.users import add_user, deactivate, find_user, set_password

__all__ = [
    "Actor",
    "UserRefused",
    "actor",
    "add_user",
    "deactivate",
    "find_user",
    "install",
    "limits",
    "login_mark",
    "require",
    "set_password",
    "sign_in",
]
