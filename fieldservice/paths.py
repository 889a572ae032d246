"""Where templates and migrations lie: in the checkout when there is one, else in the installed package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = (
    PACKAGE.parent
    if (PACKAGE.parent / "pyproject.toml").is_file() and (PACKAGE.parent / "migrations").is_dir()
    else None
)

TEMPLATES = (_CHECKOUT or PACKAGE) / "templates"
MIGRATIONS = (_CHECKOUT or PACKAGE) / "migrations"
STATIC = PACKAGE / "static"
